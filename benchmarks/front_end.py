"""Cost of the server around the engine: CPU seconds of its process per 1,000 streamed chunks.

    python -m benchmarks.front_end [--json] [--quick] [--rows N]

The engine costs nothing here: a Llama of two layers with random weights and SmolLM2's tokenizer, in a separate process
that is not counted. 16 answers of 400 tokens are streamed concurrently, in rounds, alternating between the two running
servers: free text (`ignore_eos`), and a document (with the same grammar), at temperature 1. Only chunks with text
count. With drafts a chunk may have several tokens, so the cost per token is reported too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import workload
from benchmarks.client import ask, connected
from benchmarks.contestants import CHAT, GIVEN, OURS, RECIPES, max_model_len
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.rendering import Renderer
from benchmarks.results import Line, Report, comparison, publish
from benchmarks.servers import Server, running
from benchmarks.targets import Target, tiny_target
from benchmarks.workload import Task

STREAMS = 16
TOKENS = 400
GOAL = 0.5

PER_CHUNK, PER_TOKEN = "CPU s per 1,000 chunks", "CPU s per 1,000 tokens"


@dataclass(frozen=True)
class Cost:
    """CPU time of a server's process for some streams."""

    cpu_seconds: float
    chunks: int
    tokens: int

    def per_thousand(self, unit: str) -> float:
        return 1000 * self.cpu_seconds / (self.chunks if unit == PER_CHUNK else self.tokens)


def free_text(tokens: int) -> Task:
    body = {"messages": [{"role": "user", "content": "Tell me a long story."}]}
    return Task("story", "free text", {**body, "max_tokens": tokens, "ignore_eos": True, "temperature": 1})


def document(tokens: int) -> Task:
    task = workload.extraction(1)[0].sampled(max_tokens=tokens, temperature=1)
    return replace(task, kind="document")


def bodies(target: Target, task: Task, context: int) -> dict[str, dict[str, Any]]:
    """Chat requests for both; vLLM is given latticework's grammar instead of the schema."""
    ours = {"model": target.name, **task.body}
    grammar = Renderer(target, context).engine_request(task).sampling.grammar
    given = {name: value for name, value in ours.items() if name != "response_format"}
    return {OURS: ours, GIVEN: {**given, "structured_outputs": {"grammar": grammar}} if grammar else given}


async def streamed(server: Server, body: Mapping[str, Any], streams: int) -> Cost:
    async with connected() as http:
        before = server.cpu_seconds()
        answers = await asyncio.gather(*(ask(http, server.url + CHAT, body) for _ in range(streams)))
        spent = server.cpu_seconds() - before
    return Cost(spent, sum(answer.chunks for answer in answers), sum(answer.tokens for answer in answers))


async def rounds(
    servers: Mapping[str, Server], requests: Mapping[str, Mapping[str, Any]], turns: int, streams: int
) -> dict[str, list[Cost]]:
    """Costs by server. The first round is discarded: it has one-time costs."""
    costs: dict[str, list[Cost]] = {name: [] for name in servers}
    for turn in range(turns + 1):
        for name in sorted(servers, reverse=bool(turn % 2)):
            cost = await streamed(servers[name], requests[name], streams)
            say(f"{name}: {cost}")
            if turn:
                costs[name].append(cost)
    return costs


def report(options: Options) -> Report:
    target, streams, tokens = tiny_target(), STREAMS, 50 if options.quick else TOKENS
    lines = []
    with running(target, RECIPES[OURS], RECIPES[GIVEN]) as (ours, given):
        servers, context = {OURS: ours, GIVEN: given}, max_model_len(ours)
        for task in (free_text(tokens), document(tokens)):
            say(task.kind)
            costs = asyncio.run(rounds(servers, bodies(target, task, context), options.of(1, 6), streams))
            lines += [comparison_line(task.kind, unit, costs) for unit in (PER_CHUNK, PER_TOKEN)]
    figures = {f"{line.label}, {line.unit}": round(line.ratio.value, 4) for line in lines}
    return comparison("front_end", "CPU of the server's own process", lines, figures)


def comparison_line(kind: str, unit: str, by_name: Mapping[str, Sequence[Cost]]) -> Line:
    ours, theirs = ([cost.per_thousand(unit) for cost in by_name[name]] for name in (OURS, GIVEN))
    mean_ours, mean_theirs = (sum(costs) / len(costs) for costs in (ours, theirs))
    goal = GOAL if unit == PER_CHUNK else None
    return Line(kind, unit, mean_ours, mean_theirs, paired(ours, theirs), goal)


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
