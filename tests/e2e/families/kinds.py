"""What is asked of each model: every way in which a request rules calls, documents and thoughts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Closed and bounded, so that random weights come to an end.
TOOLS: Mapping[str, Mapping[str, Any]] = {
    "book_room": {
        "type": "object",
        "properties": {
            "city": {"type": "string", "enum": ["Oslo", "Rome", "São Paulo"]},
            "nights": {"type": "integer", "minimum": 1, "maximum": 9},
            "note": {"type": "string", "maxLength": 8},
            "smoking": {"type": "boolean"},
        },
        "required": ["city", "nights"],
        "additionalProperties": False,
    },
    "list-rooms": {"type": "object", "properties": {}, "additionalProperties": False},
    "tag_guests": {
        "type": "object",
        "properties": {
            "tags": {"type": "array", "items": {"enum": ["vip", "late"]}, "minItems": 1, "maxItems": 3},
            "guest": {
                "type": "object",
                "properties": {"name": {"type": "string", "maxLength": 6}, "age": {"type": ["integer", "null"]}},
                "required": ["name"],
                "additionalProperties": False,
            },
        },
        "required": ["tags", "guest"],
        "additionalProperties": False,
    },
}
NAMED = "tag_guests"
SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Oslo", "Rome"]},
        "total": {"type": "integer", "minimum": 0, "maximum": 99},
        "guests": {"type": "array", "items": {"type": "string", "maxLength": 6}, "maxItems": 2},
        "paid": {"type": "boolean"},
    },
    "required": ["city", "total", "guests", "paid"],
    "additionalProperties": False,
}

_OFFERED = {"tools": [
    {"type": "function", "function": {"name": name, "description": f"The tool {name}.", "parameters": schema}}
    for name, schema in TOOLS.items()
]}  # fmt: skip
_DOCUMENT = {"response_format": {"type": "json_schema", "json_schema": {"name": "booking", "schema": SCHEMA}}}
_NAMED = {"tool_choice": {"type": "function", "function": {"name": NAMED}}}
_ONE = {"parallel_tool_calls": False}
_UNTHINKING = {"max_reasoning_tokens": 0}


@dataclass(frozen=True)
class Kind:
    """Attributes:

    name: of this kind.
    fields: of its requests.
    biases: what the model is made to do (the names of BIASES).
    calls: the least and the most calls of a finished answer; None: any number.
    document: whether a finished answer without calls is a document of SCHEMA.
    thinks: whether the model is made to think. It is asked of families alone that have those biases.
    """

    name: str
    fields: Mapping[str, Any]
    biases: tuple[str, ...] = ()
    calls: tuple[int, int | None] = (0, 0)
    document: bool = False
    thinks: bool = False

    @property
    def ruled(self) -> bool:
        """Whether free text is no answer."""
        return self.document or self.fields.get("tool_choice") is not None

    @property
    def bounded(self) -> bool:
        """Whether nothing but the request's limit ends the thoughts."""
        return self.thinks and "close" not in self.biases


# Gemma 4 thinks where it is told to.
_THINKING = {"reasoning_effort": "high"}
_THINK = ("begin", "close")
KINDS: Sequence[Kind] = (
    Kind("required", {**_OFFERED, **_UNTHINKING, "tool_choice": "required"}, calls=(1, None)),
    Kind("required, one", {**_OFFERED, **_UNTHINKING, **_ONE, "tool_choice": "required"}, calls=(1, 1)),
    Kind("named", {**_OFFERED, **_UNTHINKING, **_NAMED}, calls=(1, 1)),
    Kind("auto, one", {**_OFFERED, **_ONE}, ("call", "ends"), calls=(1, 1)),
    Kind("auto, parallel", {**_OFFERED, **_UNTHINKING}, ("ends",), calls=(0, None)),
    Kind("schema", {**_DOCUMENT, **_UNTHINKING}, document=True),
    Kind("tools or schema", {**_OFFERED, **_DOCUMENT, **_UNTHINKING}, calls=(0, None), document=True),
    Kind("tools or schema, call", {**_OFFERED, **_DOCUMENT, **_ONE}, ("call",), calls=(1, 1)),
    Kind("thoughts, schema", {**_DOCUMENT, **_THINKING}, _THINK, document=True, thinks=True),
    Kind(
        "thoughts, required",
        {**_OFFERED, **_THINKING, **_ONE, "tool_choice": "required"},
        _THINK,
        calls=(1, 1),
        thinks=True,
    ),
    Kind("thoughts, auto", {**_OFFERED, **_THINKING, **_ONE}, (*_THINK, "call"), calls=(1, 1), thinks=True),
    Kind(
        "thoughts, tools or schema",
        {**_OFFERED, **_DOCUMENT, **_THINKING, **_ONE},
        _THINK,
        calls=(0, 1),
        document=True,
        thinks=True,
    ),
    Kind(
        "bounded thoughts, schema",
        {**_DOCUMENT, **_THINKING, "max_reasoning_tokens": 6},
        ("begin",),
        document=True,
        thinks=True,
    ),
    Kind(
        "bounded thoughts, required",
        {**_OFFERED, **_ONE, **_THINKING, "tool_choice": "required", "max_reasoning_tokens": 6},
        ("begin",),
        calls=(1, 1),
        thinks=True,
    ),
)
