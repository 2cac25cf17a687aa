"""The law of exact plans on 2,000 cases, always the same. `make soak` tries a hundred thousand."""

from __future__ import annotations

import pytest

from tests.fuzz import exactness
from tests.fuzz.exactness import EXACTNESS, check_exactness
from tests.fuzz.target import explore
from turngrammar.lark import schema_grammar
from turngrammar.lowered import Lowered

CASES = 2_000


def test_exact_plans_generate_valid_documents_and_all_of_them() -> None:
    found = explore(EXACTNESS, CASES, 11)
    assert (found.crashes, found.hangs) == (0, 0), "\n\n".join(found.failures)
    assert found.outcomes["held"] > CASES // 2, found.outcomes


@pytest.mark.parametrize(("other", "problem"), [({}, "breaks"), ({"const": 3}, "is valid")])
def test_a_grammar_that_is_too_wide_or_too_narrow_is_seen(
    monkeypatch: pytest.MonkeyPatch, other: Lowered, problem: str
) -> None:
    monkeypatch.setattr(exactness, "schema_grammar", lambda lowered: schema_grammar(other))
    with pytest.raises(AssertionError, match=problem):
        for seed in range(20):
            check_exactness(({"type": "integer", "minimum": 0, "maximum": 5}, seed))
