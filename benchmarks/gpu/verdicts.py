"""What the measurements decide: which drafts may be the default at which load, and what else was seen. Pure functions.

A mode may be the default at a load if every round there was faster than with drafts off, and all of them together by
more than noise. Rounds that disagree decide nothing, and what is not decided is off.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Literal

from benchmarks.gpu import answers, rates, starts
from benchmarks.gpu.plan import AUTO, FILLED, FORCED, FULL, OFF, SERVERS, STOCK
from benchmarks.gpu.rates import DOCUMENTS, FREE_TEXT
from benchmarks.gpu.state import Key
from benchmarks.ratios import Ratio, paired

Measured = Mapping[Key, Any]
Decision = Literal["faster", "slower", "not decided", "not measured"]

# The modes that draft, those with more drafts first.
MODES = (AUTO, FORCED)
# One round has no spread, and decides nothing.
FEWEST_PAIRS = 2
# Below this, a difference is noise, even if all rounds have it.
NOISE = 0.02
GIB = 1024


@dataclass(frozen=True)
class Race:
    """One server's tokens per second over another's, round by round. `ratio` is None without rounds of both."""

    ratio: Ratio | None

    @property
    def decision(self) -> Decision:
        if self.ratio is None:
            return "not measured"
        if self.ratio.pairs < FEWEST_PAIRS:
            return "not decided"
        if self.ratio.least > 1 and self.ratio.value >= 1 + NOISE:
            return "faster"
        return "slower" if self.ratio.most < 1 and self.ratio.value <= 1 - NOISE else "not decided"

    @property
    def holds(self) -> bool:
        """Whether no round was slower by more than noise."""
        return self.ratio is not None and self.ratio.pairs >= FEWEST_PAIRS and self.ratio.least >= 1 - NOISE

    def __str__(self) -> str:
        if self.ratio is None:
            return "not measured"
        value = f"{self.ratio.value:.2f}x"
        if self.decision != "not decided":
            return value
        spread = f"{self.ratio.least:.2f} to {self.ratio.most:.2f}"
        return f"{value} (not decided: {spread if self.ratio.pairs > 1 else 'one round'})"


def race(measured: Measured, kind: str, load: int, first: str, second: str) -> Race:
    ours, theirs = (rates.measured(measured, server, kind, load) for server in (first, second))
    turns = [turn for turn in ours if turn in theirs]
    if not turns:
        return Race(None)
    return Race(paired([ours[turn] for turn in turns], [theirs[turn] for turn in turns]))


def choice(measured: Measured, load: int) -> str | None:
    """The default at a load; None if nothing there was measured with and without drafts."""
    races = {mode: race(measured, DOCUMENTS, load, mode, OFF) for mode in MODES if not _fails(measured, mode)}
    if all(each.ratio is None for each in races.values()):
        return None
    faster = [mode for mode, each in races.items() if each.decision == "faster"]
    if len(faster) > 1 and race(measured, DOCUMENTS, load, *faster[:2]).decision == "slower":
        return faster[1]
    return faster[0] if faster else OFF


def _fails(measured: Measured, mode: str) -> bool:
    """Whether its server ran without these drafts, or out of memory."""
    return _runs_without(measured, mode) is not None or any(
        value["out_of_memory"] or value["answered"] == 0
        for key, value in measured.items()
        if key.startswith(f"memory/{mode}/")
    )


def _runs_without(measured: Measured, mode: str) -> str | None:
    """What its server drafts instead, and why, if not what it was asked for."""
    start = measured.get(f"start/{mode}", {})
    if start.get(starts.DRAFTS, mode) == mode:
        return None
    return f"{start[starts.DRAFTS]}: {'; '.join(start.get('degraded', ()))}"


def verdicts(measured: Measured, loads: Sequence[int]) -> list[str]:
    """Sentences, one for each question that the run asks."""
    return [
        default(measured, loads),
        *(
            f"DRAFTS {mode}: ITS SERVER RAN WITH DRAFTS {instead}"
            for mode in MODES
            if (instead := _runs_without(measured, mode)) is not None
        ),
        *(_speed(measured, DOCUMENTS, loads, mode, OFF) for mode in MODES),
        *(_speed(measured, DOCUMENTS, loads, mode, STOCK) for mode in (*MODES, OFF)),
        *(_free_text(measured, loads, mode) for mode in (OFF, *MODES)),
        *(_graphs(measured, loads, mode) for mode in MODES),
        *(_answers(measured, server) for server in SERVERS if FULL not in server and server != OFF),
        _memory(measured),
        _sampler(measured),
    ]


def default(measured: Measured, loads: Sequence[int]) -> str:
    """Which drafts may be the default, by load."""
    chosen = {load: choice(measured, load) for load in loads}
    if all(mode is None for mode in chosen.values()):
        return "Default: not measured."
    runs = [(mode, list(group)) for mode, group in groupby(loads, key=lambda load: chosen[load])]
    parts = [f"{mode or 'not measured'} {_at(group)}" for mode, group in runs]
    return f"Default: {', '.join(parts)} at once."


def _at(loads: Sequence[int]) -> str:
    return f"at {loads[0]}" if len(loads) == 1 else f"from {loads[0]} to {loads[-1]}"


def _speed(measured: Measured, kind: str, loads: Sequence[int], first: str, second: str) -> str:
    races = {load: race(measured, kind, load, first, second) for load in loads}
    return f"{kind.capitalize()}, {first} over {second}: {_listed(races)}."


def _listed(races: Mapping[int, Race]) -> str:
    known = [f"{each} at {load}" for load, each in races.items() if each.ratio is not None]
    unknown = [str(load) for load, each in races.items() if each.ratio is None]
    if not known:
        return "not measured"
    return ", ".join([*known, *([f"not measured at {', '.join(unknown)}"] if unknown else [])])


def _free_text(measured: Measured, loads: Sequence[int], mode: str) -> str:
    """Against vLLM's own server, and without that, against drafts off."""
    has_stock = any(rates.measured(measured, STOCK, FREE_TEXT, load) for load in loads)
    base = STOCK if has_stock or mode == OFF else OFF
    races = {load: race(measured, FREE_TEXT, load, mode, base) for load in loads}
    known = [each for each in races.values() if each.ratio is not None]
    if not known:
        return f"Free text, {mode}: not measured against {base}."
    return f"Free text, {mode}: {_judged(known)} {base}: {_listed(races)}."


