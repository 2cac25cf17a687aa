"""Throughput under load: tokens per second at growing concurrency.

    python -m benchmarks.throughput [--json] [--quick] [--rows N]

The extraction workload, greedy, not streamed. In each round, a number of concurrent documents is requested, first from
one running server and then from the other; the figure is generated tokens by seconds. Compared with vLLM given the same
prompt tokens and grammar, so that both generate the same text. On a CPU both have a cache that holds all answers of the
largest concurrency.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import httpx

from benchmarks import workload
from benchmarks.client import Failed, connected
from benchmarks.contestants import GIVEN, OURS, Contestant, Pairing, contest, label, names_in
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Line, Report, comparison, publish
from benchmarks.workload import Task

CONCURRENCIES = (1, 4, 16, 64)
GOALS = {1: 1.5}
GOAL = 1.0
CACHE_GIB = 3
# At most, per answer. Several rounds of short answers have less noise than one round of long answers.
TOKENS = 200
SAME_GRAMMAR: tuple[Pairing, ...] = ((OURS, GIVEN),)


@dataclass(frozen=True)
class Round:
    tokens: int
    answers: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.tokens / self.seconds


async def run_round(contestant: Contestant, tasks: Sequence[Task], concurrency: int) -> Round:
    """All tasks, `concurrency` at a time."""
    bodies = [await asyncio.to_thread(contestant.prepare, task) for task in tasks]
    slots = asyncio.Semaphore(concurrency)
    async with connected() as http:
        started = time.perf_counter()
        tokens = await asyncio.gather(*(_tokens(contestant, body, slots, http) for body in bodies))
        return Round(sum(tokens), sum(count > 0 for count in tokens), time.perf_counter() - started)


async def _tokens(
    contestant: Contestant, body: dict[str, object], slots: asyncio.Semaphore, http: httpx.AsyncClient
) -> int:
    async with slots:
        try:
            return (await contestant.answer(http, body, stream=False)).tokens
        except Failed as failed:
            say(f"{contestant.name} refused a request: {failed}")
            return 0


def tasks_of(concurrency: int, turn: int, quick: bool) -> list[Task]:
    """At least `concurrency` tasks, with other documents in each turn."""
    documents = workload.extraction()
    size = concurrency if quick else max(concurrency, 6)
    chosen = [documents[(turn * size + index) % len(documents)] for index in range(size)]
    return [task.sampled(max_tokens=30 if quick else TOKENS) for task in chosen]


async def rounds(
    contestants: Sequence[Contestant], concurrency: int, turns: int, quick: bool
) -> dict[str, list[Round]]:
    """Rounds by contestant. Their order alternates between turns."""
    by_name: dict[str, list[Round]] = {contestant.name: [] for contestant in contestants}
    for turn in range(turns):
        tasks = tasks_of(concurrency, turn, quick)
        for contestant in contestants if turn % 2 == 0 else list(reversed(contestants)):
            by_name[contestant.name].append(await run_round(contestant, tasks, concurrency))
            say(f"{concurrency} at once, {contestant.name}: {by_name[contestant.name][-1].rate:.1f} tokens/s")
    return by_name


def report(
    options: Options, pairings: Sequence[Pairing] = SAME_GRAMMAR, concurrencies: Sequence[int] = CONCURRENCIES
) -> Report:
    lines = []
    target = replace(options.model, cache_gib=CACHE_GIB)
    with contest(target, names_in(pairings)) as contestants:
        asyncio.run(_warm_up(contestants))
        for concurrency in concurrencies[:2] if options.quick else concurrencies:
            by_name = asyncio.run(rounds(contestants, concurrency, options.of(1, 2), options.quick))
            lines += [comparison_line(concurrency, pairing, by_name) for pairing in pairings]
    figures = {line.label: round(line.ratio.value, 4) for line in lines}
    return comparison("throughput", "Tokens per second", lines, figures, better="more")


async def _warm_up(contestants: Sequence[Contestant]) -> None:
    for contestant in contestants:
        await run_round(contestant, [task.sampled(max_tokens=8) for task in workload.extraction(2)], 2)


def comparison_line(concurrency: int, pairing: Pairing, by_name: Mapping[str, Sequence[Round]]) -> Line:
    ours, theirs = ([turn.rate for turn in by_name[name]] for name in pairing)
    mean_ours, mean_theirs = (sum(rates) / len(rates) for rates in (ours, theirs))
    goal = GOALS.get(concurrency, GOAL)
    return Line(
        label(f"{concurrency} at once", pairing), "tokens/s", mean_ours, mean_theirs, paired(ours, theirs), goal
    )


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
