"""References without the `#` are read as pointers, unless they identify a resource of the document."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.audit import audit_schema
from turngrammar.errors import InvalidSchema, RefusedSchema
from turngrammar.schema import compile_schema, normalized

COLOR = {"enum": ["red", "blue"]}
OTHER = {"type": "integer"}
PROPERTY = {"c": {"$ref": "/$defs/Color"}}
D7 = "http://json-schema.org/draft-07/schema#"
D4 = "http://json-schema.org/draft-04/schema#"

# Schemas of objects, and whether `c` is read as the pointer says: a color, not an integer.
READ: list[tuple[dict[str, Any], bool]] = [
    ({"properties": PROPERTY, "$defs": {"Color": COLOR}}, True),
    ({"$schema": D7, "properties": PROPERTY, "$defs": {"Color": COLOR}}, True),
    ({"$id": "https://example.com/a", "properties": PROPERTY, "$defs": {"Color": COLOR}}, True),
    ({"properties": {"c": {"$ref": "/$defs/a~1b%20c"}}, "$defs": {"a/b c": COLOR}}, True),
    ({"properties": {"c": {"$ref": "/$defs/0/anyOf/1"}}, "$defs": {"0": {"anyOf": [OTHER, COLOR]}}}, True),
    ({"properties": {"c": {"$ref": "/components/C"}}, "components": {"C": COLOR}}, True),
    ({"properties": PROPERTY, "$defs": {"Color": {"$ref": "/$defs/B"}, "B": COLOR}}, True),
    ({"properties": PROPERTY, "$defs": {"Color": COLOR, "O": {"$id": "/$defs/Color", **OTHER}}}, False),
    ({"properties": PROPERTY, "$defs": {"Color": COLOR, "O": {"id": "/$defs/Color", **OTHER}}}, False),
    (
        {
            "$id": "https://example.com/a",
            "properties": PROPERTY,
            "$defs": {"Color": COLOR, "O": {"$id": "https://example.com/$defs/Color", **OTHER}},
        },
        False,
    ),
    (
        {
            "$schema": D4,
            "id": "https://example.com/a",
            "properties": {"c": {"$ref": "/definitions/Color"}},
            "definitions": {"Color": COLOR, "O": {"id": "/definitions/Color", **OTHER}},
        },
        False,
    ),
    (
        {
            "allOf": [{"$id": "https://example.com/a", "properties": PROPERTY, "$defs": {"Color": COLOR}}],
            "$defs": {"Color": OTHER},
        },
        True,
    ),
    ({"properties": {"c": {"id": "name", "allOf": [{"$ref": "/$defs/Color"}]}}, "$defs": {"Color": COLOR}}, True),
]


@pytest.mark.parametrize(("schema", "pointer"), READ)
def test_what_it_refers_to(schema: dict[str, Any], pointer: bool) -> None:
    values = ({"c": "red"}, {"c": 1})
    valid, invalid = values if pointer else reversed(values)
    result = audit_schema({"type": "object", **schema}, [valid], [invalid, {"c": "pink"}])
    assert (result.outcome, result.detail) == ("exact", "")


@pytest.mark.parametrize(
    "reference", ["/$defs/None", "/$defs/Color/enum/0", "//[/a", "/", "$defs/Color", "./$defs/Color"]
)
def test_what_leads_to_no_subschema_stays_remote(reference: str) -> None:
    schema = {"$defs": {"Color": COLOR}, "properties": {"c": {"$ref": reference}}}
    with pytest.raises((RefusedSchema, InvalidSchema)) as caught:
        compile_schema(schema)
    assert caught.value.pointer == "/properties/c/$ref"


def test_the_prompt_has_it_as_it_is_read() -> None:
    schema = {"properties": PROPERTY, "$defs": {"Color": COLOR}}
    assert normalized(schema) == {"properties": {"c": {"$ref": "#/$defs/Color"}}, "$defs": {"Color": COLOR}}
