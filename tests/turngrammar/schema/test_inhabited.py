"""Which shapes some value fits."""

from __future__ import annotations

from typing import Any

import pytest

from turngrammar.errors import GrammarError
from turngrammar.schema import compile_schema


def nested(depth: int, leaf: Any) -> Any:
    schema = leaf
    for _ in range(depth):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


def test_required_properties_may_nest_as_deep_as_schemas_may() -> None:
    """Had each level twice the work of the one below, this would never end."""
    assert compile_schema(nested(60, {"type": "string"})).exact
    with pytest.raises(GrammarError, match="minimum"):
        compile_schema(nested(40, {"minimum": 2, "maximum": 1, "type": "integer"}))
