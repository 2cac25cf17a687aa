"""What front ends add: the chunks a second that the processes of a server carry, with 1, 2 and 4 front ends.

    python -m benchmarks.front_ends [--json] [--quick] [--rows N]

Two engines: vLLM with a Llama of two layers with random weights and SmolLM2's tokenizer, whose own processes are not
counted; and one that writes random text, in the owner's process (with 1 and 2 front ends). 128 answers of about 100
chunks of free text are streamed at once, in rounds, alternating between the servers.

The load generator and the engine take processor time too, so that what is compared is each process' CPU time: a process
carries as many chunks a second as it can before it has used a whole core, and a server as many as its busiest process
allows. The last column has what was streamed by the clock, with everything on the same cores.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.client import ask, connected
from benchmarks.contestants import CHAT
from benchmarks.free_server import MODEL
from benchmarks.front_end import free_text
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Bar, Report, number, publish
from benchmarks.servers import FREE, Recipe, Server, latticework, running
from benchmarks.targets import tiny_target

NUMBERS = (1, 2, 4)
STREAMS, TOKENS = 128, 100
FRONT_END = "latticework.fronts.process"
FREE_TOKENS = 700  # some 100 chunks
VLLM, RANDOM = "vLLM, tiny model", "random text"
HEAD = (
    *("engine", "front ends", "chunks/s that it carries", "times one's (quartiles, extremes)"),
    *("CPU ms per 1,000 chunks", "MB per front end", "streamed here, chunks/s"),
)
# By engine and number of front ends.
Kind = tuple[str, int]


@dataclass(frozen=True)
class Load:
    """A round: the CPU seconds of the owner and of each front end; the latter none where there is one process."""

    chunks: int
    seconds: float
    owner: float
    fronts: tuple[float, ...]

    @property
    def carried(self) -> float:
        """Chunks a second."""
        return self.chunks / max(self.owner, *self.fronts, 1e-9)

    def __str__(self) -> str:
        milliseconds = [1e6 * spent / self.chunks for spent in (self.owner, *self.fronts)]
        return " + ".join(f"{spent:.1f}" for spent in milliseconds)


class Processes:
    """Of a server, but for its engine and its compile processes."""

    def __init__(self, server: Server) -> None:
        self.owner = psutil.Process(server.process.pid)
        self.fronts = [child for child in self.owner.children() if FRONT_END in child.cmdline()]

    def seconds(self) -> list[float]:
        return [sum(process.cpu_times()[:2]) for process in (self.owner, *self.fronts)]

    def memory(self) -> int:
        """Bytes of one front end with its compile processes, of which it shares none."""
        if not self.fronts:
            return 0
        front = self.fronts[0]
        return sum(process.memory_full_info().uss for process in (front, *front.children(recursive=True)))


async def measured(server: Server, body: Mapping[str, Any], streams: int) -> Load:
    processes = Processes(server)
    async with connected() as http:
        before, started = processes.seconds(), time.perf_counter()
        answers = await asyncio.gather(*(ask(http, server.url + CHAT, body) for _ in range(streams)))
        elapsed = time.perf_counter() - started
        owner, *fronts = (after - begun for after, begun in zip(processes.seconds(), before, strict=True))
    return Load(sum(answer.chunks for answer in answers), elapsed, owner, tuple(fronts))


async def rounds(
    servers: Mapping[Kind, Server], bodies: Mapping[str, Mapping[str, Any]], turns: int
) -> dict[Kind, list[Load]]:
    """The first round is discarded: it has one-time costs."""
    loads: dict[Kind, list[Load]] = {kind: [] for kind in servers}
    for turn in range(turns + 1):
        for kind in sorted(servers, reverse=bool(turn % 2)):
            load = await measured(servers[kind], bodies[kind[0]], STREAMS)
            say(f"{kind}: {load.carried:,.0f} chunks/s, ms per 1,000 chunks: {load}")
            if turn:
                loads[kind].append(load)
    return loads


def report(options: Options) -> Report:
    target, numbers = tiny_target(), NUMBERS[:2] if options.quick else NUMBERS
    bodies = {
        VLLM: {"model": target.name, **free_text(50 if options.quick else TOKENS).body},
        RANDOM: {"model": MODEL, **free_text(FREE_TOKENS).body},
    }
    recipes = {(VLLM, fronts): latticework("--api-servers", str(fronts)) for fronts in numbers}
    recipes |= {(RANDOM, fronts): free("--api-servers", str(fronts)) for fronts in NUMBERS[:2]}
    with running(target, *recipes.values()) as started:
        servers = dict(zip(recipes, started, strict=True))
        loads = asyncio.run(rounds(servers, bodies, options.of(1, 4)))
        memory = {kind: Processes(server).memory() for kind, server in servers.items()}
    return table_of(loads, memory)


def free(*own: str) -> Recipe:
    return Recipe(FREE, own)


def table_of(loads: Mapping[Kind, Sequence[Load]], memory: Mapping[Kind, int]) -> Report:
    rows, bars, figures = [], [], {}
    for (engine, fronts), rounds_of in loads.items():
        ratio = paired([load.carried for load in rounds_of], [load.carried for load in loads[engine, 1]])
        carried = statistics.mean(load.carried for load in rounds_of)
        streamed = statistics.median(load.chunks / load.seconds for load in rounds_of)
        megabytes = number(round(memory[engine, fronts] / 2**20)) if fronts > 1 else ""
        costs = costs_of(rounds_of)
        rows.append((engine, str(fronts), rounded(carried), str(ratio), costs, megabytes, rounded(streamed)))
        bars.append(Bar(f"{engine}, {fronts}", ratio.value, ratio.low, ratio.high))
        figures[f"{engine}, {fronts}"] = {"carried": round(carried), "ratio": round(ratio.value, 3)}
    title = "Front ends: chunks a second that a server carries"
    return Report("front_ends", title, HEAD, rows, bars, "times those of one process", figures)


def rounded(value: float) -> str:
    return number(round(value, -2))


def costs_of(loads: Sequence[Load]) -> str:
    chunks = sum(load.chunks for load in loads)
    owner = 1e6 * sum(load.owner for load in loads) / chunks
    fronts = 1e6 * sum(sum(load.fronts) for load in loads) / chunks
    return f"owner {owner:.0f}, front ends {fronts:.0f} together" if fronts else f"{owner:.0f}"


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
