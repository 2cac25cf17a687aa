"""A call that is nothing but a JSON object, as a JSON Schema.

Where a document may stand instead of a call, llguidance can tell the two apart only if both are `%json`: it merges what
starts alike in those, and nowhere else.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from turngrammar.schema import SchemaPlan
from turngrammar.spelling import Spelling, in_order

_HOLE = "\0arguments"


def json_call(before: str, parameters: SchemaPlan, after: str, spelling: Spelling) -> str | None:
    """The schema text of `before`, arguments, `after`; None where that is not one JSON object in this spelling."""
    text = before + json.dumps(_HOLE) + after
    try:
        template = json.loads(text)
    except ValueError:
        return None
    if json.dumps(template, separators=(spelling.item, spelling.key)) != text:
        return None
    return replace(spelling, sorts=False).schema(_schema(template, spelling, parameters, "#"))


def _schema(template: Any, spelling: Spelling, parameters: SchemaPlan, pointer: str) -> dict[str, Any]:
    if template == _HOLE:
        lowered = _moved(in_order(parameters.lowered) if spelling.sorts else parameters.lowered, pointer)
        return lowered if isinstance(lowered, dict) else {}
    if not isinstance(template, dict):
        return {"const": template}
    properties = {
        key: _schema(value, spelling, parameters, f"{pointer}/properties/{key}") for key, value in template.items()
    }
    return {"type": "object", "properties": properties, "required": list(template), "additionalProperties": False}


def _moved(schema: Any, pointer: str) -> Any:
    """`schema`, whose references into itself still hold when it stands at `pointer`."""
    if isinstance(schema, list):
        return [_moved(item, pointer) for item in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, pointer) for key, value in schema.items()}
    reference = moved.get("$ref")
    return {**moved, "$ref": pointer + reference[1:]} if isinstance(reference, str) else moved
