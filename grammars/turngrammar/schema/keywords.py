"""The keywords of JSON Schema: one row each, by vocabulary.

To add a keyword, add its row here, with a function that lowers it (in the module of its type, `combine` or `members`)
and, if jsonschema doesn't have it, one that checks it (in `assertions`). Reports, docs/guarantees.md and the limits
follow from the row. Rows of the same Stage are lowered in the order of the table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from turngrammar.schema import (
    arrays,
    assertions,
    combine,
    forms,
    members,
    objects,
    strings,
    unevaluated,
    value_assertions,
)
from turngrammar.schema.dialect import DIALECTS, LATEST
from turngrammar.schema.keyword_table import ANY_TYPE, Keyword, KeywordTable, Stage, since
from turngrammar.schema.read import inert_nullable
from turngrammar.schema.report import without

ALTERNATIVES = "alternatives with the property and without it"
COUNTED = "matching items are counted"

CORE: Mapping[str, Keyword] = {
    "$schema": Keyword(example={"$schema": DIALECTS[LATEST].uri}, form=forms.is_string),
    "$vocabulary": Keyword(example={"$vocabulary": {}}, drafts=since("2019-09"), form=forms.is_vocabulary),
    "$id": Keyword(example={"$id": "https://example.com/a"}, drafts=since("draft6"), form=forms.is_id),
    "$anchor": Keyword(example={"$anchor": "a"}, drafts=since("2019-09"), form=forms.is_anchor),
    "$dynamicAnchor": Keyword(example={"$dynamicAnchor": "a"}, drafts=since(LATEST), form=forms.is_anchor),
    "$ref": Keyword(
        example={"$ref": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        in_place=True,
        refers=True,
        form=forms.is_string,
        lower=combine.lower_reference,
        cases=unevaluated.split_reference,
        revisits=True,
        evaluated_names=assertions.names_of_target,
    ),
    "$dynamicRef": Keyword(
        example={"$dynamicRef": "#n", "$defs": {"x": {"$dynamicAnchor": "n", "type": "string"}}},
        drafts=since(LATEST),
        in_place=True,
        refers=True,
        form=forms.is_string,
        lower=combine.dynamic_reference("$dynamicAnchor"),
        cases=unevaluated.split_dynamic_reference,
        revisits=True,
        evaluated_names=assertions.names_of_target,
    ),
    "$defs": Keyword(
        example={"$defs": {"a": {}}},
        drafts=since("2019-09"),
        holds="schemas by name",
    ),
    "$comment": Keyword(example={"$comment": ""}, drafts=since("draft7"), form=forms.is_string),
}


def _branch(example: Mapping[str, Any]) -> Keyword:
    return Keyword(
        example=example,
        drafts=since("draft7"),
        holds="schema",
        in_place=True,
        part_of="if",
        inert=without("if"),
        rewritten="one of two alternatives",
    )


APPLICATOR: Mapping[str, Keyword] = {
    "allOf": Keyword(
        example={"allOf": [{"type": "string"}, {"minLength": 2}]},
        holds="schemas",
        in_place=True,
        lower=combine.lower_all_of,
        cases=unevaluated.split_all,
        revisits=True,
        evaluated_names=assertions.names_of_branches,
    ),
    "anyOf": Keyword(
        example={"anyOf": [{"type": "string"}, {"type": "integer"}]},
        holds="schemas",
        in_place=True,
        lower=combine.lower_any_of,
        cases=unevaluated.split_some,
        revisits=True,
        evaluated_names=assertions.names_of_branches,
    ),
    "oneOf": Keyword(
        example={"oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
        holds="schemas",
        in_place=True,
        lower=combine.lower_one_of,
        stage=Stage.SPLIT,
        cases=unevaluated.split_some,
        rewritten="overlapping branches exclude each other",
        revisits=True,
        evaluated_names=assertions.names_of_branches,
    ),
    "not": Keyword(
        example={"not": {"required": ["a"]}},
        holds="schema",
        in_place=True,
        lower=combine.lower_not,
        stage=Stage.EXCLUDE,
        rewritten="the excluded values are subtracted",
        revisits=True,
    ),
    "if": Keyword(
        example={"if": {"required": ["a"]}, "then": {"required": ["b"]}},
        drafts=since("draft7"),
        holds="schema",
        in_place=True,
        lower=combine.lower_conditional,
        stage=Stage.SPLIT,
        cases=combine.split_conditional,
        inert=without("then", "else"),
        rewritten="two alternatives",
        check=assertions.assert_conditional,
        revisits=True,
        evaluated_names=assertions.names_of_condition,
    ),
    "then": _branch({"if": {"required": ["a"]}, "then": {"required": ["b"]}}),
    "else": _branch({"if": {"required": ["a"]}, "else": {"required": ["b"]}}),
    "dependentSchemas": Keyword(
        example={"dependentSchemas": {"a": {"required": ["b"]}}},
        drafts=since("2019-09"),
        holds="schemas by name",
        in_place=True,
        lower=combine.lower_dependencies,
        stage=Stage.SPLIT,
        cases=unevaluated.split_dependent,
        rewritten=ALTERNATIVES,
        evaluated_names=assertions.names_of_dependents,
    ),
    "prefixItems": Keyword(
        example={"prefixItems": [{"type": "string"}]},
        drafts=since(LATEST),
        holds="schemas",
        type="array",
        evaluates=arrays.evaluated_prefix,
    ),
    "items": Keyword(
        example={"items": {"type": "string"}},
        holds="schema or schemas",
        type="array",
        evaluates=arrays.evaluated_items,
    ),
    "additionalItems": Keyword(
        example={"items": [{"type": "string"}], "additionalItems": False},
        drafts=since("draft4", "2019-09"),
        holds="schema",
        form=forms.is_schema_or_boolean,
        type="array",
        evaluates=arrays.evaluated_additional_items,
        check=assertions.assert_additional_items,
        inert=arrays.inert_additional_items,
    ),
    "properties": Keyword(
        example={"properties": {"a": {"type": "string"}}},
        holds="schemas by name",
        type="object",
        evaluates=objects.evaluated_properties,
        evaluated_names=assertions.names_listed,
        measure="names",
    ),
    "patternProperties": Keyword(
        example={"patternProperties": {"^a": {"type": "string"}}},
        holds="schemas by name",
        type="object",
        evaluates=objects.evaluated_patterns,
        require=strings.require_patterns,
        check=assertions.assert_pattern_properties,
        evaluated_names=assertions.names_matching,
        measure="name patterns",
    ),
    "additionalProperties": Keyword(
        example={"additionalProperties": {"type": "string"}},
        holds="schema",
        form=forms.is_schema_or_boolean,
        type="object",
        evaluates=unevaluated.evaluated_all_names,
        check=assertions.assert_additional_properties,
        evaluated_names=assertions.names_with_value,
    ),
    "propertyNames": Keyword(
        example={"propertyNames": {"pattern": "^a"}},
        drafts=since("draft6"),
        holds="schema",
        lower=members.lower_property_names,
        stage=Stage.MEMBERS,
        rewritten="as patternProperties",
    ),
    "contains": Keyword(
        example={"contains": {"const": 1}},
        drafts=since("draft6"),
        holds="schema",
        lower=members.lower_contains,
        stage=Stage.MEMBERS,
        rewritten=COUNTED,
        revisits=True,
    ),
}

UNEVALUATED: Mapping[str, Keyword] = {
    "unevaluatedProperties": Keyword(
        example={"properties": {"a": {}}, "unevaluatedProperties": False},
        drafts=since("2019-09"),
        holds="schema",
        lower=unevaluated.lower_unevaluated_properties,
        stage=Stage.UNEVALUATED,
        evaluates=unevaluated.evaluated_all_names,
        rewritten="as additionalProperties, in each alternative",
        check=assertions.assert_unevaluated_properties,
        evaluated_names=assertions.names_with_value,
    ),
    "unevaluatedItems": Keyword(
        example={"prefixItems": [{}], "unevaluatedItems": False},
        drafts=since("2019-09"),
        holds="schema",
        lower=unevaluated.lower_unevaluated_items,
        stage=Stage.UNEVALUATED,
        evaluates=unevaluated.evaluated_all_items,
        rewritten="as items, in each alternative",
    ),
}


def _bound_keyword(name: str, **columns: Any) -> Keyword:
    return Keyword(example={name: 10}, type="number", bounds_numbers=True, **columns)


def _count_keyword(name: str, of: str) -> Keyword:
    return Keyword(example={name: 2}, form=forms.is_count, type=of)


def _contained_count_keyword() -> Keyword:
    return Keyword(
        example={"contains": {"const": 1}, "minContains": 2, "maxContains": 3},
        drafts=since("2019-09"),
        form=forms.is_count,
        part_of="contains",
        inert=without("contains"),
        rewritten=COUNTED,
    )


VALIDATION: Mapping[str, Keyword] = {
    "type": Keyword(example={"type": "string"}, form=forms.is_type, type=ANY_TYPE),
    "const": Keyword(
        example={"const": {"a": [1, "b", None]}},
        drafts=since("draft6"),
        holds="data",
        lower=combine.lower_const,
        bounds_numbers=True,
        check=value_assertions.assert_const,
    ),
    "enum": Keyword(
        example={"enum": [1, "a", None]},
        holds="data",
        form=forms.is_enum,
        lower=combine.lower_enum,
        bounds_numbers=True,
        check=value_assertions.assert_enum,
        measure="values",
    ),
    "multipleOf": Keyword(
        example={"type": "number", "minimum": 0, "multipleOf": 0.25},
        form=forms.is_positive,
        type="number",
        check=value_assertions.assert_multiple,
    ),
    "minimum": _bound_keyword("minimum", form=forms.is_number, check=value_assertions.assert_minimum),
    "maximum": _bound_keyword("maximum", form=forms.is_number, check=value_assertions.assert_maximum),
    "exclusiveMinimum": _bound_keyword(
        "exclusiveMinimum",
        form=forms.is_exclusive_bound,
        only_beside="minimum",
        check=value_assertions.assert_exclusive_minimum,
    ),
    "exclusiveMaximum": _bound_keyword(
        "exclusiveMaximum",
        form=forms.is_exclusive_bound,
        only_beside="maximum",
        check=value_assertions.assert_exclusive_maximum,
    ),
    "minLength": _count_keyword("minLength", "string"),
    "maxLength": _count_keyword("maxLength", "string"),
    "pattern": Keyword(
        example={"pattern": r"^\p{L}(?!x)"},
        form=forms.is_string,
        type="string",
        require=strings.require_patterns,
        check=assertions.assert_pattern,
        measure="regex",
    ),
    "minItems": _count_keyword("minItems", "array"),
    "maxItems": _count_keyword("maxItems", "array"),
    "uniqueItems": Keyword(
        example={"items": {"enum": ["a", "b", "c"]}, "uniqueItems": True},
        form=forms.is_boolean,
        lower=members.lower_unique_items,
        stage=Stage.ARRANGE,
        rewritten="each of the listed values once",
        check=value_assertions.assert_unique_items,
    ),
    "minContains": _contained_count_keyword(),
    "maxContains": _contained_count_keyword(),
    "minProperties": Keyword(example={"minProperties": 1}, form=forms.is_count, type="object"),
    "maxProperties": _count_keyword("maxProperties", "object"),
    "required": Keyword(example={"required": ["a"]}, form=forms.are_names, type="object"),
    "dependentRequired": Keyword(
        example={"dependentRequired": {"a": ["b"]}},
        drafts=since("2019-09"),
        form=forms.are_names_by_name,
        lower=combine.lower_dependencies,
        stage=Stage.SPLIT,
        rewritten=ALTERNATIVES,
    ),
}

FORMAT: Mapping[str, Keyword] = {
    "format": Keyword(example={"format": "date"}, form=forms.is_string, type="string", inert=strings.inert_format),
}

CONTENT: Mapping[str, Keyword] = {
    "contentEncoding": Keyword(example={"contentEncoding": "a"}, drafts=since("draft7"), form=forms.is_string),
    "contentMediaType": Keyword(example={"contentMediaType": "a"}, drafts=since("draft7"), form=forms.is_string),
    "contentSchema": Keyword(example={"contentSchema": {"type": "object"}}, drafts=since("2019-09"), holds="schema"),
}

META_DATA: Mapping[str, Keyword] = {
    "title": Keyword(example={"title": "a"}, form=forms.is_string),
    "description": Keyword(example={"description": "a"}, form=forms.is_string),
    "default": Keyword(example={"default": 1}, holds="data"),
    "examples": Keyword(example={"examples": [1]}, drafts=since("draft6"), holds="data", form=forms.is_list),
    "deprecated": Keyword(example={"deprecated": True}, drafts=since("2019-09"), form=forms.is_boolean),
    "readOnly": Keyword(example={"readOnly": True}, drafts=since("draft7"), form=forms.is_boolean),
    "writeOnly": Keyword(example={"writeOnly": True}, drafts=since("draft7"), form=forms.is_boolean),
}

OLDER_DRAFTS: Mapping[str, Keyword] = {
    "id": Keyword(example={"id": "http://example.com/a"}, drafts=("draft4",), form=forms.is_string),
    "$recursiveAnchor": Keyword(example={"$recursiveAnchor": True}, drafts=("2019-09",), form=forms.is_boolean),
    "$recursiveRef": Keyword(
        example={"$recursiveRef": "#/$defs/a", "$defs": {"a": {"type": "string"}}},
        drafts=("2019-09",),
        in_place=True,
        refers=True,
        form=forms.is_string,
        lower=combine.dynamic_reference("$recursiveAnchor"),
        cases=unevaluated.split_dynamic_reference,
        revisits=True,
        evaluated_names=assertions.names_of_recursive_target,
    ),
    "definitions": Keyword(
        example={"definitions": {"a": {}}},
        holds="schemas by name",
    ),
    "dependencies": Keyword(
        example={"dependencies": {"a": ["b"]}},
        holds="schemas by name",
        in_place=True,
        form=forms.are_dependencies,
        lower=combine.lower_dependencies,
        stage=Stage.SPLIT,
        cases=unevaluated.split_dependent,
        rewritten=ALTERNATIVES,
        check=assertions.assert_dependencies,
        evaluated_names=assertions.names_of_dependents,
    ),
}

OPENAPI: Mapping[str, Keyword] = {
    "nullable": Keyword(
        example={"type": "string", "nullable": True},
        drafts=(),
        type=ANY_TYPE,
        inert=inert_nullable,
        rewritten="null is also allowed",
    ),
    "example": Keyword(example={"example": 1}, drafts=(), holds="data"),
    "propertyOrdering": Keyword(
        example={"properties": {"a": {}, "b": {}}, "propertyOrdering": ["b", "a"]},
        drafts=(),
        holds="data",
        inert=objects.inert_property_order,
    ),
}

OURS: Mapping[str, Keyword] = {
    "x-source": Keyword(
        example={"type": "string", "x-source": True},
        drafts=(),
        type="string",
        inert=strings.inert_source,
        check=assertions.assert_source,
    ),
}

KEYWORDS = KeywordTable(
    {
        "Core": CORE,
        "Applicator": APPLICATOR,
        "Unevaluated": UNEVALUATED,
        "Validation": VALIDATION,
        "Format": FORMAT,
        "Content": CONTENT,
        "Meta-data": META_DATA,
        "Older drafts": OLDER_DRAFTS,
        "OpenAPI 3.0, Gemini": OPENAPI,
        "latticework": OURS,
    }
)
