"""JSON Schemas that are no schemas, that contradict themselves, that are huge, or whose texts are markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.hostile.row import CHAT, GRAMMARS, Row

PARAM = "response_format.json_schema.schema"


def asked(schema: str) -> Mapping[str, str]:
    """`schema`: its JSON text."""
    form = '{"type": "json_schema", "json_schema": {"name": "a", "schema": %s}}'
    return {"response_format": form % schema, "max_tokens": "40"}


def nested(outer: str, depth: int, inner: str = "{}") -> str:
    """`outer` has %s where the next one goes."""
    text = inner
    for _ in range(depth):
        text = outer % text
    return text


# What no keyword may be, by kind of its value. Some kinds are read as what tools meant by them: those are no rows.
NOT_NUMBERS = ("[]", "{}", '"many"', "[1]")
NOT_COUNTS = ("-1", "1.5", "[]", "{}", '"many"', "1e400")
NOT_SCHEMAS = ("1", '"banana"', "1.5")
NOT_LISTS = ("1", '"banana"')
NOT_OBJECTS = ("1", '"banana"', "[1]")
BY_KEYWORD: Mapping[str, tuple[str, Sequence[str]]] = {
    **dict.fromkeys(("minimum", "maximum", "multipleOf"), ("number", NOT_NUMBERS)),
    **dict.fromkeys(("minLength", "maxLength"), ("string", NOT_COUNTS)),
    **dict.fromkeys(("minItems", "maxItems"), ("array", NOT_COUNTS)),
    **dict.fromkeys(("minProperties", "maxProperties"), ("object", NOT_COUNTS)),
    **dict.fromkeys(("items", "contains"), ("array", NOT_SCHEMAS)),
    **dict.fromkeys(("propertyNames", "not", "if"), ("object", NOT_SCHEMAS)),
    **dict.fromkeys(("anyOf", "oneOf", "allOf"), ("object", (*NOT_LISTS, "[1]", '["banana"]'))),
    **dict.fromkeys(("properties", "patternProperties", "$defs"), ("object", (*NOT_OBJECTS, '{"a": 1}'))),
    "enum": ("string", (*NOT_LISTS, "{}")),
    "pattern": ("string", ("1", "[]", "{}", '"("', '"[z-a]"', '"a{3,1}"', '"(?"', '"\\\\"', '"*"')),
    "type": ("string", ("1", '"banana"', '["banana"]', "{}", "[1]")),
    "$ref": ("object", ('"#/nowhere"', '"http://127.0.0.1:1/a.json"', '"file:///etc/passwd"', "1", '"#"', '"a b"')),
    "$schema": ("object", ('"banana"', '"http://json-schema.org/draft-99/schema#"', "1")),
}

# Fine in a subschema: the root that is referred to is another one, and a dialect is the whole document's.
FINE_BELOW = {("$ref", '"#"'), *(("$schema", value) for value in BY_KEYWORD["$schema"][1])}

# Read as what is meant, or of any value: taken.
TAKEN: Sequence[str] = (
    "{}",
    '{"type": "string", "maxLength": 0}',
    '{"const": null}',
    '{"const": ""}',
    '{"enum": [1]}',
    '{"const": 1e300}',
    '{"const": 123456789012345678901234567890}',
    '{"maximum": 1e308, "type": "number"}',
    '{"type": "integer", "minimum": -9223372036854775808, "maximum": 18446744073709551615}',
    '{"type": "number", "multipleOf": 1e-9, "minimum": 0, "maximum": 1}',
    '{"type": "object", "properties": {"": {"const": 1}}, "required": [""]}',
    '{"type": "object", "properties": {"\\u0000": {"const": "\\u0000"}}, "required": ["\\u0000"]}',
    '{"type": "object", "properties": {"a\\"b\\\\": {"const": "\\"\\\\"}}, "required": ["a\\"b\\\\"]}',
    '{"type": "string", "pattern": "^(a+)+$", "maxLength": 8}',
    '{"type": "string", "pattern": "(?=.*[A-Z])(?=.*[0-9]).{2,9}"}',
    '{"type": "string", "pattern": "\\\\u{1F600}{1,3}"}',
    '{"type": "string", "format": "banana", "maxLength": 4}',
    '{"title": 7, "description": [], "type": "boolean"}',
    '{"$defs": {"a": {"const": 1}}, "$ref": "#/$defs/a"}',
    '{"const": "\\ud83d\\ude00"}',
    '{"enum": ["\\u2028", "\\ufeff", "\\u0085"]}',
    nested('{"type": "array", "minItems": 1, "maxItems": 1, "items": %s}', 20, '{"const": 1}'),
    nested('{"type": "object", "properties": {"a": %s}, "required": ["a"]}', 20, '{"const": 1}'),
    nested('{"type": "object", "properties": {"a": %s}, "required": ["a"]}', 20, '{"type": "integer"}'),
    json.dumps({"enum": list(range(500))}),
    json.dumps({"enum": ["x" * 200, "y" * 200]}),
    json.dumps({"type": "object", "properties": {f"p{number}": {"type": "null"} for number in range(200)}}),
)  # fmt: skip

# Nothing fits them.
EMPTY: Sequence[str] = (
    '{"enum": []}',
    '{"not": {}}',
    '{"allOf": [{"type": "string"}, {"type": "integer"}]}',
    '{"type": "integer", "minimum": 10, "maximum": 5}',
    '{"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 2}',
    '{"type": "string", "minLength": 3, "maxLength": 2}',
    '{"type": "string", "pattern": "^a$", "minLength": 2}',
    '{"type": "string", "pattern": "a(?!a)(?=a)"}',
    '{"type": "array", "minItems": 2, "maxItems": 1}',
    '{"type": "array", "minItems": 2, "uniqueItems": true, "items": {"const": 1}}',
    '{"type": "object", "required": ["a"], "properties": {"a": false}}',
    '{"type": "object", "required": ["a"], "additionalProperties": false}',
    '{"const": 1, "type": "string"}',
    '{"oneOf": [{"const": 1}, {"const": 1}]}',
    '{"$ref": "#"}',
    '{"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}',
    '{"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}}',
    '{"type": "array", "minItems": 1, "items": {"$ref": "#"}}',
    '{"const": 1e400}',
)

# Beyond a limit.
TOO_MUCH: Sequence[str] = (
    nested('{"items": %s}', 200),
    nested('{"properties": {"a": %s}}', 100),
    nested('{"not": %s}', 140),
    nested('{"anyOf": [%s, {"type": "null"}]}', 100),
    json.dumps({"enum": list(range(60_000))}),
    json.dumps({"enum": [f"{number:>30}" for number in range(60_000)]}),
    json.dumps({"properties": {f"p{number}": {} for number in range(10_001)}}),
    json.dumps({"pattern": "a" * 5000}),
    json.dumps({"pattern": "(a{1,5000}){1,5000}"}),
    json.dumps({"pattern": "((a{1,99}){1,99}){1,99}"}),
)

# A list where a schema should be, and texts that UTF-8 has not.
NO_SCHEMAS: Sequence[str] = ("[]", "[[]]", '"text"', "0", "true", "1e400", '["a"]')
NO_TEXTS: Sequence[str] = ('{"const": "\\ud800"}', '{"properties": {"\\udfff": {}}}', '{"pattern": "\\ud800"}')


def rows() -> Iterator[Row]:
    for path in (CHAT, GRAMMARS):
        for text in TAKEN:
            yield Row(asked(text), 200, path=path, real=True, name=f"schema {text[:60]}")
        for text in (*EMPTY, *TOO_MUCH, *NO_SCHEMAS, *NO_TEXTS):
            yield Row(asked(text), 400, PARAM, path, name=f"schema {text[:60]}")
        for schema in _wrong_keywords():
            yield Row(asked(schema), 400, PARAM, path, name=f"schema {schema[:60]}")


def _wrong_keywords() -> Iterator[str]:
    for keyword, (kind, values) in BY_KEYWORD.items():
        for value in values:
            beside: Any = "" if keyword == "type" else f'"type": "{kind}", '
            yield f'{{{beside}"{keyword}": {value}}}'
            if (keyword, value) not in FINE_BELOW:
                yield f'{{"type": "object", "properties": {{"a": {{{beside}"{keyword}": {value}}}}}}}'