def _judged(races: Sequence[Race]) -> str:
    if any(each.decision == "slower" for each in races):
        return "slower than"
    return "not slower than" if all(each.holds for each in races) else "not decided against"


def _graphs(measured: Measured, loads: Sequence[int], mode: str) -> str:
    races = {load: race(measured, DOCUMENTS, load, f"{mode}, {FULL}", mode) for load in loads}
    return f"cudagraph_mode=FULL, {mode}: {_listed(races)} of its speed without."


def _answers(measured: Measured, server: str) -> str:
    ours, theirs = (_compared(measured, name, answers.FIRST) for name in (server, OFF))
    if ours is None or theirs is None:
        return f"Answers, {server}: not compared."
    same, both = answers.same(ours, theirs)
    again = _compared(measured, OFF, answers.AGAIN)
    control = ""
    if again is not None:
        itself, of = answers.same(again, theirs)
        control = f"; off itself in another batch: {itself} of {of}"
    return f"Answers, {server}: {same} of {both} greedy answers are those of off{control}."


def _compared(measured: Measured, server: str, batch: str) -> answers.Outputs | None:
    outputs: answers.Outputs | None = measured.get(f"answers/{server}/{batch}")
    return outputs


def _memory(measured: Measured) -> str:
    prefix = f"memory/{FILLED}/"
    waves = {key.removeprefix(prefix): value for key, value in measured.items() if key.startswith(prefix)}
    if not waves:
        return f"Memory, {FILLED}: not measured."
    undrafted = [name for name, wave in waves.items() if wave["drafted_per_pass"] < 1]
    bad = [name for name, wave in waves.items() if wave["out_of_memory"] or wave["answered"] < wave["asked"]]
    most = max(wave["used_mib"] for wave in waves.values())
    total = max(wave["total_mib"] for wave in waves.values())
    drafted = max(wave["drafted_per_pass"] for wave in waves.values())
    held = f"at most {most / GIB:.1f} of {total / GIB:.1f} GiB, {drafted:.0f} drafted tokens a pass"
    held += f", NOTHING DRAFTED in {', '.join(undrafted)}" if undrafted else ""
    if not bad:
        return f"Memory, {FILLED}: held in {_count(waves, 'wave')} ({', '.join(waves)}); {held}."
    failed = [f"{name} ({waves[name]['answered']} of {waves[name]['asked']} answered)" for name in bad]
    ran_out = any(waves[name]["out_of_memory"] for name in bad)
    return f"Memory, {FILLED}: {'OUT OF MEMORY' if ran_out else 'answers failed'} in {', '.join(failed)}; {held}."


def _count(things: Iterable[Any], name: str) -> str:
    number = len(list(things))
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _sampler(measured: Measured) -> str:
    parts = []
    for kind in ("V1", "V2"):
        value = measured.get(f"sampler/sound/{kind}")
        parts.append(f"{kind} {_soundness(value)}")
    per_row = _per_row(measured)
    memory = ", ".join(f"{mib:.2f} MiB {name}" for name, mib in per_row.items())
    return f"Sampler behind drafts: {', '.join(parts)}. A row of logits: {memory or 'not measured'}."


def _soundness(value: Mapping[str, Any] | None) -> str:
    if value is None:
        return "not measured"
    if "failed" in value:
        return "does not run here"
    return "sound" if value["sound"] else "WRONG"


def _per_row(measured: Measured) -> dict[str, float]:
    """MiB for one more row, with most rows."""
    needed: dict[str, tuple[int, float]] = {}
    for key, value in measured.items():
        if key.startswith("sampler/") and "mib" in value:
            name = key.split("/")[1]
            needed[name] = max(needed.get(name, (0, 0.0)), (value["rows"], value["mib"]))
    return {name: mib / rows for name, (rows, mib) in needed.items()}
