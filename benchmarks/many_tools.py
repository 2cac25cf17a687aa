"""What many tools in one request cost: the compile in a process that is warm, and the masks along a call.

    python -m benchmarks.many_tools [--json] [--quick] [--rows N]

Sets of 1 to 512 tools, those of a coding agent and of BFCL (../shared/data beside the checkout, else skipped), each set
with other names of arguments, so that no schema comes twice. A set is compiled three times by the same process: with
all schemas new; with one of them new, as when an agent's tools change; and with none new. Times are CPU time of the
process (on Linux, else the time that passes), from the task to its answer, pickling included. The masks are those at
each token of a call, for up to 64 tools of a set, in microseconds.
"""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers
from llguidance import LLMatcher

from benchmarks.options import Options, say
from benchmarks.ratios import Ratio, paired, quartiles
from benchmarks.results import Bar, Report, run_command
from benchmarks.tool_sets import Function, renamed, tool_sets
from latticework.compiling import CompiledTurn, CompileRequest, CompileTask, LoadVocabulary
from latticework.compiling.child import Child
from latticework.compiling.compiler import compile_limits
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.vocabulary import Vocabulary
from latticework.settings import Settings
from turngrammar.completion.shortest_values import ShortestValues
from turngrammar.formats import HERMES
from turngrammar.matching import LIMITS
from turngrammar.plan import Plan
from turngrammar.render import Call, render
from turngrammar.turn import Tool, ToolChoice, Turn

SIZES = (1, 16, 64, 128, 250, 512)
SETS = 15
CALLS = 64
PATIENCE = 60.0
NEW = ("all new", "one new", "none new")
WARM = 10**6  # marks the arguments of the set with which a process is warmed


@dataclass(frozen=True)
class Compiled:
    """Of one set: seconds, and the plan."""

    seconds: Mapping[str, float]
    plan: Plan


class CompileServer:
    """A compile process, which has compiled a few tools before."""

    def __init__(self, vocabulary: Vocabulary, warm: Sequence[Function]) -> None:
        self._limits = compile_limits(Settings())
        self._child = Child(Settings().compile_memory)
        self._child.wait_until_ready()
        self._child.load("model", pickle.dumps(LoadVocabulary("model", vocabulary), 5))
        self.compile(warm)

    def compile(self, functions: Sequence[Function]) -> tuple[float, Plan]:
        """Seconds, and the plan."""
        task = CompileTask(CompileRequest(turn_of(functions), "model"), self._limits, PATIENCE)
        begun = self._seconds()
        outcome = self._child.compile(task).outcome
        took = self._seconds() - begun
        assert isinstance(outcome, CompiledTurn), outcome
        return took, outcome.plan

    def _seconds(self) -> float:
        """CPU time of the process, to the nanosecond; where the system does not tell, the time of day."""
        schedule = Path(f"/proc/{self._child.pid}/schedstat")
        return int(schedule.read_text().split()[0]) / 1e9 if schedule.exists() else time.perf_counter()

    def close(self) -> None:
        self._child.close()


def turn_of(functions: Sequence[Function]) -> Turn:
    tools = (Tool(one["name"], one["description"], one["parameters"]) for one in functions)
    return Turn(HERMES, tuple(tools), ToolChoice("required"))


def compiled(server: CompileServer, functions: Sequence[Function]) -> Compiled:
    *others, last = functions
    changed = [*others, renamed(last, WARM + 1)]
    seconds = {name: server.compile(tools)[0] for name, tools in zip(NEW[:2], (functions, changed), strict=True)}
    again, plan = server.compile([without_description(one) for one in functions])
    return Compiled({**seconds, NEW[2]: again}, plan)


def without_description(function: Function) -> Function:
    """The same tool for the compiler."""
    return {**function, "description": ""}


def masks(plan: Plan, vocabulary: Vocabulary) -> Iterator[float]:
    """Microseconds of each mask along the shortest calls."""
    assert plan.grammar is not None
    whole = LLMatcher(vocabulary.matchable, plan.grammar, log_level=0, limits=LIMITS)
    for tool in plan.tools[:: -(-len(plan.tools) // CALLS)]:
        matcher, shortest = whole.deep_copy(), ShortestValues(tool.parameters.lowered).of(tool.parameters.lowered)
        assert shortest is not None
        for token_id in vocabulary.with_markup(render(HERMES, [Call(tool.name, shortest.text)])):
            begun = time.perf_counter()
            matcher.compute_bitmask()
            yield (time.perf_counter() - begun) * 1e6
            assert matcher.consume_tokens([token_id])


@dataclass(frozen=True)
class Figures:
    """Of one size: milliseconds in quartiles, the ratio of one new schema to all, p50 and p99 of masks."""

    took: Mapping[str, tuple[float, float, float]]
    ratio: Ratio
    mask: tuple[float, float]


def measured(vocabulary: Vocabulary, size: int, sets: int) -> Figures:
    drawn = [[renamed(one, number + 1) for one in functions] for number, functions in enumerate(tool_sets(size, sets))]
    server = CompileServer(vocabulary, [renamed(one, WARM) for one in next(tool_sets(64, 1))])
    results = [compiled(server, functions) for functions in drawn]
    server.close()
    took = {name: [1000 * result.seconds[name] for result in results] for name in NEW}
    along = sorted(masks(results[0].plan, vocabulary))
    return Figures(
        {name: quartiles(times) for name, times in took.items()},
        paired(took["one new"], took["all new"]),
        (along[len(along) // 2], along[int(0.99 * len(along))]),
    )


def vocabulary_of(path: str) -> Vocabulary:
    size = transformers.AutoConfig.from_pretrained(path).vocab_size
    vocabulary: Vocabulary = HuggingFaceTokenizer(transformers.AutoTokenizer.from_pretrained(path), size).vocabulary
    return vocabulary


def report(options: Options) -> Report:
    vocabulary, sets = vocabulary_of(options.model.path), options.of(2, SETS)
    found: dict[int, Figures] = {}
    for size in SIZES[:3] if options.quick else SIZES:
        say(f"{size} tools, {sets} sets")
        found[size] = measured(vocabulary, size, sets)
    rows = [row(size, figures) for size, figures in found.items()]
    bars = [bar(size, figures) for size, figures in found.items()]
    head = ("tools", *(f"{name}: CPU ms (quartiles)" for name in NEW), "one / all", "mask µs: p50, p99")
    listed: dict[str, Any] = {str(size): {"ms": figures.took, "mask": figures.mask} for size, figures in found.items()}
    return Report("many_tools", "Compiling many tools in one request", head, rows, bars, "ms, all schemas new", listed)


def row(size: int, figures: Figures) -> tuple[str, ...]:
    times = [f"{median:.0f} ({low:.0f}–{high:.0f})" for low, median, high in figures.took.values()]
    p50, p99 = figures.mask
    return str(size), *times, str(figures.ratio), f"{p50:.0f}, {p99:.0f}"


def bar(size: int, figures: Figures) -> Bar:
    low, median, high = figures.took["all new"]
    return Bar(f"{size} tools", median, low, high, 100 if size == 128 else None)


def main() -> None:
    run_command(__doc__, report)


if __name__ == "__main__":
    main()
