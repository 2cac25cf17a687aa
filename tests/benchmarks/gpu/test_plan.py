"""The order of the parts, and that they fit into a quarter of an hour."""

from __future__ import annotations

import pytest

from benchmarks.gpu import rates
from benchmarks.gpu.plan import AUTO, MAIN, OFF, SERVERS, STOCK, longest, visits
from benchmarks.gpu.scale import ON_GPU, TINY, Scale


def test_all_that_decides_fits_into_a_quarter_of_an_hour_with_every_part_at_its_limit() -> None:
    """Full graphs, the last part, have what is left."""
    main = [visit for visit in visits(ON_GPU) if visit.server in MAIN]
    assert longest(main, ON_GPU) <= ON_GPU.limits.whole == 15 * 60


@pytest.mark.parametrize("scale", [ON_GPU, TINY], ids=lambda scale: scale.name)
def test_what_may_end_a_server_comes_after_all_that_is_compared(scale: Scale) -> None:
    parts = [(step.part, step.server) for visit in visits(scale) for step in visit.steps]
    compared = [(part, server) for server in MAIN for part in ("start", "answers", "rates")]
    assert parts[: len(compared)] == compared
    assert parts[len(compared)] == ("memory", AUTO)
    assert [part for part, _ in parts[len(compared) + 1 :]] == ["start", "rates"] * (len(SERVERS) - len(MAIN))
    assert {OFF, STOCK} <= set(MAIN)


@pytest.mark.parametrize("scale", [ON_GPU, TINY], ids=lambda scale: scale.name)
def test_each_measurement_has_a_key_of_its_own(scale: Scale) -> None:
    keys = [key for visit in visits(scale) for step in visit.steps for key in step.keys]
    assert len(keys) == len(set(keys))
    assert {key.split("/")[1] for key in keys} == set(SERVERS)


def test_all_loads_have_one_round_before_any_has_two() -> None:
    turns = [int(key.rpartition("/")[2]) for key in rates.keys(OFF, ON_GPU)]
    assert turns == sorted(turns)
    assert turns.count(0) == len(ON_GPU.loads) * len(rates.KINDS)


def test_a_round_with_a_refused_request_is_none() -> None:
    rounds = {
        "rates/off/documents/8/0": {"tokens": 800, "answers": 8, "seconds": 2},
        "rates/off/documents/8/1": {"tokens": 700, "answers": 7, "seconds": 2},
        "rates/off/documents/64/0": {"tokens": 1, "answers": 64, "seconds": 1},
        "rates/off/free text/8/0": {"tokens": 1, "answers": 8, "seconds": 1},
    }
    assert rates.measured(rounds, OFF, rates.DOCUMENTS, 8) == {0: 400}


def test_each_turn_has_other_documents_and_free_text_has_no_grammar() -> None:
    first, second = (rates.tasks(rates.DOCUMENTS, 8, turn, 50) for turn in (0, 1))
    assert not {task.id for task in first} & {task.id for task in second}
    assert all("response_format" in task.body and task.body["max_tokens"] == 50 for task in first)
    free = rates.tasks(rates.FREE_TEXT, 8, 0, 50)
    assert [task.body["messages"] for task in free] == [task.body["messages"] for task in first]
    assert all("response_format" not in task.body and task.body["ignore_eos"] for task in free)
