"""Greedy answers, to be compared between servers, and with the same server's in another batch.

In bf16 two tokens may be equally likely, and how many rows a step has then decides: drafts can be held to what a server
gives itself in another batch.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import workload
from benchmarks.client import Answer, Failed, connected
from benchmarks.gpu.state import Key
from benchmarks.gpu.visited import Visited
from benchmarks.options import say
from benchmarks.workload import Task

# The same tasks: some at a time; then all at once, in the other order.
FIRST, AGAIN = "first", "again"

# By task: the raw content and calls; None where the server refused it.
Outputs = Mapping[str, Any]


def keys(server: str) -> tuple[Key, ...]:
    return tuple(f"answers/{server}/{batch}" for batch in (FIRST, AGAIN))


async def measure(visited: Visited, key: Key) -> Outputs:
    scale = visited.scale
    tasks = [task.sampled(max_tokens=scale.compared_tokens) for task in workload.extraction(scale.compared)]
    again = key.endswith(f"/{AGAIN}")
    return await _outputs(visited, tasks[::-1] if again else tasks, len(tasks) if again else scale.at_once)


async def _outputs(visited: Visited, tasks: Sequence[Task], at_once: int) -> Outputs:
    """Bodies and outputs are made one at a time: what renders them for vLLM's server knows one request only."""
    slots = asyncio.Semaphore(at_once)
    bodies = [await asyncio.to_thread(visited.contestant.prepare, task) for task in tasks]
    async with connected() as http:

        async def answer(task: Task, body: dict[str, Any]) -> Answer | None:
            async with slots:
                try:
                    return await visited.contestant.answer(http, body, stream=False)
                except Failed as failed:
                    say(f"{visited.name} refused {task.id}: {failed}")
                    return None

        answers = await asyncio.gather(*(answer(task, body) for task, body in zip(tasks, bodies, strict=True)))
    output = visited.contestant.output
    return {
        task.id: None if answer is None else await asyncio.to_thread(output, task, answer)
        for task, answer in zip(tasks, answers, strict=True)
    }


def same(ours: Outputs, theirs: Outputs) -> tuple[int, int]:
    """How many of the answers that both have are the same, and how many both have."""
    both = [task for task in ours if ours[task] is not None and theirs.get(task) is not None]
    return sum(ours[task] == theirs[task] for task in both), len(both)
