"""How many answers end valid within the attempts, where a grammar alone can't make them so: blind and with feedback.

    python -m benchmarks.retries [--json] [--quick] [--rows N] [--model DIR] [--seeds N]

60 schemas with checked keywords (7 in public use, from ../shared/data beside the checkout, else skipped) and 12 tasks
with validators in Python, each with several seeds at temperature 0.7, in this process, with the engine that
`latticework serve` starts. After an answer that is refused there are at most two more attempts: from the same prompt
(blind), or with the answer and its violations in the conversation (feedback). The first attempts have the same seeds.
Intervals: 95%, by resampling the tasks.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from starlette.applications import Starlette

from benchmarks.checked_schemas import CheckedTask, checked_tasks, validated_tasks
from benchmarks.options import Options, parser_for, say
from benchmarks.results import Bar, Report, publish
from benchmarks.targets import Target
from benchmarks.workload import Missing, spread
from latticework import create_app, lifespan
from latticework.commands.engines import make_engine
from latticework.config import Config
from latticework.http.endpoint import CHECK_KEY
from latticework.inprocess import asked
from latticework.inprocess.checks import OutputCheck
from latticework.inprocess.values import CHAT
from latticework.settings import Settings

Mode = Literal["resample", "feedback"]
MODES: Mapping[Mode, str] = {"resample": "blind", "feedback": "feedback"}
AT_ONCE = 24
ATTEMPTS = 3
SEEDS = 4
TOKENS = 256
TEMPERATURE = 0.7
GOAL = 1.2
RESAMPLES = 2000


@dataclass(frozen=True)
class Outcome:
    """One request. `attempts`: the one that was valid, from 1; None if none was."""

    task: CheckedTask
    mode: Mode
    seed: int
    attempts: int | None


async def outcome(app: Starlette, model: str, task: CheckedTask, mode: Mode, seed: int) -> Outcome:
    """Sends one request to the app. An answer that is cut is not valid."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": task.prompt}],
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": task.schema}},
        "retries": mode,
        "seed": 1000 * seed,
        "temperature": TEMPERATURE,
        "max_tokens": TOKENS,
    }
    extensions = {} if task.refuse is None else {CHECK_KEY: OutputCheck(_reader(task.refuse))}
    async with asked(app, "POST", CHAT, json.dumps(body).encode(), extensions=extensions) as response:
        answer = json.loads(await response.read())
    if response.status not in (200, 503):
        say(f"{task.id}: {answer['error']['message']}")
    valid = response.status == 200 and answer["choices"][0]["finish_reason"] == "stop"
    return Outcome(task, mode, seed, answer["usage"].get("attempts", 1) if valid else None)


def _reader(refuse: Callable[[Any], None]) -> Callable[[str], None]:
    return lambda text: refuse(json.loads(text))


async def measure(target: Target, tasks: Sequence[CheckedTask], seeds: int) -> list[Outcome]:
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(target.cache_gib))
    settings = Settings(attempts=ATTEMPTS)
    arguments = ["--model", target.path, "--served-model-name", target.name, *target.arguments]
    app = create_app(make_engine(arguments, settings, Config()), settings=settings)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(task: CheckedTask, mode: Mode, seed: int) -> Outcome:
        async with slots:
            return await outcome(app, target.name, task, mode, seed)

    async with lifespan(app)(app):
        wanted = [(task, mode, seed) for seed in range(seeds) for task in tasks for mode in MODES]
        say(f"{len(wanted)} requests")
        return list(await asyncio.gather(*(one(*request) for request in wanted)))


def share(outcomes: Sequence[Outcome], mode: Mode, within: int = ATTEMPTS) -> float:
    """The part of the requests that were valid within so many attempts."""
    of_mode = [outcome for outcome in outcomes if outcome.mode == mode]
    return sum(outcome.attempts is not None and outcome.attempts <= within for outcome in of_mode) / len(of_mode)


