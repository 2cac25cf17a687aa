"""Latency of a single user: time to the first token and to the last, without other load.

    python -m benchmarks.latency [--json] [--quick] [--rows N]

Extraction: one document with a new schema, then another with the schema cached. Tool calls: rows of BFCL's dev file
(../shared/data beside the checkout, else skipped). Streamed, greedy, one request at a time; each request goes to all
running servers in turn, in a rotating order. Compared with vLLM's defaults, and with vLLM given the same prompt tokens
and grammar.
"""

from __future__ import annotations

import asyncio
import copy
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks import workload
from benchmarks.client import Answer, Failed, connected
from benchmarks.contestants import PAIRINGS, Contestant, Pairing, contest, label, names_in
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Line, Report, comparison, publish
from benchmarks.workload import Missing, Task

GOALS = {"last token, extraction": 0.55, "last token, tool calls": 0.55, "first token, cached schema": 1.0}


@dataclass
class Waits:
    """Seconds by what was waited for, then by contestant; the n-th of each is of the same request."""

    found: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, what: str, seconds: Mapping[str, float]) -> None:
        for name, value in seconds.items():
            self.found.setdefault(what, {}).setdefault(name, []).append(value)


def unseen(task: Task) -> Task:
    """The same with a schema that nobody has seen: one more optional property."""
    body = copy.deepcopy(dict(task.body))
    schema = body["response_format"]["json_schema"]["schema"]
    next(_objects(schema))["properties"][f"mark_{secrets.token_hex(4)}"] = {"type": "boolean"}
    return Task(task.id, task.kind, body)


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    """Every object with properties, the outermost first."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema
        for value in schema.values():
            yield from _objects(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _objects(value)


def pairs(rounds: int) -> list[tuple[Task, Task]]:
    """Two documents of one schema, every schema in turn; the schema is new, and the same for both."""
    by_kind: dict[str, list[Task]] = {}
    for task in workload.extraction():
        by_kind.setdefault(task.kind, []).append(task)
    found = []
    for number in range(rounds):
        tasks = list(by_kind.values())[number % len(by_kind)]
        first, second = (tasks[(2 * (number // len(by_kind)) + step) % len(tasks)] for step in (0, 1))
        new = unseen(first)
        found.append((new, second.sampled(response_format=new.body["response_format"])))
    return found


async def everyone(contestants: Sequence[Contestant], turn: int, task: Task, http: Any) -> dict[str, Answer] | None:
    """Everyone's answer to one task; None where one refused it."""
    start = turn % len(contestants)
    found = {}
    for contestant in [*contestants[start:], *contestants[:start]]:
        try:
            body = await asyncio.to_thread(contestant.prepare, task)
            found[contestant.name] = await contestant.answer(http, body)
        except Failed as failed:
            say(f"{contestant.name} refused {task.id}: {failed}")
            return None
    return found


async def measure(
    contestants: Sequence[Contestant], documents: Sequence[tuple[Task, Task]], calls: Sequence[Task]
) -> Waits:
    waits = Waits()
    async with connected() as http:
        await _warmed(contestants, documents[0][1], http)
        for turn, (new, cached) in enumerate(documents):
            for schema, task in (("new", new), ("cached", cached)):
                if answers := await everyone(contestants, turn, task, http):
                    waits.add(f"first token, {schema} schema", {name: one.first for name, one in answers.items()})
                    waits.add("last token, extraction", {name: one.elapsed for name, one in answers.items()})
        for turn, task in enumerate(calls):
            if answers := await everyone(contestants, turn, task, http):
                waits.add("last token, tool calls", {name: one.elapsed for name, one in answers.items()})
    return waits


async def _warmed(contestants: Sequence[Contestant], task: Task, http: httpx.AsyncClient) -> None:
    """What a server does once, it has done."""
    for contestant in contestants:
        await contestant.answer(http, contestant.prepare(unseen(task).sampled(max_tokens=20)))


def calls_of(options: Options) -> list[Task]:
    try:
        return workload.tool_calls(options.of(2, 6))
    except Missing as missing:
        say(f"tool calls: {missing}")
        return []


def report(options: Options, pairings: Sequence[Pairing] = PAIRINGS) -> Report:
    documents, calls = pairs(options.of(2, 6)), calls_of(options)
    with contest(options.model, names_in(pairings)) as contestants:
        waits = asyncio.run(measure(contestants, documents, calls))
    lines = [line(what, pairing, found) for what, found in sorted(waits.found.items()) for pairing in pairings]
    figures = {one.label: round(one.ratio.value, 4) for one in lines}
    return comparison("latency", "Latency of a single user, in seconds", lines, figures)


def line(what: str, pairing: Pairing, found: Mapping[str, Sequence[float]]) -> Line:
    ours, theirs = (found[name] for name in pairing)
    mean_ours, mean_theirs = (sum(seconds) / len(seconds) for seconds in (ours, theirs))
    return Line(label(what, pairing), "seconds", mean_ours, mean_theirs, paired(ours, theirs), GOALS.get(what))


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
