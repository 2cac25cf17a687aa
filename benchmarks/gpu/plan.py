"""The order of a run: visits to servers, each with steps, each of which has a limit and measures some keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.gpu import answers, rates, starts, waves
from benchmarks.gpu.scale import Scale
from benchmarks.gpu.state import Key
from benchmarks.gpu.visited import Visited
from benchmarks.servers import GUIDANCE, Recipe, latticework, vllm

OFF, FORCED, AUTO, STOCK = "off", "forced", "auto", "vllm serve"
FULL = "full graphs"
FULL_GRAPHS = ("--compilation-config", '{"cudagraph_mode": "FULL"}')

SERVERS: Mapping[str, Recipe] = {
    OFF: latticework("--drafts", "off"),
    FORCED: latticework("--drafts", "forced"),
    STOCK: vllm(*GUIDANCE),
    AUTO: latticework("--drafts", "auto"),
    f"forced, {FULL}": latticework("--drafts", "forced", *FULL_GRAPHS),
    f"auto, {FULL}": latticework("--drafts", "auto", *FULL_GRAPHS),
}
MAIN = (OFF, FORCED, STOCK, AUTO)
# The server that drafts most has the memory part, which may end it: so it is visited last.
FILLED = AUTO

Measure = Callable[[Visited, Key], Awaitable[Any]]


@dataclass(frozen=True)
class Step:
    """A part of the plan at one server: what it measures, in this order, within so many seconds.

    `prepare` is part of them, and is left out where nothing is missing.
    """

    part: str
    server: str
    seconds: float
    keys: tuple[Key, ...]
    measure: Measure
    prepare: Callable[[Visited], Awaitable[None]] | None = None

    @property
    def name(self) -> str:
        return f"{self.part}/{self.server}"


@dataclass(frozen=True)
class Visit:
    """A server is started, and its steps are done."""

    server: str
    steps: tuple[Step, ...]


def visits(scale: Scale) -> list[Visit]:
    """After the sampler's part, which needs no server."""
    return [visit(server, scale) for server in SERVERS]


def visit(server: str, scale: Scale) -> Visit:
    limits = scale.limits
    start = Step("start", server, limits.start, (f"start/{server}",), starts.measure)
    compare = Step("answers", server, limits.answers, answers.keys(server), answers.measure)
    time = Step("rates", server, limits.rates, rates.keys(server, scale), rates.measure, rates.warm_up)
    fill = Step("memory", server, limits.memory, waves.keys(server, scale), waves.measure)
    if server not in MAIN:
        return Visit(server, (start, time))
    return Visit(server, (start, compare, time, fill) if server == FILLED else (start, compare, time))


def longest(visits: Sequence[Visit], scale: Scale) -> float:
    """Seconds, if each part takes its limit."""
    return scale.limits.sampler + sum(step.seconds for visit in visits for step in visit.steps)
