"""Unions as people write them: the grammar allows what fits exactly one branch, whatever tells the branches apart."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.turngrammar.schema.strategies import INSTANCES, likely
from turngrammar.audit import Acceptor
from turngrammar.json_style import CANONICAL
from turngrammar.lark.json_values import schema_grammar
from turngrammar.schema import Options, compile_schema


def record(*required: str, closed: bool = False, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {**schema, "additionalProperties": False} if closed else schema


def tagged(*names: str) -> dict[str, Any]:
    """A discriminated union of definitions, as Pydantic writes it."""
    mapping = {name: f"#/$defs/{name}" for name in names}
    discriminator = {"propertyName": "kind", "mapping": mapping}
    return {"oneOf": [{"$ref": target} for target in mapping.values()], "discriminator": discriminator}


def tuples(*firsts: str, **columns: Any) -> list[dict[str, Any]]:
    return [{"type": "array", "prefixItems": [{"const": first}, True], "minItems": 2, **columns} for first in firsts]


ADDRESSES = [("A", ["x", "y"], {}), ("B", ["y", "z"], {}), ("C", ["x"], {"code": {"maxLength": 1}}), ("B", ["w"], {})]
LEAF = record("kind", "v", kind={"const": "leaf"}, v={"type": "string"})
BINARY = record(
    "kind", "left", "right", kind={"const": "node"}, left=tagged("leaf", "node"), right=tagged("leaf", "node")
)

EXACT: dict[str, Any] = {
    "recursive": {**tagged("leaf", "node"), "$defs": {"leaf": LEAF, "node": BINARY}},
    "recursive through lists, maps and null": {
        "$ref": "#/$defs/node",
        "$defs": {
            "leaf": LEAF,
            "node": record(
                "kind",
                kind={"const": "node"},
                items={"type": "array", "items": tagged("leaf", "node")},
                named={"type": "object", "additionalProperties": tagged("leaf", "node")},
                above={"anyOf": [tagged("leaf", "node"), {"type": "null"}]},
            ),
        },
    },
    "recursive with default tags": {
        **tagged("leaf", "node"),
        "$defs": {
            "leaf": record("v", kind={"const": "leaf"}, v={"type": "string"}),
            "node": record("of", kind={"const": "node"}, of={"type": "array", "items": tagged("leaf", "node")}),
        },
    },
    "closed and recursive with default tags": {
        **tagged("leaf", "node"),
        "$defs": {
            "leaf": record("v", kind={"const": "leaf"}, v={"type": "integer"}, closed=True),
            "node": record("of", kind={"const": "node"}, of=tagged("leaf", "node"), closed=True),
        },
    },
    "unions of unions": {
        "$ref": "#/$defs/pet",
        "$defs": {
            "pet": {"oneOf": [{"$ref": "#/$defs/cat"}, {"$ref": "#/$defs/dog"}]},
            "dog": record("kind", kind={"const": "dog"}, of={"$ref": "#/$defs/pet"}),
            "cat": {"oneOf": [record("kind", "c", kind={"const": "cat"}, c={"const": c}) for c in ("black", "white")]},
        },
    },
    "lists by their first item, recursive": {
        "$ref": "#/$defs/e",
        "$defs": {"e": {"oneOf": [{"type": "number"}, *tuples("neg", "not", items={"$ref": "#/$defs/e"})]}},
    },
    "integers": {"oneOf": [record("v", v={"const": value}) for value in range(3)]},
    "booleans and null": {"oneOf": [record("v", v={"const": value}) for value in (True, False, None)]},
    "enums": {"oneOf": [record("v", v={"enum": values}) for values in ([1, 2], [3, "a"], [None, "b"])]},
    "ranges": {"oneOf": [record("v", v={"type": "number", "minimum": 2}), record("v", v={"exclusiveMaximum": 2})]},
    "patterns": {"oneOf": [record("v", v={"type": "string", "pattern": pattern}) for pattern in ("^a", "^b", "^$")]},
    "keys of closed objects": {
        "oneOf": [record(*names, closed=True, **dict.fromkeys(names, True)) for names in ("a", "b", "ab", "c")]
    },
    "types": {"oneOf": [{"type": name} for name in ("null", "boolean", "number", "string", "array", "object")]},
    "lengths": {"oneOf": [{"type": "array", "maxItems": 1}, {"type": "array", "minItems": 3}]},
    "first items": {"oneOf": tuples("a", "b", items={"type": "integer"})},
    "items": {"oneOf": [{"type": "array", "items": {"type": name}} for name in ("number", "string")]},
    "overlapping items": {"oneOf": [{"type": "array", "items": {"enum": list(words)}} for words in ("ab", "bc")]},
    "maps": {"oneOf": [{"type": "object", "additionalProperties": {"type": name}} for name in ("number", "string")]},
    "one of three properties": {**record(a=True, b=True, c=True), "oneOf": [{"required": [name]} for name in "abc"]},
    "overlapping rows": {
        "oneOf": [{"properties": {"c": {"enum": [c]}, "s": {"enum": s}, **more}} for c, s, more in ADDRESSES],
        "properties": {"street": {}},
    },
}  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True)
@pytest.mark.parametrize("name", EXACT)
@given(data=st.data())
def test_exact(name: str, data: st.DataObject) -> None:
    schema = EXACT[name]
    plan = compile_schema(schema)
    assert plan.exact
    source, acceptor = Draft202012Validator(schema), Acceptor(schema_grammar(plan.lowered))
    for instance in data.draw(st.lists(likely(schema, schema) | INSTANCES, min_size=8, max_size=16)):
        accepted = acceptor.accepts(CANONICAL.encode(plan.arrange(instance)))
        assert accepted == source.is_valid(instance), CANONICAL.encode(instance)


@pytest.mark.parametrize("most", [3, 1])
def test_fewer_objects_allow_more(most: int) -> None:
    documents = [{"kind": index, name: index} for index, name in enumerate("abcdefg")]
    branches = ({name: {"const": value} for name, value in document.items()} for document in documents)
    schema = {"anyOf": [{**record("kind"), "properties": properties} for properties in branches]}
    plan = compile_schema(schema, Options(alternatives=most))
    acceptor = Acceptor(schema_grammar(plan.lowered))
    assert not plan.exact
    assert all(acceptor.accepts(CANONICAL.encode(document)) for document in documents)
    assert not acceptor.accepts(CANONICAL.encode({"a": 0}))
