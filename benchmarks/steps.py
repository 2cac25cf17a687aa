"""What a step costs above the model: processor time per request and step, of vLLM and of this server's drafts.

    python -m benchmarks.steps [--json] [--quick] [--rows N]

vLLM's own schedulers and grammars run in one process, without a model: prepared answers (invoices, tool calls, labels,
with Qwen3's vocabulary of 152k; ../shared/data beside the checkout, else skipped) are replayed, and drafts are accepted
as a worker accepts them. `stock` is vLLM's scheduler with its own guidance backend and the same grammars, `forced` and
`auto` are drafts. Counted are steps with 1 to 256 answers at once; per request and step, in microseconds: `schedule`,
with the search for drafts, `masks` and `update`, as time of all threads, and their sum as time of day. The repetitions
of the three alternate, and a ratio is one of a pair of neighbours. Forward passes per token are exact; those of `auto`
depend on how long steps take, for which an 8B model on an H100 is assumed: 1.2 ms, and the longer of 5.6 ms for the
weights and 32 µs a token. So do the modelled tokens per second, with all of this on one processor: stock's is hidden
behind the model's steps (asynchronous scheduling), that of drafts is not.
"""

from __future__ import annotations

import gc
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.v1.request import Request

from benchmarks.options import Options, say
from benchmarks.ratios import Ratio, paired, quartiles
from benchmarks.results import Bar, Report, run_command
from benchmarks.scripted_answers import KINDS, VOCABULARY, Scripted, scripted_answers, tokenizer_folder
from benchmarks.stepping import PARTS, Spent, Step, SteppedEngine, arguments, write_shape
from latticework.engines.drafts import GUESSES
from latticework.engines.vllm.compat.drafting import add_drafts
from latticework.engines.vllm.compat.requests import specification

STOCK = "stock"
CONTESTANTS = (STOCK, "forced", "auto")
SIZES = (1, 8, 64, 256)
REPETITIONS = 3
# Answers of a repetition: at least so many, and twice as many as run at once.
LEAST_ANSWERS = 15
# Steps count while at least this part of the answers that may run at once do.
FULL = 0.9
GOALS: Mapping[tuple[int, str], float] = {(256, "forced"): 1.3, (256, "auto"): 2.0}
MICRO = 1e6


def pace(tokens: int) -> float:
    """Seconds of a step of an 8B model on an H100, assumed."""
    return 1.2e-3 + max(5.6e-3, 32e-6 * tokens)


@dataclass
class Repetition:
    """One run of a contestant.

    Attributes:
        places: requests times steps, of the steps that count.
        tokens: that those steps returned.
        modelled: seconds that the same steps would take with a model.
        passes: forward passes and tokens of all answers, by kind.
    """

    spent: Spent = field(default_factory=Spent)
    places: int = 0
    tokens: int = 0
    modelled: float = 0.0
    passes: dict[str, tuple[int, int]] = field(default_factory=dict)

    def processor(self, part: str) -> float:
        """Microseconds per request and step."""
        return MICRO * self.spent.processor[part] / self.places

    @property
    def whole(self) -> float:
        return sum(map(self.processor, PARTS))

    @property
    def elapsed(self) -> float:
        return MICRO * sum(self.spent.elapsed.values()) / self.places

    @property
    def per_token(self) -> float:
        passes, tokens = map(sum, zip(*self.passes.values(), strict=True))
        return float(passes / tokens)


class Contestant:
    """An engine, which keeps what it has learned from one repetition to the next."""

    def __init__(self, name: str, folder: Path, at_once: int) -> None:
        self.name = name
        self._at_once = at_once
        self._numbers = count()
        args = arguments(folder, at_once)
        if name != STOCK and (reason := add_drafts(args)) is not None:
            raise RuntimeError(reason)
        self._engine = SteppedEngine(args.create_engine_config())
        self._engine.pace = pace

    def repetition(self, answers: Sequence[Scripted]) -> Repetition:
        """So many answers, of which as many run at once as may: another one begins where one has ended."""
        requests = [self._request(answer) for answer in answers]
        result, waiting, engine = Repetition(), deque(requests), self._engine
        gc.collect()
        while waiting or engine.busy:
            while waiting and engine.scheduler.get_num_unfinished_requests() < self._at_once:
                engine.add(waiting.popleft())
            self._step(result)
        for answer, request in zip(answers, requests, strict=True):
            replay = engine.worker.replays.pop(request.request_id)
            passes, tokens = result.passes.get(answer.kind, (0, 0))
            result.passes[answer.kind] = passes + replay.passes, tokens + len(replay.answer)
        return result

    def _step(self, result: Repetition) -> None:
        ran: list[Step] = []
        self._engine.seen, self._engine.spent = ran.append, Spent()
        self._engine.step()
        for step in ran:
            places = len(step.scheduled.num_scheduled_tokens)
            if places >= FULL * self._at_once and step.output is not None:
                result.places += places
                result.tokens += sum(map(len, step.output.sampled_token_ids))
                result.spent.add(self._engine.spent)
                result.modelled += self._modelled(step)

    def _modelled(self, step: Step) -> float:
        own, model = sum(self._engine.spent.processor.values()), pace(step.scheduled.total_num_scheduled_tokens)
        return max(own, model) if self.name == STOCK else own + model

    def _request(self, answer: Scripted) -> Request:
        grammar = answer.grammar if self.name == STOCK else specification((), answer.grammar)
        constraint = StructuredOutputsParams(grammar=grammar)
        constraint._backend = "guidance"
        params = SamplingParams(
            temperature=0,
            max_tokens=len(answer.answer),
            structured_outputs=constraint,
            extra_args={GUESSES: self.name == "auto"},
            output_kind=RequestOutputKind.DELTA,
        )
        return self._engine.request(str(next(self._numbers)), answer.prompt, answer.answer, params)


