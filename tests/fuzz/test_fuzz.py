"""A few cases of each target, always the same. `make soak` tries a hundred thousand."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from hypothesis import strategies as st

from tests.fuzz import target
from tests.fuzz.compiling import COMPILERS
from tests.fuzz.target import Target, explore
from tests.fuzz.targets import TARGETS

CASES = 40


@pytest.fixture(scope="module", autouse=True)
def _ended() -> Iterator[None]:
    yield
    COMPILERS.end()


@pytest.mark.parametrize("name", TARGETS)
def test_nothing_crashes_and_nothing_hangs(name: str) -> None:
    found = explore(TARGETS[name], CASES, 7)
    assert (found.crashes, found.hangs) == (0, 0), "\n\n".join(found.failures)
    assert found.cases == found.outcomes.total() == CASES


def test_a_crash_and_a_hang_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(value: bool) -> str:
        while value:
            time.sleep(0.01)
        raise KeyError("lost")

    monkeypatch.setattr(target, "SECONDS", 0.05)
    found = explore(Target("broken", st.booleans(), breaks), 2, 0)
    assert (found.cases, found.crashes, found.hangs) == (2, 1, 1)
    assert "KeyError: 'lost'" in "".join(found.failures)
