"""Keywords of arrays together: of all short arrays of a few values, exact grammars accept the valid ones."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from turngrammar.audit import Acceptor
from turngrammar.errors import GrammarError
from turngrammar.json_style import CANONICAL
from turngrammar.lark import schema_grammar
from turngrammar.schema import compile_schema

VALUES = (0.5, True, None)
SHORT = [list(row) for length in range(4) for row in product(VALUES, repeat=length)]
ITEMS: tuple[dict[str, Any], ...] = ({}, {"enum": [0.5, True, None]}, {"type": ["number", "boolean"]})
CONTAINS: tuple[dict[str, Any], ...] = (
    {},
    {"contains": {"type": "number"}},
    {"contains": {"enum": [True, None]}, "minContains": 2},
    {"contains": {"enum": [True, None]}, "minContains": 0, "maxContains": 1},
)
BOUNDS: tuple[dict[str, Any], ...] = ({}, {"minItems": 2}, {"maxItems": 2}, {"prefixItems": [{"type": "boolean"}]})


@pytest.mark.parametrize("bounds", BOUNDS, ids=str)
@pytest.mark.parametrize("contains", CONTAINS, ids=str)
@pytest.mark.parametrize("unique", [False, True])
def test_short_arrays(bounds: dict[str, Any], contains: dict[str, Any], unique: bool) -> None:
    for items in ITEMS:
        schema = {"type": "array", "items": items, "uniqueItems": unique, **contains, **bounds}
        try:
            plan = compile_schema(schema)
        except GrammarError:
            continue
        accepts = Acceptor(schema_grammar(plan.lowered)).accepts
        for array in SHORT:
            valid, accepted = not plan.violations(array), accepts(CANONICAL.encode(array))
            assert accepted == valid or (accepted and not plan.exact), f"{array}: {schema}"


def test_counts_of_all_items_and_of_some_exclude_each_other() -> None:
    """So do counts and a first item that may match. All other combinations are exact where values are listed."""
    cases = list(product((False, True), CONTAINS, BOUNDS))
    plans = [
        compile_schema({"items": ITEMS[1], "uniqueItems": unique, **counts, **bounds})
        for unique, counts, bounds in cases
    ]
    checked = [case for case, plan in zip(cases, plans, strict=True) if not plan.exact]
    assert len(checked) <= 10
    assert all("minContains" in contains and bounds for _, contains, bounds in checked)
