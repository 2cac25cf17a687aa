"""What a schema of OpenAPI 3.0 means, as a schema of JSON Schema 2020-12: for validators that don't know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def as_json_schema(schema: Any) -> Any:
    """`nullable` beside a type and Boolean exclusive bounds, rewritten."""
    if isinstance(schema, list):
        return [as_json_schema(item) for item in schema]
    if not isinstance(schema, Mapping):
        return schema
    rewritten = {name: as_json_schema(value) for name, value in schema.items()}
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        flag = rewritten.get(exclusive)
        if isinstance(flag, bool):
            del rewritten[exclusive]
            rewritten |= {exclusive: rewritten.pop(bound)} if flag else {}
    if rewritten.pop("nullable", False) is True and "type" in rewritten:
        rewritten = {"anyOf": [rewritten, {"type": "null"}]}
    return rewritten
