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
class Latencies:
    """Seconds by measure, then by contestant; the n-th figures of all contestants are of the same request."""

    seconds: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, measure: str, by_name: Mapping[str, float]) -> None:
        for name, value in by_name.items():
            self.seconds.setdefault(measure, {}).setdefault(name, []).append(value)


def with_new_schema(task: Task) -> Task:
    """The same with a schema that no server has compiled: it has one more optional property."""
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
    """Pairs of documents with one new schema, cycling through the schemas."""
    by_kind: dict[str, list[Task]] = {}
    for task in workload.extraction():
        by_kind.setdefault(task.kind, []).append(task)
    documents = []
    for number in range(rounds):
        tasks = list(by_kind.values())[number % len(by_kind)]
        first, second = (tasks[(2 * (number // len(by_kind)) + step) % len(tasks)] for step in (0, 1))
        new = with_new_schema(first)
        documents.append((new, second.sampled(response_format=new.body["response_format"])))
    return documents


async def answers_of_all(
    contestants: Sequence[Contestant], turn: int, task: Task, http: Any
) -> dict[str, Answer] | None:
    """The answer of each contestant to one task; None if one of them refused it."""
    start = turn % len(contestants)
    answers = {}
    for contestant in [*contestants[start:], *contestants[:start]]:
        try:
            body = await asyncio.to_thread(contestant.prepare, task)
            answers[contestant.name] = await contestant.answer(http, body)
        except Failed as failed:
            say(f"{contestant.name} refused {task.id}: {failed}")
            return None
    return answers


async def measure(
    contestants: Sequence[Contestant], documents: Sequence[tuple[Task, Task]], calls: Sequence[Task]
) -> Latencies:
    latencies = Latencies()
    async with connected() as http:
        await _warm_up(contestants, documents[0][1], http)
        for turn, (new, cached) in enumerate(documents):
            for schema, task in (("new", new), ("cached", cached)):
                if answers := await answers_of_all(contestants, turn, task, http):
                    latencies.add(
                        f"first token, {schema} schema", {name: answer.first for name, answer in answers.items()}
                    )
                    latencies.add("last token, extraction", {name: answer.elapsed for name, answer in answers.items()})
        for turn, task in enumerate(calls):
            if answers := await answers_of_all(contestants, turn, task, http):
                latencies.add("last token, tool calls", {name: answer.elapsed for name, answer in answers.items()})
    return latencies


async def _warm_up(contestants: Sequence[Contestant], task: Task, http: httpx.AsyncClient) -> None:
    """Takes one-time costs of the servers out of the figures."""
    for contestant in contestants:
        await contestant.answer(http, contestant.prepare(with_new_schema(task).sampled(max_tokens=20)))


def calls_of(options: Options) -> list[Task]:
    try:
        return workload.tool_calls(options.of(2, 6))
    except Missing as missing:
        say(f"tool calls: {missing}")
        return []


def report(options: Options, pairings: Sequence[Pairing] = PAIRINGS) -> Report:
    documents, calls = pairs(options.of(2, 6)), calls_of(options)
    with contest(options.model, names_in(pairings)) as contestants:
        latencies = asyncio.run(measure(contestants, documents, calls))
    lines = [
        comparison_line(name, pairing, seconds)
        for name, seconds in sorted(latencies.seconds.items())
        for pairing in pairings
    ]
    figures = {line.label: round(line.ratio.value, 4) for line in lines}
    return comparison("latency", "Latency of a single user, in seconds", lines, figures)


def comparison_line(measure: str, pairing: Pairing, by_name: Mapping[str, Sequence[float]]) -> Line:
    ours, theirs = (by_name[name] for name in pairing)
    mean_ours, mean_theirs = (sum(seconds) / len(seconds) for seconds in (ours, theirs))
    return Line(label(measure, pairing), "seconds", mean_ours, mean_theirs, paired(ours, theirs), GOALS.get(measure))


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
