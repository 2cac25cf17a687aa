"""Schemas that no draft allows, or only an older one, as tools emit them, with values and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LATEST = "https://json-schema.org/draft/2020-12/schema"
DRAFT_4 = "http://json-schema.org/draft-04/schema#"


@dataclass(frozen=True)
class Sent:
    """A schema as it is sent.

    Attributes:
        name: of the row.
        by: what emits it.
        notes: how keywords are read, by their pointers: the start of the reason in the report.
    """

    name: str
    by: str
    schema: Mapping[str, Any]
    valid: tuple[Any, ...]
    invalid: tuple[Any, ...]
    notes: Mapping[str, str]


ABSENT = "null is read as absent"
SENT = (
    Sent(
        "tuple",
        "TypeBox, Pydantic 1",
        {"items": [{"type": "number"}, {"type": "string"}], "additionalItems": False},
        ([1, "a"], [1], []),
        (["a"], [1, 2], [1, "a", None]),
        {"/items": "is read as `prefixItems`", "/additionalItems": "is read as `items`"},
    ),
    Sent(
        "tuple-without-items",
        "TypeBox",
        {"type": "array", "items": [], "additionalItems": False},
        ([],),
        ([1], {}),
        {"/items": "the rest follows no items", "/additionalItems": "is read as `items`"},
    ),
    Sent(
        "tuple-of-no-prefix",
        "zod 4",
        {"$schema": LATEST, "type": "array", "prefixItems": [], "items": False, "allOf": []},
        ([],),
        ([1], {}),
        {"/prefixItems": "[] is read as absent", "/allOf": "[] is read as absent"},
    ),
    Sent(
        "tuple-declared-as-latest",
        "Effect",
        {"$schema": LATEST, "items": [{"type": "number", "minimum": 0, "exclusiveMinimum": True}]},
        ([1], [0.5, "a"]),
        ([0], ["a"]),
        {"/items": "is read as `prefixItems`", "/items/0/minimum": "is read as `exclusiveMinimum`"},
    ),
    Sent(
        "rest-of-a-prefix",
        "hand-written",
        {"prefixItems": [{"type": "number"}], "additionalItems": False},
        ([1], []),
        ([1, 2], ["a"]),
        {"/additionalItems": "is read as `items`"},
    ),
    Sent(
        "exclusive-flag",
        "OpenAPI 3.0",
        {"type": "number", "minimum": 0, "exclusiveMinimum": True, "maximum": 9, "exclusiveMaximum": False},
        (1, 9, 0.5),
        (0, -1, 9.5),
        {
            "/minimum": "is read as `exclusiveMinimum`",
            "/exclusiveMinimum": "true is read as the value of `minimum`",
            "/exclusiveMaximum": "false is read as absent",
        },
    ),
    Sent(
        "exclusive-flag-alone",
        "OpenAPI 3.0",
        {"type": "integer", "maximum": None, "exclusiveMaximum": True},
        (1, -7),
        ("a",),
        {"/maximum": ABSENT, "/exclusiveMaximum": "true is read as absent"},
    ),
    Sent(
        "exclusive-number",
        "draft 6, declared as draft 4",
        {"$schema": DRAFT_4, "type": "integer", "exclusiveMinimum": 3},
        (4, 5),
        (3, 2),
        {"/exclusiveMinimum": "a number is read as a flag beside `minimum`"},
    ),
    Sent(
        "dependencies",
        "react-jsonschema-form",
        {"type": "object", "dependencies": {"card": ["address"], "b": {"required": ["c"]}}},
        ({}, {"card": 1, "address": 2}, {"b": 1, "c": 2}, {"c": 1}),
        ({"card": 1}, {"b": 1}),
        {},
    ),
    Sent(
        "dependency-on-a-name",
        "draft 3",
        {"type": "object", "dependencies": {"card": "address"}},
        ({}, {"card": 1, "address": 2}),
        ({"card": 1},),
        {"/dependencies": "its values are read as in other drafts"},
    ),
    Sent(
        "nullable-reference",
        "zod-to-json-schema, NSwag",
        {"nullable": True, "oneOf": [{"$ref": "#/definitions/a"}], "definitions": {"a": {"type": "string"}}},
        (None, "a"),
        (1, {}),
        {"/nullable": "null is also allowed"},
    ),
    Sent(
        "unset-fields",
        "Go",
        {"type": "object", "properties": {"x": {"type": "string", "enum": None, "items": None}}, "required": None},
        ({}, {"x": "a"}),
        ({"x": 1}, []),
        {"/properties/x/enum": ABSENT, "/properties/x/items": ABSENT, "/required": ABSENT},
    ),
    Sent(
        "unset-map",
        "Go",
        {"type": "object", "properties": None, "additionalProperties": None, "$defs": None, "title": None},
        ({}, {"a": 1}),
        ([], None),
        {"/properties": ABSENT, "/additionalProperties": ABSENT, "/$defs": ABSENT, "/title": ABSENT},
    ),
    Sent(
        "unset-constant",
        "Java",
        {"type": "string", "const": None, "default": None, "minLength": 1},
        ("a",),
        (None, "", 1),
        {"/const": ABSENT},
    ),
    Sent(
        "null-as-a-value",
        "Pydantic",
        {"anyOf": [{"const": None}, {"enum": [None, "a"]}], "default": None},
        (None, "a"),
        ("b", 0),
        {},
    ),
    Sent(
        "empty-object",
        "PHP",
        {"type": "object", "properties": [], "additionalProperties": []},
        ({}, {"a": 1}),
        ([], "a"),
        {"/properties": "[] is read as {}", "/additionalProperties": "[] is read as {}"},
    ),
    Sent(
        "empty-subschema",
        "PHP",
        {"type": "object", "properties": {"a": [], "b": {"type": "array", "items": []}}},
        ({"a": 1, "b": [1]}, {}),
        ({"b": 1},),
        {"/properties": "its values are read as in other drafts", "/properties/b/items": "[] is read as {}"},
    ),
    Sent(
        "empty-list",
        "Lua",
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": {}},
        ({}, {"a": "b"}),
        ({"a": 1},),
        {"/required": "{} is read as absent"},
    ),
    Sent(
        "types-in-upper-case",
        "Gemini",
        {"type": "ARRAY", "minItems": "1", "items": {"type": "STRING", "format": "enum", "enum": ["a", "b"]}},
        (["a"], ["a", "b"]),
        ([], ["c"], "a"),
        {"/type": "'ARRAY' is read as 'array'", "/minItems": "'1' is read as 1"},
    ),
    Sent(
        "numbers-in-an-enum",
        "Gemini",
        {"type": "INTEGER", "format": "enum", "enum": ["101", "201"]},
        (101, 201),
        ("101", 1),
        {"/enum": "strings are read as the numbers in them"},
    ),
    Sent(
        "types-of-languages",
        "BFCL",
        {"type": "dict", "properties": {"a": {"type": "float"}, "b": {"type": "any"}, "c": {"type": "tuple"}}},
        ({"a": 1.5, "b": None, "c": []}, {"b": "x"}),
        ({"a": "x"}, {"c": 1}, []),
        {"/type": "'dict' is read as 'object'", "/properties/b/type": "'any' is read as absent"},
    ),
    Sent(
        "union-of-types",
        "hand-written",
        {"type": ["str", "None", "String"]},
        ("a", None),
        (1, []),
        {"/type": '["str", "None", "String"] is read as ["string", "null"]'},
    ),
    Sent(
        "required-property",
        "draft 3, low-code tools",
        {"type": "object", "properties": {"a": {"required": True}, "b": {"type": "string", "required": False}}},
        ({"a": 1}, {"a": 1, "b": "c"}),
        ({}, {"b": "c"}),
        {
            "/properties/a/required": "is read as `required` of the object",
            "/properties/b/required": "false is read as absent",
        },
    ),
    Sent(
        "required-name",
        "hand-written",
        {"type": "object", "properties": {"a": {}}, "required": "a"},
        ({"a": 1},),
        ({},),
        {"/required": "'a' is read as [\"a\"]"},
    ),
    Sent(
        "id-that-is-referred-to",
        "Jackson",
        {"type": "object", "id": "urn:a", "properties": {"next": {"$ref": "urn:a"}, "n": {"type": "integer"}}},
        ({}, {"next": {"n": 1}}),
        ({"next": {"n": "a"}}, {"next": 1}),
        {"/id": "is read as `$id`"},
    ),
    Sent(
        "id-that-is-a-name",
        "hand-written",
        {"type": "object", "id": "search", "properties": {"q": {"type": "string"}}},
        ({"q": "a"},),
        ({"q": 1},),
        {"/id": "asserts nothing"},
    ),
    Sent(
        "id-that-is-a-pointer",
        "jsonschema.net",
        {"type": "object", "properties": {"a": {"$id": "#/properties/a", "type": "string"}}},
        ({"a": "b"},),
        ({"a": 1},),
        {"/properties/a/$id": "'#/properties/a' is read as absent"},
    ),
    Sent(
        "id-that-is-an-anchor",
        "draft 6",
        {"items": {"$ref": "#word"}, "definitions": {"a": {"$id": "#word", "type": "string"}}},
        (["a"],),
        ([1],),
        {"/definitions/a/$id": "is read as `$anchor`"},
    ),
    Sent(
        "components",
        "OpenAPI",
        {"$ref": "#/components/schemas/A", "components": {"schemas": {"A": {"type": "string", "maxLength": None}}}},
        ("a",),
        (1,),
        {"/components/schemas/A/maxLength": ABSENT},
    ),
    Sent(
        "reference-without-a-hash",
        "LiteLLM",
        {
            "type": "object",
            "properties": {"color": {"$ref": "/$defs/Color"}, "next": {"$ref": "/definitions/Next"}},
            "$defs": {"Color": {"enum": ["red", "blue"], "type": "string"}},
            "definitions": {"Next": {"anyOf": [{"$ref": "/$defs/Color"}, {"type": "null"}]}},
        },
        ({"color": "red"}, {"next": None}, {"color": "blue", "next": "red"}),
        ({"color": "pink"}, {"next": 1}, {"next": "pink"}),
        {
            "/properties/color/$ref": "'/$defs/Color' is read as '#/$defs/Color'",
            "/properties/next/$ref": "'/definitions/Next' is read as '#/definitions/Next'",
        },
    ),
    Sent(
        "reference-without-a-hash-at-the-root",
        "LiteLLM",
        {
            "type": "object",
            "$ref": "/$defs/Node",
            "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "/$defs/Node"}}}},
        },
        ({}, {"next": {"next": {}}}),
        ({"next": 1}, {"next": {"next": []}}, []),
        {"/$ref": "'/$defs/Node' is read as '#/$defs/Node'"},
    ),
    Sent(
        "definition-that-was-removed",
        "LiteLLM",
        {
            "type": "object",
            "properties": {
                "tree": {
                    "title": "Node",
                    "type": "object",
                    "properties": {"next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}},
                }
            },
        },
        ({}, {"tree": {}}, {"tree": {"next": {"next": None}}}),
        ({"tree": {"next": 1}}, {"tree": {"next": {"next": 1}}}),
        {"/properties/tree/properties/next/anyOf/0/$ref": "'#/$defs/Node' is read as '#/properties/tree'"},
    ),
    Sent(
        "boolean-subschemas",
        "draft 6, declared as draft 4",
        {"$schema": DRAFT_4, "type": "object", "properties": {"a": True, "b": False}, "required": []},
        ({}, {"a": 1}),
        ({"b": 1}, []),
        {"/properties": "its values are read as in other drafts", "/required": "[] is read as absent"},
    ),
    Sent(
        "format-that-contradicts-its-pattern",
        "zod 4.1",
        {"type": "string", "format": "time", "pattern": r"^([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?$"},
        ("12:30", "23:59:59"),
        ("24:00", "12:30:00Z", 5),
        {"/format": "time, which contradicts the pattern, is read as absent"},
    ),
    Sent(
        "annotations-of-other-types",
        "OpenAPI 3.0",
        {"type": "string", "examples": {"one": "a"}, "description": ["a", "b"], "deprecated": "true"},
        ("a",),
        (1,),
        {"/examples": "asserts nothing", "/description": "asserts nothing", "/deprecated": "asserts nothing"},
    ),
    Sent(
        "words-for-booleans",
        "form builders",
        {"type": "array", "items": {"type": "object", "additionalProperties": "false"}, "uniqueItems": "false"},
        ([], [{}], [{}, {}]),
        ([{"a": 1}],),
        {"/items/additionalProperties": "'false' is read as false", "/uniqueItems": "'false' is read as false"},
    ),
)