def resampled(outcomes: Sequence[Outcome], figure: Callable[[Sequence[Outcome]], float]) -> tuple[float, float]:
    """The 95% interval of a figure over the tasks."""
    by_task: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        by_task.setdefault(outcome.task.id, []).append(outcome)
    groups, draw = list(by_task.values()), random.Random(0)
    drawn = (draw.choices(groups, k=len(groups)) for _ in range(RESAMPLES))
    figures = sorted(figure([outcome for group in sample for outcome in group]) for sample in drawn)
    return figures[int(0.025 * RESAMPLES)], figures[int(0.975 * RESAMPLES)]


def ratio(outcomes: Sequence[Outcome]) -> float:
    return share(outcomes, "feedback") / max(share(outcomes, "resample"), 1e-9)


def repaired(outcomes: Sequence[Outcome], mode: Mode) -> float:
    """Of the requests whose first answer was refused, the part that a later attempt made valid."""
    of_mode = [outcome for outcome in outcomes if outcome.mode == mode]
    refused = [outcome for outcome in of_mode if outcome.attempts != 1]
    return sum(outcome.attempts is not None for outcome in refused) / max(len(refused), 1)


def row(label: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    low, high = resampled(outcomes, ratio)
    return (
        label,
        str(len(outcomes) // len(MODES)),
        f"{share(outcomes, 'resample', 1):.1%}",
        *(_with_interval(outcomes, mode) for mode in MODES),
        *(f"{repaired(outcomes, mode):.1%}" for mode in MODES),
        f"{ratio(outcomes):.2f} ({low:.2f}–{high:.2f})",
    )


def _with_interval(outcomes: Sequence[Outcome], mode: Mode) -> str:
    low, high = resampled(outcomes, lambda sample: share(sample, mode))
    return f"{share(outcomes, mode):.1%} ({low:.1%}–{high:.1%})"


def report(options: Options, given: Namespace) -> Report:
    tasks = spread(checked_tasks(), options.of(12, 60)) + spread(validated_tasks(), options.of(3, 12))
    target = options.model if given.model is None else Target(str(given.model), given.model.name, ())
    outcomes = asyncio.run(measure(target, tasks, 1 if options.quick else given.seeds))
    checked = [outcome for outcome in outcomes if outcome.task.refuse is None]
    groups: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault(outcome.task.kind, []).append(outcome)
    rows = [row("all checked schemas", checked), *(row(kind, of_kind) for kind, of_kind in groups.items())]
    bars = [
        Bar(f"{label}, {MODES[mode]}", share(part, mode), *resampled(part, lambda sample, m=mode: share(sample, m)))  # type: ignore[misc]
        for label, part in (("checked schemas", checked), ("validators", groups["validators"]))
        for mode in MODES
    ]
    figures = {
        f"{label}: {MODES[mode]}": round(share(part, mode), 4) for label, part in groups.items() for mode in MODES
    }
    figures["ratio"] = round(ratio(checked), 4)
    names = [f"{figure}, {name}" for figure in ("valid", "repaired") for name in MODES.values()]
    head = ("", "requests", "valid at once", *names, "feedback / blind")
    remarks = [f"{target.name}, temperature {TEMPERATURE}, at most {ATTEMPTS} attempts; goal: {GOAL} x blind"]
    title = "Valid answers within three attempts"
    return Report("retries", title, head, rows, bars, "share of requests", figures, remarks)


def main() -> None:
    parser = parser_for(__doc__)
    parser.add_argument("--model", type=Path, metavar="DIR", help="a model's folder, instead of the embedded model")
    parser.add_argument("--seeds", type=int, default=SEEDS, metavar="N", help="requests of each task")
    given = parser.parse_args()
    options = Options(given.json, given.quick, given.rows)
    try:
        publish(report(options, given), options)
    except Missing as missing:
        say(str(missing))


if __name__ == "__main__":
    main()
