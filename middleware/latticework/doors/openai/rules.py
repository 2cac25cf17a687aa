"""The constraints on requests that the types lack, as JSON Schema for /openapi.json; `validation` enforces them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latticework.doors.common.fields import Harmless, Refused
from latticework.doors.openai.fields import HARMLESS, refused_by
from latticework.doors.openai.fields.nested import OF_STREAM_OPTIONS, OF_STRUCTURED_OUTPUTS

Schema = dict[str, Any]


def only_if(name: str, other: str) -> Schema:
    """A field that requires another one to be true. Null and false mean the same as omitting it."""
    absent = {"properties": {name: {"enum": [None, False]}}}
    return {"anyOf": [absent, {"required": [other], "properties": {other: {"const": True}}}]}


def _given(name: str) -> Schema:
    """In `structured_outputs`, false and null mean the same as omitting a field."""
    return {"required": [name], "properties": {name: {"not": {"enum": [None, False]}}}}


def refused_fields(refused: Mapping[str, Refused]) -> Mapping[str, Schema]:
    return {name: {"enum": list(row.neutral), "description": f"Refused: it {row.why}"} for name, row in refused.items()}


def ignored_fields(harmless: Mapping[str, Harmless] = HARMLESS) -> Mapping[str, Schema]:
    return {name: {"description": f"No effect. {row.why}"} for name, row in harmless.items()}


STRUCTURED_OUTPUTS: Schema = {
    "additionalProperties": False,
    "properties": refused_fields(OF_STRUCTURED_OUTPUTS),
    "oneOf": [_given(name) for name in ("json", "json_object", "regex", "choice", "grammar")],
}


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
            **ignored_fields(),
            **refused_fields(refused_by("chat")),
            "modalities": {"anyOf": [{"type": "array", "items": {"const": "text"}}, {"type": "null"}]},
            "stop": STOP,
        },
    },
    "StructuredOutputs": STRUCTURED_OUTPUTS,
    "StreamOptions": {"properties": refused_fields(OF_STREAM_OPTIONS)},
}
