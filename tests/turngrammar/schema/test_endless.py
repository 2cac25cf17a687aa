"""References that lead back to the same value, or repeat its subschemas again and again."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.errors import RefusedSchema
from turngrammar.schema import compile_schema

STRING = {"type": "string"}


def doubled(times: int, keyword: str = "allOf") -> dict[str, Any]:
    """A schema whose definitions each refer to the one before them twice."""
    references = [[{"$ref": f"#/$defs/a{number}"}] * 2 for number in range(times)]
    steps = {f"a{number + 1}": {keyword: pair} for number, pair in enumerate(references)}
    return {"$ref": f"#/$defs/a{times}", "$defs": {"a0": STRING, **steps}}


@pytest.mark.parametrize("keyword", ["allOf", "anyOf", "oneOf"])
def test_subschemas_that_references_double_are_refused_before_they_are_followed(keyword: str) -> None:
    with pytest.raises(RefusedSchema, match="because references repeat them") as error:
        compile_schema(doubled(60, keyword))
    assert error.value.pointer.startswith("/$defs/a")


def test_a_few_are_followed() -> None:
    assert not list(compile_schema(doubled(6)).violations("text"))


def test_values_in_a_value_are_counted_by_themselves() -> None:
    steps = [{"properties": {name: {"$ref": f"#/$defs/a{number}"} for name in "xy"}} for number in range(60)]
    chain = {f"a{number + 1}": step for number, step in enumerate(steps)}
    assert compile_schema({"$ref": "#/$defs/a60", "$defs": {"a0": STRING, **chain}})


@pytest.mark.parametrize("schema", [{"anyOf": [{"$ref": "#"}, STRING]}, {"$ref": "#"}, {"not": {"$ref": "#"}}])
def test_a_reference_to_the_same_value_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(RefusedSchema, match="without end"):
        compile_schema(schema)
