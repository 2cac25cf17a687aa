"""What clients do to the schema of a structured output before they send it, rewritten after their sources.

`described_bounds.json` has schemas as the clients themselves have written them; these functions do the same to them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Set
from typing import Any

Schema = dict[str, Any]
Transform = Callable[[Mapping[str, Any]], Schema]

FORMATS = {"date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"}


def anthropic_py(schema: Mapping[str, Any]) -> Schema:
    """`transform_schema` of 2.14."""
    return _sdk(schema, anthropic_py, str, literals=True)


def anthropic_py_0(schema: Mapping[str, Any]) -> Schema:
    """`transform_schema` of 0.125, which describes `const`."""
    return _sdk(schema, anthropic_py_0, str, literals=False, kept=("enum",))


def anthropic_js(schema: Mapping[str, Any]) -> Schema:
    """`transformJSONSchema` of 1.14."""
    rest = {keyword: value for keyword, value in schema.items() if keyword != "$schema"}
    return _sdk(rest, anthropic_js, _javascript, literals=True)


def anthropic_js_0(schema: Mapping[str, Any]) -> Schema:
    """`transformJSONSchema` of 0.122, which describes `const`, `enum` and `$schema`."""
    return _sdk(schema, anthropic_js_0, _javascript, literals=False)


def _javascript(value: Any) -> str:
    if isinstance(value, float):
        return repr(value).replace("e-0", "e-")
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _sdk(
    schema: Mapping[str, Any],
    transform: Transform,
    text: Callable[[Any], str],
    *,
    literals: bool,
    kept: tuple[str, ...] = (),
) -> Schema:
    rest, made = dict(schema), Schema()
    if "$defs" in rest:
        made["$defs"] = {name: transform(found) for name, found in rest.pop("$defs").items()}
    if "$ref" in rest:
        return {**made, "$ref": rest["$ref"]}
    kept = (*kept, "const", "enum") if literals else kept
    made |= {keyword: rest.pop(keyword) for keyword in kept if keyword in rest and _primitive(rest[keyword])}
    kind = rest.pop("type", None)
    kind = None if literals and made.keys() & {"const", "enum"} else kind
    branches = {keyword: rest.pop(keyword, None) for keyword in ("anyOf", "oneOf", "allOf")}
    keyword = next((keyword for keyword, found in branches.items() if found), None)
    if keyword:
        made["allOf" if keyword == "allOf" else "anyOf"] = [transform(branch) for branch in branches[keyword]]
    elif kind:
        made["type"] = kind
    made |= {keyword: rest.pop(keyword) for keyword in ("description", "title") if keyword in rest}
    made |= _OF_TYPE.get(kind, _nothing)(rest, transform)
    if rest:
        before = made.get("description")
        part = "{" + ", ".join(f"{name}: {text(value)}" for name, value in rest.items()) + "}"
        described = before is not None if text is str else bool(before)
        made["description"] = f"{before}\n\n{part}" if described else part
    return made


def _primitive(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return bool(values) and not any(isinstance(found, list | dict) for found in values)


def _object(rest: Schema, transform: Transform) -> Schema:
    properties = {name: transform(found) for name, found in rest.pop("properties", {}).items()}
    rest.pop("additionalProperties", None)
    required = {"required": rest.pop("required")} if "required" in rest else {}
    return {"properties": properties, "additionalProperties": False, **required}


def _string(rest: Schema, transform: Transform) -> Schema:
    return _popped(rest, "format", FORMATS)


def _array(rest: Schema, transform: Transform) -> Schema:
    items = {"items": transform(rest.pop("items"))} if "items" in rest else {}
    return {**items, **_popped(rest, "minItems", {0, 1})}


def _nothing(rest: Schema, transform: Transform) -> Schema:
    return {}


def _popped(rest: Schema, keyword: str, kept: Set[Any]) -> Schema:
    """The keyword, if its value is kept; else it becomes the last of the rest."""
    if keyword not in rest:
        return {}
    value = rest.pop(keyword)
    if value in kept:
        return {keyword: value}
    rest[keyword] = value
    return {}


_OF_TYPE: Mapping[Any, Callable[[Schema, Transform], Schema]] = {"object": _object, "string": _string, "array": _array}

_NOTES = {
    "minItems": "minimum number of items: {}",
    "maxItems": "maximum number of items: {}",
    "uniqueItems": "all array items must be unique",
    "contains": "array must contain an item matching: {}",
    "minContains": "minimum number of matching items: {}",
    "maxContains": "maximum number of matching items: {}",
    "prefixItems": "leading items must match, in order: {}",
    "minimum": "minimum value: {}",
    "maximum": "maximum value: {}",
    "exclusiveMinimum": "exclusive minimum value: {}",
    "exclusiveMaximum": "exclusive maximum value: {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "minimum length: {}",
    "maxLength": "maximum length: {}",
    "minProperties": "minimum number of properties: {}",
    "maxProperties": "maximum number of properties: {}",
    "patternProperties": "properties whose names match each pattern must satisfy: {}",
    "propertyNames": "property names must satisfy: {}",
    "dependentRequired": "dependent required properties: {}",
    "dependentSchemas": "dependent schemas: {}",
    "unevaluatedProperties": "unevaluated properties must satisfy: {}",
    "if": "conditional (if): {}",
    "then": "conditional (then): {}",
    "else": "conditional (else): {}",
    "not": "must not match: {}",
}


def litellm(schema: Mapping[str, Any]) -> Schema:
    """`filter_anthropic_output_schema` of 1.109."""
    deleted = _NOTES.keys() - ({"minItems"} if schema.get("minItems") in (0, 1) else set())
    told = [
        label.format(json.dumps(schema[keyword]) if isinstance(schema[keyword], dict | list) else schema[keyword])
        for keyword, label in _NOTES.items()
        if keyword in schema and keyword in deleted and schema[keyword] is not False
    ]
    made: Schema = {}
    if told:
        before = schema.get("description", "")
        made["description"] = f"{before} " * bool(before) + f"Note: {', '.join(told)}."
    for keyword, value in schema.items():
        if keyword not in deleted and not (keyword == "description" and told):
            name = "anyOf" if keyword == "oneOf" else keyword
            made[name] = made.get("anyOf", []) + _each(value) if name == "anyOf" else _within(keyword, value, litellm)
    if made.get("type") == "object" or "properties" in made:
        made["additionalProperties"] = False
    return made


def _each(branches: list[Any]) -> list[Any]:
    return [litellm(branch) for branch in branches]


def _within(keyword: str, value: Any, transform: Transform) -> Any:
    if keyword in ("properties", "$defs", "definitions"):
        return {name: transform(found) for name, found in value.items()}
    if keyword in ("anyOf", "allOf") or (keyword == "items" and isinstance(value, list)):
        return [transform(found) for found in value]
    return transform(value) if keyword == "items" else value


_WORDS = (
    "minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minLength maxLength pattern minItems maxItems"
    " uniqueItems minProperties maxProperties not"
)


def ai_sdk(schema: Mapping[str, Any]) -> Schema:
    """`sanitizeJsonSchema` of @ai-sdk/anthropic 3.0."""
    kept: tuple[str, ...] = ("$ref", "$defs", "definitions")
    if "$ref" in schema:
        return {keyword: _within(keyword, schema[keyword], ai_sdk) for keyword in kept if keyword in schema}
    kept = ("$schema", "$id", "title", "description", "default", "const", "enum", "type", "allOf", "$defs")
    kept = (*kept, "definitions", "properties", "required", "items")
    made = {keyword: _within(keyword, schema[keyword], ai_sdk) for keyword in kept if keyword in schema}
    if branches := schema.get("anyOf", schema.get("oneOf")):
        made["anyOf"] = [ai_sdk(branch) for branch in branches]
    if schema.get("type") == "object" or "properties" in schema:
        made["additionalProperties"] = False
    if schema.get("format") in FORMATS:
        made["format"] = schema["format"]
    if told := "; ".join(_words(schema)):
        made["description"] = f"{schema['description']}\n{told}." if "description" in schema else f"{told}."
    return made


def _words(schema: Mapping[str, Any]) -> list[str]:
    format = schema.get("format")
    told = {keyword: schema.get(keyword) for keyword in _WORDS.split()}
    told["format"] = None if format in FORMATS else format
    return [
        f"{_spaced(keyword)}: {value if isinstance(value, str) else _javascript(value)}"
        for keyword, value in told.items()
        if value is not None and value is not False
    ]


def _spaced(keyword: str) -> str:
    return "".join(f" {character.lower()}" if character.isupper() else character for character in keyword)


def anthropic_rb(schema: Mapping[str, Any]) -> Schema:
    """`transform_schema!` of the SDK for Ruby, from its source: of strings, numbers, arrays and objects."""
    made = {keyword: _within(keyword, value, anthropic_rb) for keyword, value in schema.items()}
    kept: dict[Any, tuple[str, ...]] = {
        "string": ("enum",),
        "integer": ("enum",),
        "number": ("enum",),
        "array": ("items",),
    }
    kept["object"] = (
        "required",
        "properties",
        *(["additionalProperties"] * (made.get("additionalProperties") is False)),
    )
    kind = made.get("type")
    simple = isinstance(made.get("format"), str) and made["format"] in FORMATS
    if kind not in kept or (kind == "string" and simple) or (kind == "array" and made.get("minItems") in (0, 1)):
        return made
    ignored = {"type", "$defs", "default", "description", *kept[kind]}
    deleted = {keyword: made.pop(keyword) for keyword in list(made) if keyword not in ignored}
    if deleted:
        told = ",".join(f"{keyword}={_javascript(value)}" for keyword, value in deleted.items())
        told = f"Please also conform to these set of constraints: {told}"
        made["description"] = f"{made['description']}\n{told}" if "description" in made else told
    return made


TRANSFORMS: Mapping[str, Transform] = {
    "anthropic-py 2.14.0": anthropic_py,
    "anthropic-py 0.125.0": anthropic_py_0,
    "@anthropic-ai/sdk 1.14.0": anthropic_js,
    "@anthropic-ai/sdk 0.122.0": anthropic_js_0,
    "LiteLLM 1.109.1": litellm,
    "@ai-sdk/anthropic 3.0.140": ai_sdk,
}
