"""The one table of a run: a column for each server, a row for each figure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.gpu import answers, rates, starts
from benchmarks.gpu.plan import OFF, SERVERS
from benchmarks.gpu.scale import Scale
from benchmarks.gpu.verdicts import Measured, race
from benchmarks.results import table

NOTHING = "-"
# Rows of a start: their label, and what they show of its measurement.
STARTED: Mapping[str, Callable[[Mapping[str, Any]], Any]] = {
    "seconds to start": lambda start: f"{start['seconds']:.0f}",
    "model runner": lambda start: start.get(starts.RUNNER),
    "scheduling": lambda start: start.get(starts.SCHEDULING),
    "CUDA graphs": lambda start: start.get(starts.GRAPHS),
    "as reported by": lambda start: start.get(starts.SOURCE),
    "drafts": lambda start: start.get(starts.DRAFTS),
    "tokens in the KV cache": lambda start: f"{start['cache_tokens']:,}" if start["cache_tokens"] else None,
}


def of_run(measured: Measured, scale: Scale) -> str:
    servers = [server for server in SERVERS if any(key.split("/")[1] == server for key in measured)]
    rows = [
        *((label, *(_started(measured, server, show) for server in servers)) for label, show in STARTED.items()),
        *(row for kind in rates.KINDS for load in scale.loads for row in _speeds(measured, servers, kind, load)),
        ("greedy answers as with off", *(_same(measured, server, OFF, answers.FIRST) for server in servers)),
        ("as its own in another batch", *(_same(measured, server, server, answers.AGAIN) for server in servers)),
        ("MiB after the waves", *(_held(measured, server) for server in servers)),
    ]
    return table(("", *servers), [[str(cell) for cell in row] for row in rows])


def _started(measured: Measured, server: str, show: Callable[[Mapping[str, Any]], Any]) -> str:
    start = measured.get(f"start/{server}")
    return str((show(start) if start is not None else None) or NOTHING)


def _speeds(measured: Measured, servers: Sequence[str], kind: str, load: int) -> list[tuple[str, ...]]:
    speeds, ratios = [], []
    for server in servers:
        turns = list(rates.measured(measured, server, kind, load).values())
        speeds.append(f"{rates.mean(turns):,.0f}" if turns else NOTHING)
        ratios.append(_ratio(measured, kind, load, server))
    return [(f"{kind}, tokens/s at {load}", *speeds), ("  over off (least to most)", *ratios)]


def _ratio(measured: Measured, kind: str, load: int, server: str) -> str:
    ratio = race(measured, kind, load, server, OFF).ratio
    if ratio is None or server == OFF:
        return NOTHING
    return f"{ratio.value:.2f} ({ratio.least:.2f} to {ratio.most:.2f})"


def _same(measured: Measured, server: str, other: str, batch: str) -> str:
    ours, theirs = measured.get(f"answers/{server}/{batch}"), measured.get(f"answers/{other}/{answers.FIRST}")
    if ours is None or theirs is None:
        return NOTHING
    same, both = answers.same(ours, theirs)
    return f"{same} of {both}"


def _held(measured: Measured, server: str) -> str:
    waves = [value for key, value in measured.items() if key.startswith(f"memory/{server}/")]
    return f"{max(wave['used_mib'] for wave in waves):,.0f}" if waves else NOTHING
