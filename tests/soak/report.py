"""The results of a soak test, line by line, with the expected ones."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.hostile_bodies import GOAL_GAP, GOAL_MEMORY, Noticed
from tests.fuzz.target import Found
from tests.soak.hostile import Attacked
from tests.soak.kills import Kills
from tests.soak.load import Load
from tests.soak.streams import Streams

GROWTH = 0.05
# Of memory, after an attack over before; and seconds that a light stream may stand still during one.
KEPT = 1.1
STILL = 2.0
LATE = 0.05
MIB = 2**20
FINISHES = {"stop", "length", "tool_calls"}


@dataclass(frozen=True)
class Line:
    """`failures` are listed below the table."""

    label: str
    found: str
    wanted: str
    good: bool
    failures: Sequence[str] = ()


def of_load(load: Load, leaked: Mapping[str, int]) -> list[Line]:
    outcomes: Counter[str] = Counter()
    for (_, outcome), count in load.outcomes.items():
        outcomes[_family(outcome)] += count
    told = ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common())
    quarters = " ".join(f"{load.quarter(number) / MIB:.0f}" for number in (1, 2, 3, 4))
    bad = outcomes["wrong"] + outcomes["missing"]
    return [
        Line("mixed requests, 64 concurrent", f"{load.answered:,} in {load.seconds:.0f} s: {told}", "", True),
        Line("wrong or missing", f"{bad}", "0", not bad, load.wrong),
        Line(
            "server memory by quarters",
            f"{quarters} MiB, the last {load.growth:+.1%} relative to the second",
            f"≤ {GROWTH:+.0%}",
            load.growth <= GROWTH,
        ),
        Line("leaked", _left(leaked), "nothing", not leaked),
    ]


def _family(outcome: str) -> str:
    """All finish reasons count as one."""
    return "answered" if set(outcome.split("+")) <= FINISHES else outcome


def _left(leaked: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in leaked.items()) or "nothing"


def of_streams(streams: Streams, count: int) -> list[Line]:
    p50, p99, most = (f"{1000 * late:.1f}" for late in streams.late)
    told = f"{streams.ended:,} in {streams.seconds:.0f} s, {streams.events:,} events, {streams.computed:.0f} s of CPU"
    return [
        Line("concurrent streams", told, f"{count:,}", streams.ended == count, streams.wrong),
        Line(
            "event loop delay, p50 p99 max",
            f"{p50} {p99} {most} ms",
            f"p99 < {1000 * LATE:.0f} ms",
            streams.late[1] < LATE,
        ),
    ]


def of_bodies(noticed: Noticed) -> list[Line]:
    worst = max(noticed.gaps, key=lambda gap: gap.gap)
    return [
        Line(
            "hostile bodies",
            f"{len(noticed.gaps)}, {len(noticed.wrong)} with another answer",
            "0",
            not noticed.wrong,
            noticed.wrong,
        ),
        Line(
            "longest gap of a stream beside them",
            f"{1000 * worst.gap:.0f} ms beside '{worst.name}', {1000 * noticed.idle:.0f} ms idle",
            f"≤ {1000 * GOAL_GAP:.0f} ms more than idle",
            noticed.worst <= GOAL_GAP,
        ),
        Line(
            "memory after them",
            f"{noticed.memory_before // MIB} MiB, then {noticed.memory_after // MIB} MiB",
            f"≤ {GOAL_MEMORY}x",
            noticed.growth <= GOAL_MEMORY,
        ),
    ]


def of_fuzz(found: Mapping[str, Found]) -> list[Line]:
    lines = [
        Line(
            f"fuzz: {name}",
            f"{one.cases:,} cases, {one.crashes} crashes, {one.hangs} hangs; {_told(one.outcomes)}",
            "0, 0",
            not one.crashes and not one.hangs,
            one.failures,
        )
        for name, one in found.items()
    ]
    whole = Found()
    for one in found.values():
        whole.add(one)
    told = f"{whole.cases:,} cases, {whole.crashes} crashes, {whole.hangs} hangs"
    return [*lines, Line("fuzz, all", told, "0, 0", not whole.crashes and not whole.hangs)]


def _told(outcomes: Counter[str]) -> str:
    return ", ".join(f"{count:,} {outcome}" for outcome, count in outcomes.most_common(5))


def of_kills(found: Kills, count: int) -> list[Line]:
    back = " ".join(f"{seconds:.1f}" for seconds in found.back)
    return [
        Line(
            "engine killed",
            f"{len(found.back)} times, served again after {back} s",
            f"{count}",
            len(found.back) == count,
        ),
        Line("requests in flight", _told(found.outcomes), "0 wrong", not found.wrong, found.wrong),
        Line("left behind by a killed server", f"{len(found.left)} processes", "0", not found.left, found.left),
    ]


def of_hostile(found: Attacked) -> list[Line]:
    sent, kept = found.outcomes.total(), _kept(found.memory)
    before, after = found.engines
    alive = found.healthy and before == after
    return [
        Line("hostile requests", f"{sent:,}: {_told(found.outcomes)}", "", True),
        Line("5xx but 503 and 504, no response, long errors", f"{len(found.wrong)}", "0", not found.wrong, found.wrong),
        Line("engine", "as before" if alive else "restarted or dead", "as before", alive),
        Line(
            "memory, without workers: before, after half, at the end",
            f"{_amounts(found.memory)}; the end is {kept:.2f} of the half",
            f"≤ {KEPT} of the half",
            kept <= KEPT,
        ),
        Line(
            "longest gap of a light stream",
            f"{1000 * found.gap:.0f} ms, alone {1000 * found.idle:.0f} ms",
            f"≤ {1000 * STILL:.0f} ms",
            found.gap <= STILL,
        ),
    ]


def _kept(memory: Sequence[Mapping[str, int]]) -> float:
    """The last of what all had by half of the time: until then caches fill, each up to its limit."""
    half, end = (sum(sizes.values()) for sizes in memory[-2:])
    return end / half


def _amounts(memory: Sequence[Mapping[str, int]]) -> str:
    kinds = sorted({kind for sizes in memory for kind in sizes})
    told = (f"{kind} {' '.join(f'{sizes.get(kind, 0) / MIB:.0f}' for sizes in memory)}" for kind in kinds)
    return ", ".join(told) + " MiB"
