"""A reference inside a copy of the definition that it names refers to the copy, if there is no such definition."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.audit import audit_schema
from turngrammar.errors import InvalidSchema
from turngrammar.schema import compile_schema, normalized


def node(reference: str = "#/$defs/Node", **keywords: Any) -> dict[str, Any]:
    next = {"anyOf": [{"$ref": reference}, {"type": "null"}]}
    return {"title": "Node", "type": "object", "properties": {"next": next}, **keywords}


def outer(inner: Any, name: str = "tree", **keywords: Any) -> dict[str, Any]:
    return {"type": "object", "properties": {name: inner}, **keywords}


def test_at_the_root() -> None:
    result = audit_schema(node(), [{}, {"next": {"next": None}}], [{"next": 1}, {"next": {"next": 1}}])
    assert (result.outcome, result.detail) == ("exact", "")


@pytest.mark.parametrize("name", ["tree", "a/b", "a b%20", "ü~"])
def test_each_copy_refers_to_itself(name: str) -> None:
    schema = outer(node(), name, items={"not": {}})
    valid, invalid = [{name: {"next": {"next": None}}}], [{name: {"next": {"next": 1}}}]
    result = audit_schema(schema, valid, invalid)
    assert (result.outcome, result.detail) == ("exact", "")


def test_the_innermost_counts() -> None:
    schema = node(properties={"a": outer(node(required=["next"]))})
    read: Any = normalized(schema)
    inner = read["properties"]["a"]["properties"]["tree"]["properties"]["next"]
    assert inner["anyOf"][0] == {"$ref": "#/properties/a/properties/tree"}


def test_a_definition_that_is_there_counts() -> None:
    schema = {**node(), "$defs": {"Node": {"type": "integer"}}}
    assert normalized(schema) == schema


@pytest.mark.parametrize(
    "schema",
    [
        outer({"title": "Other", **{key: value for key, value in node().items() if key != "title"}}),
        outer(node("#/$defs/Other")),
        outer(node("#/$defs/Node/properties")),
        outer(node("#/components/Node")),
        {"$ref": "#/$defs/Node", "title": "Node"},
        outer({"title": "Node"}, required=["next"], properties={"next": {"$ref": "#/$defs/Node"}}),
        outer({**node(), "$id": "https://example.com/a"}),
    ],
)
def test_other_references_to_nothing_are_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(InvalidSchema, match="refers to nothing"):
        compile_schema(schema)
