"""The constraints on requests that the types lack, as JSON Schema for /openapi.json; `validation` enforces them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latticework.doors.openai.validation import UNSUPPORTED

Schema = dict[str, Any]


def only_if(name: str, other: str) -> Schema:
    """A field that requires another one to be true."""
    absent = {"properties": {name: {"type": "null"}}}
    return {"anyOf": [absent, {"required": [other], "properties": {other: {"const": True}}}]}


def _given(name: str) -> Schema:
    """In `structured_outputs`, false and null mean the same as omitting a field."""
    return {"required": [name], "properties": {name: {"not": {"enum": [None, False]}}}}


STRUCTURED_OUTPUTS: Schema = {
    "additionalProperties": False,
    "oneOf": [_given(name) for name in ("json", "json_object", "regex", "choice", "grammar")],
}


def refused_fields(unsupported: Mapping[str, str]) -> Mapping[str, Schema]:
    return {name: {"enum": [None, False], "description": f"Refused: it {why}"} for name, why in unsupported.items()}


def _both(value: bool) -> Schema:
    return {key: {"const": value} for key in ("continue_final_message", "add_generation_prompt")}


# An answer begins a new message, or continues the last one.
BEGINNING: Schema = {
    "not": {
        "required": ["continue_final_message", "add_generation_prompt"],
        "anyOf": [{"properties": _both(True)}, {"properties": _both(False)}],
    }
}
STOP: Schema = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "items": {"type": "string", "minLength": 1}},
        {"type": "null"},
    ]
}
CHAT: Mapping[str, Schema] = {
    "ChatRequest": {
        "allOf": [
            only_if("top_logprobs", "logprobs"),
            only_if("stream_options", "stream"),
            only_if("echo", "continue_final_message"),
            BEGINNING,
        ],
        "properties": {
            **refused_fields(UNSUPPORTED),
            "modalities": {"anyOf": [{"type": "array", "items": {"const": "text"}}, {"type": "null"}]},
            "stop": STOP,
        },
    },
    "StructuredOutputs": STRUCTURED_OUTPUTS,
}
