"""Every keyword of JSON Schema in samples: as it usually is, and where something else becomes of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from turngrammar.schema.dialect import DIALECTS

Schema = Mapping[str, Any]

LATEST = "2020-12"


@dataclass(frozen=True)
class Other:
    """A schema that has the keyword at its root, and where something else becomes of it than usual.

    `told` is what is printed for a schema that is too long to be.
    """

    schema: Schema
    told: str = ""
    dialect: str = LATEST


@dataclass(frozen=True)
class Keyword:
    """A keyword as it usually is: at the root of a schema, in the newest draft that has it.

    `older` is the sample of those drafts in which it looks otherwise.
    """

    sample: Schema
    others: tuple[Other, ...] = ()
    older: Mapping[str, Schema] = field(default_factory=dict)


_OPTIONAL = {"type": "object", "properties": dict.fromkeys("abcdefghij", True), "additionalProperties": False}
_ONE_OR_OTHER = [{"oneOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(9)]
_MANY_CASES = [{"anyOf": [{"properties": {f"a{i}": {"const": i}}}, {"properties": {f"b{i}": {}}}]} for i in range(7)]
_PAIRS = {f"a{i}": [f"b{i}"] for i in range(7)}
_TWO_ANCHORS = {"x": {"$dynamicAnchor": "n"}, "y": {"$id": "y", "$dynamicAnchor": "n"}}
_WIDE_AHEAD = r"^(?!.*a.{20}b)(?!.*c.{20}d)"
_COUNTS = r"^(a*b){300}$"

KEYWORDS: Mapping[str, Keyword] = {
    # Core
    "$schema": Keyword({"$schema": DIALECTS[LATEST].uri}, (Other({"$schema": "https://example.com/own"}),)),
    "$vocabulary": Keyword({"$vocabulary": {}}),
    "$id": Keyword({"$id": "https://example.com/a"}),
    "id": Keyword({"id": "http://example.com/a"}),
    "$anchor": Keyword({"$anchor": "a"}),
    "$dynamicAnchor": Keyword({"$dynamicAnchor": "a"}),
    "$recursiveAnchor": Keyword({"$recursiveAnchor": True}),
    "$ref": Keyword(
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        (
            Other({"$ref": "https://example.com/a"}),
            Other({"$ref": "#/$defs/b"}),
        ),
        {name: {"$ref": "#/definitions/a", "definitions": {"a": {}}} for name in ("draft4", "draft6", "draft7")},
    ),
    "$dynamicRef": Keyword(
        {"$dynamicRef": "#n", "$defs": {"x": {"$dynamicAnchor": "n", "type": "string"}}},
        (Other({"$dynamicRef": "#n", "$defs": _TWO_ANCHORS}, "two subschemas with that `$dynamicAnchor`"),),
    ),
    "$recursiveRef": Keyword({"properties": {}, "anyOf": [True, {"$recursiveRef": "#"}], "$recursiveRef": "#/anyOf/0"}),
    "$defs": Keyword({"$defs": {"a": {}}}),
    "definitions": Keyword({"definitions": {"a": {}}}),
    "$comment": Keyword({"$comment": ""}),
    # Applicator
    "allOf": Keyword(
        {"allOf": [{"type": "string"}, {"minLength": 2}]},
        (Other({"allOf": _ONE_OR_OTHER}, "nine `oneOf` of two objects each"),),
    ),
    "anyOf": Keyword(
        {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        (Other({"type": "object", "anyOf": [{"$ref": "#"}, {"required": ["a"]}]}),),
    ),
    "oneOf": Keyword(
        {"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        (Other({"oneOf": [{"multipleOf": 2}, {"multipleOf": 3}]}),),
    ),
    "not": Keyword(
        {"not": {"required": ["a"]}},
        (
            Other({"not": {"uniqueItems": True}}),
            Other({"not": {"items": {"type": "string"}}}),
            Other({"not": {"additionalProperties": {"type": "string"}}}),
            Other({"not": {"multipleOf": 2}}),
            Other({"type": "string", "not": {"format": "uri"}}),
            Other({"not": {"$ref": "#"}}),
        ),
    ),
    "if": Keyword(
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
        (Other({"if": {"items": {"type": "string"}}, "then": {"minItems": 1}}), Other({"if": {"type": "string"}})),
    ),
    "then": Keyword(
        {"if": {"required": ["a"]}, "then": {"required": ["b"]}},
        (
            Other({"if": {"items": {"type": "string"}}, "then": {"minItems": 1}}),
            Other({"then": {"type": "string"}}),
        ),
    ),
    "else": Keyword(
        {"if": {"required": ["a"]}, "else": {"required": ["b"]}},
        (
            Other({"if": {"items": {"type": "string"}}, "else": {"minItems": 1}}),
            Other({"else": {"type": "string"}}),
        ),
    ),
    "dependentSchemas": Keyword(
        {"dependentSchemas": {"a": {"required": ["b"]}}},
        (Other({"dependentSchemas": {name: {"required": to} for name, to in _PAIRS.items()}}, "seven of them"),),
    ),
    "prefixItems": Keyword({"prefixItems": [{"type": "string"}]}),
    "items": Keyword(
        {"items": {"type": "string"}},
        (Other({"items": [{"type": "string"}]}),),
        {name: {"items": [{"type": "string"}]} for name in ("draft4", "draft6", "draft7", "2019-09")},
    ),
    "additionalItems": Keyword(
        {"items": [{"type": "string"}], "additionalItems": False},
        (Other({"items": {"type": "string"}, "additionalItems": False}, dialect="2019-09"),),
    ),
    "contains": Keyword(
        {"contains": {"const": 1}, "maxItems": 8},
        (Other({"contains": {"const": 1}}), Other({"contains": {"const": 1}, "minContains": 2, "maxItems": 8})),
    ),
    "properties": Keyword({"properties": {"a": {"type": "string"}}}),
    "patternProperties": Keyword(
        {"patternProperties": {"^a": {"type": "string"}}},
        (Other({"patternProperties": {r"(a)\1": {"type": "string"}}}),),
    ),
    "additionalProperties": Keyword({"additionalProperties": {"type": "string"}}),
    "propertyNames": Keyword(
        {"propertyNames": {"pattern": "^a"}},
        (Other({"propertyNames": {"pattern": r"(a)\1"}}),),
    ),
    "dependencies": Keyword(
        {"dependencies": {"a": ["b"]}},
        (Other({"dependencies": _PAIRS}, "seven of them", "draft7"), Other({"dependencies": {"a": ["b"]}})),
    ),
    # Unevaluated
    "unevaluatedItems": Keyword(
        {"prefixItems": [{}], "unevaluatedItems": False},
        (Other({"unevaluatedItems": False, "contains": {"type": "string"}}),),
        {"2019-09": {"items": [{}], "unevaluatedItems": False}},
    ),
    "unevaluatedProperties": Keyword(
        {"properties": {"a": {}}, "unevaluatedProperties": False},
        (Other({"unevaluatedProperties": False, "allOf": _MANY_CASES}, "seven `anyOf` of two objects each"),),
    ),
    # Validation
    "type": Keyword({"type": "string"}),
    "const": Keyword({"const": {"a": [1, "b", None]}}, (Other({"const": 2**64 + 1}),)),
    "enum": Keyword({"enum": [1, "a", None]}, (Other({"enum": [1, 2**64 + 1]}),)),
    "multipleOf": Keyword(
        {"type": "number", "minimum": 0, "multipleOf": 0.25},
        (Other({"multipleOf": 0.25}), Other({"minimum": 0, "multipleOf": 3.141592653589793})),
    ),
    **{
        name: Keyword(
            {name: 10},
            (Other({name: 9007199254740993}), Other({name: 1e30})),
            {"draft4": {"minimum": 1, "maximum": 9, name: True}} if name.startswith("exclusive") else {},
        )
        for name in ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
    },
    "minLength": Keyword({"minLength": 2}, (Other({"minLength": 1_000_001}),)),
    "maxLength": Keyword(
        {"maxLength": 2}, (Other({"maxLength": 1_000_001}), Other({"pattern": _COUNTS, "maxLength": 1000}))
    ),
    "pattern": Keyword(
        {"pattern": r"^\p{L}(?!x)"},
        (
            Other({"pattern": r"(a)\1"}),
            Other({"pattern": "(?<=a)b"}),
            Other({"pattern": _WIDE_AHEAD}),
            Other({"pattern": "("}),
        ),
    ),
    "minItems": Keyword({"minItems": 2}, (Other({"minItems": 1001}),)),
    "maxItems": Keyword({"maxItems": 2}, (Other({"maxItems": 1001}),)),
    "uniqueItems": Keyword(
        {"items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
        (
            Other({"items": {"type": "string"}, "uniqueItems": True}),
            Other({"items": {"enum": list("abcdef")}, "uniqueItems": True}),
        ),
    ),
    **{
        name: Keyword(
            {"contains": {"const": 1}, "minContains": 0, "maxContains": 0},
            (Other({"contains": {"const": 1}, name: 2}), Other({name: 2})),
        )
        for name in ("minContains", "maxContains")
    },
    "minProperties": Keyword(
        {"minProperties": 1},
        (Other({"minProperties": 2}), Other({**_OPTIONAL, "minProperties": 5}, "ten optional properties, at least 5")),
    ),
    "maxProperties": Keyword(
        {"maxProperties": 2}, (Other({**_OPTIONAL, "maxProperties": 5}, "ten optional properties, at most 5"),)
    ),
    "required": Keyword({"required": ["a"]}),
    "dependentRequired": Keyword(
        {"dependentRequired": {"a": ["b"]}}, (Other({"dependentRequired": _PAIRS}, "seven of them"),)
    ),
    # Format, content, meta-data
    "format": Keyword({"format": "date"}, (Other({"format": "regex"}),)),
    **{name: Keyword({name: "a"}) for name in ("contentEncoding", "contentMediaType", "title", "description")},
    "contentSchema": Keyword({"contentSchema": {"type": "object"}}),
    "default": Keyword({"default": 1}),
    "examples": Keyword({"examples": [1]}),
    **{name: Keyword({name: True}) for name in ("deprecated", "readOnly", "writeOnly")},
    # OpenAPI 3.0
    "nullable": Keyword(
        {"type": "string", "nullable": True},
        (
            Other({"enum": ["a"], "nullable": True}),
            Other({"$schema": DIALECTS[LATEST].uri, "type": "string", "nullable": True}, "in a schema with `$schema`"),
        ),
    ),
}
