"""A type with values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pydantic
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

MINOR = ".".join(pydantic.VERSION.split(".")[:2])


@dataclass
class Case:
    """A type, with JSON values: `valid` ones Pydantic accepts; `mode` is that of `json_schema`."""

    id: str
    type: Any
    valid: Sequence[Any]
    invalid: Sequence[Any] = ()
    mode: Literal["validation", "serialization"] = "validation"
    generator: type[GenerateJsonSchema] = GenerateJsonSchema

    def row(self) -> dict[str, Any]:
        adapter = TypeAdapter(self.type)
        loaded = [adapter.validate_json(json.dumps(value)) for value in self.valid]
        dumped = [json.loads(adapter.dump_json(value, by_alias=True)) for value in loaded]
        return {
            "id": f"pydantic-{MINOR}/{self.id}",
            "emitter": f"pydantic {pydantic.VERSION}",
            "schema": adapter.json_schema(mode=self.mode, schema_generator=self.generator),
            "valid": [*self.valid, *dumped] if self.mode == "validation" else dumped,
            "invalid": list(self.invalid),
        }
