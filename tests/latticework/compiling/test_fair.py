"""The order in which jobs are taken: each is written as its caller and its number."""

from __future__ import annotations

import pytest

from latticework.compiling.fair import FairQueue

# What is put, how many each caller may run, and what is taken while nothing ends.
ROWS: list[tuple[str, int, str]] = [
    ("A1 A2 A3 A4 B1", 9, "A1 B1 A2 A3 A4"),
    ("A1 A2 A3 A4 B1 B2", 1, "A1 B1"),
    ("A1 A2 A3 A4 B1 B2", 2, "A1 B1 A2 B2"),
    ("A1 B1 C1 A2 B2 C2", 3, "A1 B1 C1 A2 B2 C2"),
    ("-1 -2 -3 A1", 1, "-1 A1 -2 -3"),
    ("A1 -1 A2 -2", 1, "A1 -1 -2"),
    ("", 1, ""),
]


def caller(job: str) -> str | None:
    return None if job[0] == "-" else job[0]


def queue_of(jobs: str, most: int) -> FairQueue[str]:
    queue: FairQueue[str] = FairQueue(most)
    for job in jobs.split():
        queue.put(job, caller(job))
    return queue


def taken(queue: FairQueue[str]) -> str:
    return " ".join(iter(queue.take, None))


@pytest.mark.parametrize(("jobs", "most", "order"), ROWS)
def test_callers_take_turns_and_none_has_more_than_it_may(jobs: str, most: int, order: str) -> None:
    queue = queue_of(jobs, most)
    assert taken(queue) == order
    assert queue.ready() == 0


def test_a_job_that_ends_makes_room_for_its_callers_next() -> None:
    queue = queue_of("A1 A2 A3 B1", 1)
    assert taken(queue) == "A1 B1"
    queue.release("B")
    assert queue.ready() == 0
    queue.release("A")
    assert queue.ready() == 1
    assert taken(queue) == "A2"


def test_whoever_is_new_has_a_turn_after_those_who_wait() -> None:
    queue = queue_of("A1 A2", 9)
    assert queue.take() == "A1"
    queue.put("B1", "B")
    assert taken(queue) == "A2 B1"


def test_ready_counts_what_could_be_taken() -> None:
    queue = queue_of("A1 A2 A3 B1 -1 -2", 2)
    assert queue.ready() == 2 + 1 + 2


def test_a_cleared_queue_still_knows_what_runs() -> None:
    queue = queue_of("A1 A2 B1", 1)
    assert queue.take() == "A1"
    assert sorted(queue.clear()) == ["A2", "B1"]
    assert (queue.take(), queue.ready()) == (None, 0)
    queue.put("A3", "A")
    assert queue.take() is None
    queue.release("A")
    assert queue.take() == "A3"
