"""Tools as clients of Anthropic's API send them, with arguments and how they are taken."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class SentTool:
    """An `input_schema`. `by` names the client and its version, where a client made it."""

    name: str
    by: str
    input_schema: Mapping[str, Any]
    valid: tuple[Mapping[str, Any], ...]
    invalid: tuple[Any, ...]


SENT_TOOLS = (
    SentTool(
        "json_tool_call",
        "LiteLLM 1.109.1, response_format of a Pydantic model",
        {
            "type": "object",
            "$defs": {
                "Color": {"enum": ["red", "blue"], "title": "Color", "type": "string"},
                "Node": {
                    "properties": {
                        "name": {"maxLength": 9, "title": "Name", "type": "string"},
                        "children": {
                            "default": [],
                            "items": {"$ref": "/$defs/Node"},
                            "title": "Children",
                            "type": "array",
                        },
                    },
                    "required": ["name"],
                    "title": "Node",
                    "type": "object",
                },
            },
            "properties": {
                "color": {"$ref": "/$defs/Color"},
                "zip": {"description": "ZIP", "pattern": "^\\d{5}$", "title": "Zip", "type": "string"},
                "root": {"$ref": "/$defs/Node"},
            },
            "required": ["color", "zip", "root"],
            "title": "Shirt",
        },
        ({"color": "red", "zip": "01234", "root": {"name": "a", "children": [{"name": "b"}]}},),
        (
            {"color": "pink", "zip": "01234", "root": {"name": "a"}},
            {"color": "red", "zip": "0123", "root": {"name": "a"}},
            {"color": "red", "zip": "01234", "root": {"name": "a", "children": [{"name": "more than 9"}]}},
        ),
    ),
    SentTool(
        "recursive_tool",
        "LiteLLM 1.109.1, response_format of a recursive Pydantic model",
        {
            "type": "object",
            "$defs": {
                "Node": {
                    "properties": {"next": {"anyOf": [{"$ref": "/$defs/Node"}, {"type": "null"}], "default": None}},
                    "title": "Node",
                    "type": "object",
                }
            },
            "$ref": "/$defs/Node",
        },
        ({}, {"next": None}, {"next": {"next": None}}),
        ({"next": 1}, {"next": {"next": "a"}}),
    ),
    SentTool(
        "zod_tool",
        "@anthropic-ai/sdk 1.14.0, betaZodTool",
        {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {
                "seat": {
                    "type": "array",
                    "prefixItems": [{"type": "string"}, {"type": "integer", "maximum": 9007199254740991}],
                    "items": False,
                    "minItems": 2,
                    "maxItems": 2,
                },
                "tags": {"minItems": 1, "type": "array", "items": {"$ref": "#/$defs/__schema0"}},
                "note": {"default": None, "anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]},
                "extra": {
                    "type": "object",
                    "propertyNames": {"type": "string"},
                    "additionalProperties": {"type": "number"},
                },
                "kind": {
                    "oneOf": [
                        {
                            "type": "object",
                            "properties": {"k": {"type": "string", "const": kind}},
                            "required": ["k"],
                            "additionalProperties": False,
                        }
                        for kind in ("x", "y")
                    ]
                },
            },
            "required": ["seat", "kind"],
            "additionalProperties": False,
            "$defs": {"__schema0": {"type": "string", "enum": ["a", "b"]}},
        },
        (
            {"seat": ["A", 1], "kind": {"k": "x"}},
            {"seat": ["A", 1], "tags": ["b"], "note": None, "extra": {"n": 0.5}, "kind": {"k": "y"}},
        ),
        (
            {"seat": ["A"], "kind": {"k": "x"}},
            {"seat": ["A", 1, 2], "kind": {"k": "x"}},
            {"seat": ["A", 1], "tags": [], "kind": {"k": "x"}},
            {"seat": ["A", 1], "kind": {"k": "z"}},
        ),
    ),
    SentTool(
        "json",
        "@ai-sdk/anthropic 3.0.140, generateObject",
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {
                "t": {
                    "type": "array",
                    "items": [{"type": "string"}, {"type": "number"}],
                    "additionalItems": False,
                    "minItems": 2,
                    "maxItems": 2,
                },
                "ip": {"type": "string", "format": "cidrv4", "pattern": "^\\d{1,3}\\/([0-9]|[1-2][0-9])$"},
                "b": {"type": "string", "format": "base64", "contentEncoding": "base64", "pattern": "^$|^[0-9a-z]{4}$"},
                "u": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 5},
            },
            "required": ["t", "ip"],
            "additionalProperties": False,
        },
        ({"t": ["a", 1], "ip": "10/8"}, {"t": ["a", 0.5], "ip": "10/8", "b": "", "u": 4.5}),
        ({"t": ["a"], "ip": "10/8"}, {"t": [1, "a"], "ip": "10/8"}, {"t": ["a", 1], "ip": "10/8", "u": 5}),
    ),
    SentTool(
        "no_arguments",
        "@ai-sdk/anthropic 3.0.140, tool with z.object({})",
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "properties": {},
            "additionalProperties": False,
        },
        ({},),
        ({"a": 1},),
    ),
    SentTool(
        "pydantic_tool",
        "Pydantic 2, a field with a default of a type in $defs",
        {
            "$defs": {"Unit": {"enum": ["C", "F"], "title": "Unit", "type": "string"}},
            "properties": {"unit": {"$ref": "#/$defs/Unit", "default": "C", "description": ""}},
            "title": "Weather",
            "type": "object",
            "description": "",
        },
        ({}, {"unit": "F"}),
        ({"unit": "K"},),
    ),
    SentTool("only_a_type", "hand-written", {"type": "object"}, ({}, {"a": 1}), ([],)),
    SentTool("empty", "hand-written", {}, ({}, {"a": 1}), ([],)),
    SentTool(
        "unset_fields",
        "the types of the SDKs, which allow null",
        {"type": "object", "properties": None, "required": None},
        ({}, {"a": 1}),
        ([],),
    ),
    SentTool(
        "unset_type",
        "hand-written",
        {"type": None, "properties": {"a": {"type": "string", "description": None}}, "required": ["a"]},
        ({"a": "b"},),
        ({}, {"a": 1}),
    ),
    SentTool(
        "no_type",
        "hand-written",
        {"properties": {"a": {"type": "string"}}, "required": ["a"]},
        ({"a": "b"},),
        ({}, {"a": 1}),
    ),
)
