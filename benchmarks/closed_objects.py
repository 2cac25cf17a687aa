"""What closed objects save: calls that `max_tokens` cuts, arguments that the tool doesn't list, and tokens.

    python -m benchmarks.closed_objects [--json] [--quick] [--rows N]

6 rows of BFCL's dev file (../shared/data beside the checkout, else skipped), whose tools state nothing about other
arguments, each with seeds 1 to 8 and the model's own sampling defaults, with `tool_choice: "required"`; once with
`open_objects: true` and once closed, as by default.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from pydantic_core import from_json

from benchmarks import workload
from benchmarks.client import Answer, Failed, ask, connected
from benchmarks.contestants import CHAT
from benchmarks.options import Options, say
from benchmarks.results import Bar, Report, run_command
from benchmarks.servers import Server, latticework, running
from benchmarks.targets import Target
from benchmarks.workload import Task

AT_ONCE = 4
ROWS = 6
SEEDS = range(1, 9)
OBJECTS = {"open": True, "closed": False}


@dataclass(frozen=True)
class Outcome:
    """Of all answers: those that were cut, those with arguments that are not listed, and the tokens."""

    cut: int
    extra: int
    tokens: int
    failed: int


def replayed(row: Mapping[str, Any], seed: int, opens: bool) -> Task:
    task = workload.call_task(row)
    body = {name: value for name, value in task.body.items() if name != "temperature"}
    return Task(f"{task.id} seed {seed}", task.kind, {**body, "seed": seed, "open_objects": opens})


def has_extra(answer: Answer, listed: Mapping[str, set[str]]) -> bool:
    """Whether a call, finished or cut, has an argument that its tool doesn't list."""
    return any(not listed[name].issuperset(_names(arguments)) for name, arguments in answer.calls)


def _names(arguments: str) -> Sequence[str]:
    value = from_json(arguments, allow_partial=True) if arguments else {}
    return list(value) if isinstance(value, dict) else []


def listed_names(row: Mapping[str, Any]) -> dict[str, set[str]]:
    functions = [tool["function"] for tool in row["tools"]]
    return {function["name"]: set(function["parameters"].get("properties", ())) for function in functions}


async def answers(server: Server, target: Target, tasks: Sequence[Task]) -> dict[str, Answer | None]:
    slots = asyncio.Semaphore(AT_ONCE)
    async with connected() as http:
        results = await asyncio.gather(*(_answer(server, target, task, slots, http) for task in tasks))
    return {task.id: answer for task, answer in zip(tasks, results, strict=True)}


async def _answer(
    server: Server, target: Target, task: Task, slots: asyncio.Semaphore, http: httpx.AsyncClient
) -> Answer | None:
    async with slots:
        try:
            return await ask(http, server.url + CHAT, {"model": target.name, **task.body})
        except Failed as failed:
            say(f"{task.id} was refused: {failed}")
            return None


def measure(target: Target, rows: Sequence[Mapping[str, Any]], seeds: Sequence[int]) -> dict[str, Outcome]:
    """Both with one server."""
    outcomes = {}
    with running(target, latticework()) as (server,):
        for label, opens in OBJECTS.items():
            say(f"{label} objects: {len(rows)} rows, {len(seeds)} seeds")
            tasks = {row["id"]: [replayed(row, seed, opens) for seed in seeds] for row in rows}
            found = asyncio.run(answers(server, target, [task for listed in tasks.values() for task in listed]))
            pairs = [(row, found[task.id]) for row in rows for task in tasks[row["id"]]]
            outcomes[label] = outcome(pairs)
    return outcomes


def outcome(pairs: Sequence[tuple[Mapping[str, Any], Answer | None]]) -> Outcome:
    given = [(row, answer) for row, answer in pairs if answer is not None]
    return Outcome(
        cut=sum(answer.finish == "length" for _, answer in given),
        extra=sum(has_extra(answer, listed_names(row)) for row, answer in given),
        tokens=sum(answer.tokens for _, answer in given),
        failed=len(pairs) - len(given),
    )


def report(options: Options) -> Report:
    rows = workload.spread([row for row in workload.bfcl_rows() if row["expect"] != "no_call"], options.of(2, ROWS))
    seeds = SEEDS[:2] if options.quick else SEEDS
    outcomes = measure(options.model, rows, seeds)
    cells = [
        (label, str(found.cut), str(found.extra), f"{found.tokens:,}", str(found.failed))
        for label, found in outcomes.items()
    ]
    bars = [Bar(label, found.tokens, found.tokens, found.tokens) for label, found in outcomes.items()]
    figures = {label: vars(found) for label, found in outcomes.items()}
    head = ("objects", "cut", "with other arguments", "tokens", "failed")
    title = f"Tool calls, {len(rows) * len(seeds)} requests: objects that state nothing about other properties"
    return Report("closed_objects", title, head, cells, bars, "generated tokens", figures)


def main() -> None:
    run_command(__doc__, report)


if __name__ == "__main__":
    main()
