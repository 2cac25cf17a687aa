"""Which remote is chosen: by the beginning of the prompt, as long as loads are alike."""

from __future__ import annotations

from collections import Counter

import pytest

from latticework.engines.remote.engine import BEGINNING, SLACK, choose_remote, preferences

NAMES = ["http://a:8000", "http://b:8000", "http://c:8000"]
IDLE = [0, 0, 0]
PROMPTS = [[beginning] * 300 for beginning in range(600)]


def test_prompts_that_begin_alike_go_to_the_same() -> None:
    one = list(range(BEGINNING))
    assert choose_remote([*one, 1, 2, 3], NAMES, IDLE) == choose_remote([*one, 9], NAMES, IDLE)


def test_beginnings_are_shared_out_evenly() -> None:
    counts = Counter(choose_remote(prompt, NAMES, IDLE) for prompt in PROMPTS)
    assert sorted(counts) == [0, 1, 2]
    assert all(150 < count < 250 for count in counts.values())


def test_where_one_goes_only_its_own_prompts_move() -> None:
    for prompt in PROMPTS:
        before = NAMES[choose_remote(prompt, NAMES, IDLE)]
        if before != NAMES[2]:
            assert NAMES[choose_remote(prompt, NAMES[:2], IDLE[:2])] == before


@pytest.mark.parametrize("least", [0, 1, 100])
def test_a_busy_one_is_passed_over_for_the_next_in_order(least: int) -> None:
    prompt = PROMPTS[0]
    first, second, third = preferences(prompt, NAMES)
    loads = [least] * 3
    loads[first] = least + max(SLACK, least // 4)
    assert choose_remote(prompt, NAMES, loads) == first
    loads[first] += 1
    assert choose_remote(prompt, NAMES, loads) == second
    loads[second] = loads[first]
    assert choose_remote(prompt, NAMES, loads) == third


def test_one_alone_takes_all() -> None:
    assert choose_remote([], NAMES[:1], [10**6]) == 0