def model_folder() -> Path:
    """A folder with Qwen3's tokenizer, and the configuration of a model. Raises Missing."""
    return write_shape(tokenizer_folder(), VOCABULARY, 0)


def measured(folder: Path, at_once: int, repetitions: int) -> dict[str, list[Repetition]]:
    """By contestant. Each learns in a first repetition, which does not count."""
    answers = scripted_answers(folder, max(LEAST_ANSWERS, 2 * at_once))
    contestants = [Contestant(name, folder, at_once) for name in CONTESTANTS]
    results: dict[str, list[Repetition]] = {name: [] for name in CONTESTANTS}
    for number in range(repetitions + 1):
        say(f"{at_once} at once, repetition {number} of {repetitions}")
        for contestant in contestants:
            result = contestant.repetition(answers)
            if number:
                results[contestant.name].append(result)
    return results


def report(options: Options) -> Report:
    folder = model_folder()
    sizes = SIZES[1:2] if options.quick else SIZES
    found = {size: measured(folder, size, options.of(1, REPETITIONS)) for size in sizes}
    lines = [
        Line(size, name, results, paired(*(sums(by_name[of]) for of in (name, STOCK))))
        for size, by_name in found.items()
        for name, results in by_name.items()
    ]
    head = (
        "at once",
        "",
        *PARTS,
        "sum, CPU µs (quartiles)",
        "over stock's (quartiles, extremes)",
        "goal",
        "time of day, µs",
        "passes per token",
        "modelled tokens/s",
    )
    bars = [line.bar for line in lines if line.name != STOCK]
    title = "Scheduling, masks and update, per request and step"
    figures = {f"{line.name} at {line.size}": line.figures for line in lines}
    return Report("steps", title, head, [line.cells for line in lines], bars, "CPU time over stock vLLM's", figures)


def sums(results: Sequence[Repetition]) -> list[float]:
    return [result.whole for result in results]


@dataclass(frozen=True)
class Line:
    """A contestant at one size."""

    size: int
    name: str
    results: Sequence[Repetition]
    ratio: Ratio

    @property
    def cells(self) -> tuple[str, ...]:
        low, median, high = quartiles(sums(self.results))
        goal = GOALS.get((self.size, self.name))
        return (
            str(self.size),
            self.name,
            *(f"{self._mid(result.processor(part) for result in self.results):.0f}" for part in PARTS),
            f"{median:.0f} ({low:.0f}–{high:.0f})",
            "" if self.name == STOCK else str(self.ratio),
            "" if goal is None else f"≤ {goal:g}",
            f"{self._mid(result.elapsed for result in self.results):.0f}",
            f"{self._mid(result.per_token for result in self.results):.3f}",
            f"{self._tokens_per_second:,.0f}",
        )

    @property
    def bar(self) -> Bar:
        ratio = self.ratio
        return Bar(f"{self.name}, {self.size}", ratio.value, ratio.low, ratio.high, GOALS.get((self.size, self.name)))

    @property
    def figures(self) -> Mapping[str, Any]:
        last = self.results[-1].passes
        return {
            "microseconds": {part: self._mid(result.processor(part) for result in self.results) for part in PARTS},
            "ratio": self.ratio.value,
            "passes_per_token": {kind: last[kind][0] / last[kind][1] for kind in KINDS},
            "modelled_tokens_per_second": self._tokens_per_second,
        }

    @property
    def _tokens_per_second(self) -> float:
        return sum(result.tokens for result in self.results) / sum(result.modelled for result in self.results)

    @staticmethod
    def _mid(values: Any) -> float:
        return quartiles(list(values))[1]


def main() -> None:
    run_command(__doc__, report)


if __name__ == "__main__":
    main()
