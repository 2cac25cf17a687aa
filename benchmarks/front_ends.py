"""What front ends add: the chunks a second that the processes of a server carry, with 1, 2 and 4 front ends.

    python -m benchmarks.front_ends [--json] [--quick] [--rows N]

The engine costs nothing here: a Llama of two layers with random weights and SmolLM2's tokenizer, in a process that is
not counted. 128 answers of 100 tokens of free text are streamed at once, in rounds, alternating between the servers.
The load generator and the engine take processor time too, so that what is measured is each process' CPU time: a process
can carry as many chunks as it can before it has used a whole core, and a server as many as its busiest process allows.
The front ends of a server share its answers, and the busiest of them counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psutil

from benchmarks.client import ask, connected
from benchmarks.contestants import CHAT
from benchmarks.front_end import free_text
from benchmarks.options import Options, parse, say
from benchmarks.ratios import paired
from benchmarks.results import Bar, Report, number, publish
from benchmarks.servers import Server, latticework, running
from benchmarks.targets import tiny_target

NUMBERS = (1, 2, 4)
STREAMS, TOKENS = 128, 100
FRONT_END = "latticework.fronts.process"
HEAD = ("front ends", "chunks/s that it carries", "times one's (quartiles, extremes)", "CPU ms per 1,000 chunks", "MB")


@dataclass(frozen=True)
class Load:
    """A round: the CPU seconds of the owner and of each front end; the latter none where there is one process."""

    chunks: int
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
        before = processes.seconds()
        answers = await asyncio.gather(*(ask(http, server.url + CHAT, body) for _ in range(streams)))
        owner, *fronts = (after - begun for after, begun in zip(processes.seconds(), before, strict=True))
    return Load(sum(answer.chunks for answer in answers), owner, tuple(fronts))


async def rounds(servers: Mapping[int, Server], body: Mapping[str, Any], turns: int) -> dict[int, list[Load]]:
    """By number of front ends. The first round is discarded: it has one-time costs."""
    loads: dict[int, list[Load]] = {number: [] for number in servers}
    for turn in range(turns + 1):
        for fronts in sorted(servers, reverse=bool(turn % 2)):
            load = await measured(servers[fronts], body, STREAMS)
            say(f"{fronts}: {load.carried:,.0f} chunks/s, ms per 1,000 chunks: {load}")
            if turn:
                loads[fronts].append(load)
    return loads


def report(options: Options) -> Report:
    target, numbers = tiny_target(), NUMBERS[:2] if options.quick else NUMBERS
    body = {"model": target.name, **free_text(50 if options.quick else TOKENS).body}
    recipes = [latticework("--api-servers", str(fronts)) for fronts in numbers]
    with running(target, *recipes) as started:
        servers = dict(zip(numbers, started, strict=True))
        loads = asyncio.run(rounds(servers, body, options.of(1, 4)))
        memory = {fronts: Processes(server).memory() for fronts, server in servers.items()}
    return table_of(loads, memory)


def table_of(loads: Mapping[int, Sequence[Load]], memory: Mapping[int, int]) -> Report:
    alone = [load.carried for load in loads[1]]
    rows, bars, figures = [], [], {}
    for fronts, measured_loads in loads.items():
        carried = [load.carried for load in measured_loads]
        ratio = paired(carried, alone)
        mean = sum(carried) / len(carried)
        chunks = sum(load.chunks for load in measured_loads)
        owner = 1e6 * sum(load.owner for load in measured_loads) / chunks
        front = 1e6 * sum(sum(load.fronts) for load in measured_loads) / chunks
        costs = f"{owner:.1f}" if fronts == 1 else f"owner {owner:.1f}, front ends {front:.1f} together"
        megabytes = "" if fronts == 1 else number(round(memory[fronts] / 2**20))
        rows.append((str(fronts), number(round(mean, -2)), str(ratio), costs, megabytes))
        bars.append(Bar(str(fronts), ratio.value, ratio.low, ratio.high))
        figures[str(fronts)] = {"carried": round(mean), "ratio": round(ratio.value, 3)}
    return Report(
        "front_ends", "Front ends", HEAD, rows, bars, "chunks/s that a server carries, times one process'", figures
    )


def main() -> None:
    options = parse(__doc__)
    publish(report(options), options)


if __name__ == "__main__":
    main()
