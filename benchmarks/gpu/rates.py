"""Tokens per second, of documents and of free text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import workload
from benchmarks.gpu.scale import Scale
from benchmarks.gpu.state import Key
from benchmarks.gpu.visited import Visited
from benchmarks.throughput import run_round
from benchmarks.workload import Task

DOCUMENTS, FREE_TEXT = "documents", "free text"
KINDS = (DOCUMENTS, FREE_TEXT)
# A round of one answer at a time has several, for less noise.
FEWEST = 2
WARM_UP_TOKENS = 8


def keys(server: str, scale: Scale) -> tuple[Key, ...]:
    """All loads of one round before the next round: what is cut off is the last round."""
    return tuple(
        f"rates/{server}/{kind}/{load}/{turn}" for turn in range(scale.rounds) for load in scale.loads for kind in KINDS
    )


async def measure(visited: Visited, key: Key) -> dict[str, Any]:
    *_, kind, load, turn = key.split("/")
    timed = await run_round(visited.contestant, tasks(kind, int(load), int(turn), visited.scale.tokens), int(load))
    return {"tokens": timed.tokens, "answers": timed.answers, "seconds": timed.seconds}


async def warm_up(visited: Visited) -> None:
    """The first steps of each size compile kernels, and the first documents of each schema a grammar."""
    load = max(visited.scale.loads)
    for kind in KINDS:
        await run_round(visited.contestant, tasks(kind, load, 0, WARM_UP_TOKENS), load)


def tasks(kind: str, load: int, turn: int, tokens: int) -> list[Task]:
    """With other documents in each turn."""
    documents = workload.extraction()
    size = max(load, FEWEST)
    chosen = [documents[(turn * size + index) % len(documents)] for index in range(size)]
    return [SAMPLED[kind](task).sampled(max_tokens=tokens) for task in chosen]


def free_text(task: Task) -> Task:
    """The same prompt, answered in free text up to the last token."""
    body = {name: value for name, value in task.body.items() if name != "response_format"}
    return Task(task.id, FREE_TEXT, {**body, "temperature": 1, "ignore_eos": True})


SAMPLED = {DOCUMENTS: lambda task: task, FREE_TEXT: free_text}


def measured(measurements: Mapping[Key, Any], server: str, kind: str, load: int) -> dict[int, float]:
    """Tokens per second by round. A round with refused requests is none."""
    prefix = f"rates/{server}/{kind}/{load}/"
    rounds = {int(key.removeprefix(prefix)): value for key, value in measurements.items() if key.startswith(prefix)}
    return {
        turn: value["tokens"] / value["seconds"]
        for turn, value in sorted(rounds.items())
        if value["answers"] == max(load, FEWEST)
    }


def mean(rates: Sequence[float]) -> float:
    return sum(rates) / len(rates)
