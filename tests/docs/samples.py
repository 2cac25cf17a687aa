"""Samples of keywords beside the examples of their rows: what limits them, and how older drafts write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from turngrammar.schema.dialect import DIALECTS, LATEST

Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Sample:
    """A schema with the keyword at its root, of which the outcome differs from that of the row's example.

    `label` is printed instead of a long schema.
    """

    schema: Schema
    label: str = ""
    dialect: str = LATEST


_ONE_OR_OTHER = [{"oneOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(9)]
_MANY_CASES = [{"anyOf": [{"properties": {f"a{i}": {"const": i}}}, {"properties": {f"b{i}": {}}}]} for i in range(7)]
_PAIRS = {f"a{i}": [f"b{i}"] for i in range(7)}
_TWO_ANCHORS = {"x": {"$dynamicAnchor": "n"}, "y": {"$id": "y", "$dynamicAnchor": "n"}}
_OPTIONS = f"^{'(ab|cd)?' * 500}$"
_WORDS = r"^(?:\S+\s+){0,49}\S+$"
_BACK_REFERENCE = {"pattern": r"(a+)\1"}

OTHERS: Mapping[str, tuple[Sample, ...]] = {
    "$schema": (Sample({"$schema": "https://example.com/own"}),),
    "$ref": (Sample({"$ref": "https://example.com/a"}), Sample({"$ref": "#/$defs/b"})),
    "$dynamicRef": (Sample({"$dynamicRef": "#n", "$defs": _TWO_ANCHORS}, "two subschemas with that `$dynamicAnchor`"),),
    "allOf": (Sample({"allOf": _ONE_OR_OTHER}, "nine `oneOf` of two objects each"),),
    "anyOf": (Sample({"type": "object", "anyOf": [{"$ref": "#"}, {"required": ["a"]}]}),),
    "oneOf": (Sample({"oneOf": [{"multipleOf": 2}, {"multipleOf": 7}]}),),
    "not": (
        Sample({"not": {"uniqueItems": True}}),
        Sample({"not": {"additionalProperties": {"type": "string"}}}),
        Sample({"not": {"multipleOf": 7}}),
        Sample({"not": {"$ref": "#"}}),
    ),
    "if": (Sample({"if": _BACK_REFERENCE, "then": {"minItems": 1}}), Sample({"if": {"type": "string"}})),
    "then": (Sample({"if": _BACK_REFERENCE, "then": {"minItems": 1}}), Sample({"then": {"type": "string"}})),
    "else": (Sample({"if": _BACK_REFERENCE, "else": {"minItems": 1}}), Sample({"else": {"type": "string"}})),
    "dependentSchemas": (
        Sample({"dependentSchemas": {name: {"required": to} for name, to in _PAIRS.items()}}, "seven of them"),
    ),
    "items": (Sample({"items": [{"type": "string"}], "prefixItems": [True]}),),
    "additionalItems": (Sample({"items": {"type": "string"}, "additionalItems": False}, dialect="2019-09"),),
    "contains": (Sample({"contains": {"const": 1}, "minContains": 2, "maxItems": 8}),),
    "patternProperties": (Sample({"patternProperties": {r"(a+)\1": {"type": "string"}}}),),
    "propertyNames": (Sample({"propertyNames": {"pattern": r"(a+)\1"}}),),
    "dependencies": (Sample({"dependencies": _PAIRS}, "seven of them"),),
    "unevaluatedItems": (Sample({"unevaluatedItems": False, "contains": {"type": "string"}}),),
    "unevaluatedProperties": (
        Sample({"unevaluatedProperties": False, "allOf": _MANY_CASES}, "seven `anyOf` of two objects each"),
    ),
    "multipleOf": (Sample({"multipleOf": 0.07}),),
    "minLength": (Sample({"pattern": _WORDS, "minLength": 8, "maxLength": 200}),),
    "maxLength": (Sample({"pattern": _WORDS, "maxLength": 200}),),
    "pattern": (
        Sample({"pattern": r"(a+)\1"}),
        Sample({"pattern": "a{20000}"}),
        Sample({"pattern": _OPTIONS}, label='{"pattern": "^(ab|cd)?(ab|cd)?…"}, 500 options'),
        Sample({"pattern": "[[:alpha:]]"}),
    ),
    "minItems": (Sample({"minItems": 1001}),),
    "maxItems": (Sample({"maxItems": 1001}),),
    "uniqueItems": (
        Sample({"items": {"type": "string"}, "uniqueItems": True}),
        Sample({"items": {"enum": list(range(64))}, "uniqueItems": True}, "64 values"),
    ),
    **{
        name: (Sample({"contains": {"const": 1}, name: 2, "maxItems": 8}), Sample({name: 2}))
        for name in ("minContains", "maxContains")
    },
    "minProperties": (Sample({"minProperties": 2}),),
    "maxProperties": (Sample({"maxProperties": 1001}),),
    "dependentRequired": (Sample({"dependentRequired": _PAIRS}, "seven of them"),),
    "format": (Sample({"format": "regex"}),),
    "nullable": (
        Sample({"type": "string", "nullable": False}),
        Sample({"$schema": DIALECTS[LATEST].uri, "type": "string", "nullable": True}, "in a schema with `$schema`"),
    ),
}

# The examples of keywords that are written otherwise in some drafts.
OLDER: Mapping[str, Mapping[str, Schema]] = {
    "$ref": {name: {"$ref": "#/definitions/a", "definitions": {"a": {}}} for name in ("draft4", "draft6", "draft7")},
    "items": {name: {"items": [{"type": "string"}]} for name in ("draft4", "draft6", "draft7", "2019-09")},
    "unevaluatedItems": {"2019-09": {"items": [{}], "unevaluatedItems": False}},
    "exclusiveMinimum": {"draft4": {"minimum": 1, "exclusiveMinimum": True}},
    "exclusiveMaximum": {"draft4": {"maximum": 9, "exclusiveMaximum": True}},
}
