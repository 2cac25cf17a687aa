"""Whether values are right: 60 extraction texts, field by field, and calls of BFCL, with the layer's settings.

    python -m benchmarks.accuracy [--json] [--quick] [--rows N] [--model PATH]

The texts are those of benchmarks/corpus, each with its schema as `response_format`; the calls are 16 rows of BFCL's dev
file with a ground truth and 8 without (../shared/data beside the checkout, else skipped). `--rows` limits both. Greedy.
Texts: the share of fields that are exactly right, and F1 by words (fields.py). Calls, with `tool_choice: "required"`:
whether all names are right, and whether all arguments are (matching.py); without a ground truth, with `auto`: whether
no call is made. AUROC: how well a low `confidence` tells wrong fields from right ones; 0.5 is chance.

Each variant is compared with another on the same tasks, and a difference is reported only if its 95% interval (paired
bootstrap over tasks) excludes 0. A variant that the server refuses, or ignores, is left out by name.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import httpx

from benchmarks import fields, intervals, workload
from benchmarks.client import connected
from benchmarks.contestants import CHAT
from benchmarks.intervals import Interval, bootstrap, mean
from benchmarks.matching import right
from benchmarks.options import Options, say
from benchmarks.results import Bar, Report, run_command
from benchmarks.servers import Server, latticework, running
from benchmarks.targets import Target
from benchmarks.workload import Missing, Task

AT_ONCE = 24
TEXTS, ROWS = 60, 16
# All prompts stay in the prefix cache, so that only the first variant computes them.
CACHE_GIB = 4
EXACT, F1, NAME, ARGUMENTS, SILENT = "fields", "F1", "names", "arguments", "silent"
MEASURES = (EXACT, F1, NAME, ARGUMENTS, SILENT)
IGNORED = "x-latticework-ignored"

# What a task asks for: a document, a call, or none.
DOCUMENT, CALL, NONE = "document", "call", "none"


@dataclass(frozen=True)
class Variant:
    """One way to ask.

    Attributes:
        fields: of the request; a value of None is left out of it.
        flags: of the server.
        asks: the tasks that it changes.
        than: the variant that it is compared with.
        compact: whether documents are held by a client's grammar, with compact or with usual separators; None: by
            `response_format`.
    """

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    asks: tuple[str, ...] = (DOCUMENT, CALL, NONE)
    than: str = "as it is"
    compact: bool | None = None


NO_SCHEMA = ("--schema-in-prompt", "never")
VARIANTS = (
    Variant("as it is"),
    Variant("confidence", {"confidence": True}),
    Variant("draft_tokens 64", {"draft_tokens": 64}),
    Variant("retries: feedback", {"retries": "feedback"}),
    Variant("retries: resample", {"retries": "resample"}),
    Variant("grounding", {"grounding": True}, asks=(DOCUMENT,)),
    # Not as the model's chat template writes calls.
    Variant("calls as Python", {"tool_format": "pythonic"}, asks=(CALL, NONE)),
    Variant("schema not in prompt", flags=NO_SCHEMA, asks=(DOCUMENT,)),
    # Not as models are trained to write JSON. A client's grammar never comes with a schema in the prompt.
    Variant("JSON by grammar", flags=NO_SCHEMA, asks=(DOCUMENT,), than="schema not in prompt", compact=False),
    Variant("JSON, compact", flags=NO_SCHEMA, asks=(DOCUMENT,), than="JSON by grammar", compact=True),
    Variant("drafts off", flags=("--drafts", "off")),
)


@dataclass(frozen=True)
class Answered:
    """What a server made of a task: the choice of its response, None where it refused. `ignored`: fields it ignored."""

    choice: Mapping[str, Any] | None
    ignored: str = ""
    error: str = ""

    @property
    def content(self) -> str:
        return (self.choice and self.choice["message"]["content"]) or ""

    @property
    def calls(self) -> Sequence[tuple[str, str]]:
        listed = (self.choice and self.choice["message"].get("tool_calls")) or ()
        return [(call["function"]["name"], call["function"]["arguments"]) for call in listed]


@dataclass(frozen=True)
class Asked:
    """A task, what it asks for, and the row of BFCL that it comes from."""

    task: Task
    wants: str
    row: Mapping[str, Any] = field(default_factory=dict)


# The answers of a variant by the ids of tasks.
Answers = Mapping[str, Answered]


def tasks(texts: int, rows: int) -> list[Asked]:
    documents = [Asked(task, DOCUMENT) for task in workload.extraction(texts)]
    try:
        everything = workload.bfcl_rows()
    except Missing as missing:
        say(str(missing))
        return documents
    calls = workload.spread([row for row in everything if row["ground_truth"]], rows)
    none = workload.spread([row for row in everything if row["expect"] == "no_call"], (rows + 1) // 2)
    return [
        *documents,
        *(Asked(workload.call_task(row), CALL, row) for row in calls),
        *(Asked(workload.call_task(row).sampled(tool_choice="auto"), NONE, row) for row in none),
    ]


def body_of(asked: Asked, variant: Variant) -> dict[str, Any]:
    body = {**asked.task.body, **variant.fields}
    if variant.compact is not None:
        schema = body.pop("response_format")["json_schema"]["schema"]
        body["structured_outputs"] = {"grammar": json_grammar(schema, compact=variant.compact)}
    return {name: value for name, value in body.items() if value is not None}


def json_grammar(schema: Mapping[str, Any], *, compact: bool) -> str:
    """Lark for the JSON of a schema, without other whitespace than that of the separators."""
    item, key = (",", ":") if compact else (", ", ": ")
    style = {"whitespace_flexible": False, "item_separator": item, "key_separator": key}
    return f"start: %json {json.dumps({**schema, 'x-guidance': style})}"


async def ask_all(server: Server, target: Target, variant: Variant, listed: Sequence[Asked]) -> Answers | str:
    """The answers, or why the server does not know the variant."""
    wanted = [asked for asked in listed if asked.wants in variant.asks]
    slots = asyncio.Semaphore(AT_ONCE)
    async with connected() as http:

        async def answered(asked: Asked) -> Answered:
            async with slots:
                return await _answered(http, server, {"model": target.name, **body_of(asked, variant)})

        for wants in variant.asks:
            first = next((asked for asked in wanted if asked.wants == wants), None)
            if first is not None and (unknown := _unknown(await answered(first), variant)):
                return unknown
        answers = await asyncio.gather(*map(answered, wanted))
    return {asked.task.id: answer for asked, answer in zip(wanted, answers, strict=True)}


async def _answered(http: httpx.AsyncClient, server: Server, body: Mapping[str, Any]) -> Answered:
    response = await http.post(server.url + CHAT, json=body)
    if response.status_code != 200:
        return Answered(None, error=response.text[:300])
    return Answered(response.json()["choices"][0], response.headers.get(IGNORED, ""))


def _unknown(first: Answered, variant: Variant) -> str:
    ignored = [name for name in variant.fields if name in first.ignored.split(", ")]
    return f"{', '.join(ignored)} ignored" if ignored else first.error


def measure(target: Target, listed: Sequence[Asked]) -> tuple[dict[str, Answers], dict[str, str]]:
    """The answers of each variant, and why others are left out. One server after the other."""
    known, unknown = {}, {}
    for flags in dict.fromkeys(variant.flags for variant in VARIANTS):
        with running(target, latticework(*flags)) as (server,):
            for variant in (one for one in VARIANTS if one.flags == flags):
                say(variant.name)
                answers = asyncio.run(ask_all(server, target, variant, listed))
                if isinstance(answers, str):
                    unknown[variant.name] = answers
                else:
                    known[variant.name] = answers
    return known, unknown


def measured(asked: Asked, answer: Answered) -> Mapping[str, float]:
    """The measures of one answer, each between 0 and 1."""
    if asked.wants == DOCUMENT:
        score = fields.score(_given(asked, answer), fields.truth(asked.task.id))
        return {EXACT: score.exact, F1: score.f1}
    if asked.wants == NONE:
        return {SILENT: float(answer.choice is not None and not answer.calls)}
    truth, names = asked.row["ground_truth"], asked.row["name_map"]
    expected = Counter(names.get(name, name) for call in truth for name in call)
    return {
        NAME: float(Counter(name for name, _ in answer.calls) == expected),
        ARGUMENTS: float(right(answer.calls, truth, names)),
    }


def _given(asked: Asked, answer: Answered) -> fields.Fields:
    """None of a document that was cut."""
    try:
        return fields.fields(json.loads(answer.content), asked.task.kind)
    except ValueError:
        return {}


def scores(answers: Answers, listed: Sequence[Asked]) -> dict[str, dict[str, float]]:
    """By measure, and then by task."""
    by_measure: dict[str, dict[str, float]] = {}
    for asked in listed:
        if asked.task.id in answers:
            for name, value in measured(asked, answers[asked.task.id]).items():
                by_measure.setdefault(name, {})[asked.task.id] = value
    return by_measure


def differences(known: Mapping[str, Answers], listed: Sequence[Asked]) -> Iterator[tuple[Variant, str, Interval]]:
    """Of each variant to the one that it is compared with, on the tasks that both have."""
    scored = {name: scores(answers, listed) for name, answers in known.items()}
    for variant in VARIANTS[1:]:
        if variant.name in scored and variant.than in scored:
            ours, theirs = scored[variant.name], scored[variant.than]
            for name in (one for one in MEASURES if one in ours and one in theirs):
                pairs = [(theirs[name][task], value) for task, value in ours[name].items() if task in theirs[name]]
                yield variant, name, bootstrap(pairs, intervals.difference)


def judged(answers: Answers, listed: Sequence[Asked]) -> list[list[tuple[float, bool]]]:
    """By text: the p of each field, and whether the field is right."""
    texts = []
    for asked in (one for one in listed if one.wants == DOCUMENT and one.task.id in answers):
        answer = answers[asked.task.id]
        given, true = _given(asked, answer), fields.truth(asked.task.id)
        found = ((answer.choice or {}).get("confidence") or {}).get("content") or {}
        texts.append([(found[at]["p"], fields.is_right(at, given, true)) for at in given if at in found])
    return texts


def _auroc(texts: Sequence[Sequence[tuple[float, bool]]]) -> float:
    return intervals.auroc([pair for text in texts for pair in text])


def remarks(known: Mapping[str, Answers], unknown: Mapping[str, str], listed: Sequence[Asked]) -> Iterator[str]:
    compared = list(differences(known, listed))
    told = [(variant, name, by) for variant, name, by in compared if by.excludes_zero]
    for variant, name, by in told:
        yield f"{variant.name}, {name}: {by.value:+.1%} ({by.low:+.1%} to {by.high:+.1%}) against '{variant.than}'"
    yield (
        f"{len(told)} of {len(compared)} differences are larger than their 95% intervals, and no other is reported; "
        f"of as many without any effect, {len(compared) * (1 - intervals.LEVEL):.0f} would be"
    )
    if texts := judged(known.get("confidence", {}), listed):
        by = bootstrap(texts, _auroc)
        over = f"{sum(map(len, texts))} fields of {len(texts)} texts"
        yield f"confidence: AUROC {by.value:.2f} ({by.low:.2f} to {by.high:.2f}) over {over}"
    if "drafts off" in known and "as it is" in known:
        pairs = [(known["as it is"][task], answer) for task, answer in known["drafts off"].items()]
        same = sum((one.content, one.calls) == (other.content, other.calls) for one, other in pairs)
        yield f"{same} of {len(pairs)} answers are the same with and without drafts"
    for name, why in unknown.items():
        yield f"left out: {name}: {why}"


def report(options: Options) -> Report:
    listed = tasks(options.of(4, TEXTS), options.of(4, ROWS))
    known, unknown = measure(replace(options.model, cache_gib=CACHE_GIB), listed)
    figures = {
        name: {key: mean([*by.values()]) for key, by in scores(given, listed).items()} for name, given in known.items()
    }
    cells = [(name, *(f"{by[key]:.1%}" if key in by else "" for key in MEASURES)) for name, by in figures.items()]
    whole = scores(known[VARIANTS[0].name], listed)
    bars = [_bar(key, whole[key]) for key in MEASURES if key in whole]
    counts = Counter(asked.wants for asked in listed)
    title = f"Right values: {counts[DOCUMENT]} texts, {counts[CALL]} calls, {counts[NONE]} without a call"
    notes = [f"model: {options.model.name}", *remarks(known, unknown, listed)]
    return Report("accuracy", title, ("", *MEASURES), cells, bars, "share, with 95% intervals", figures, notes)


def _bar(name: str, by: Mapping[str, float]) -> Bar:
    found = bootstrap([*by.values()], mean)
    return Bar(name, found.value, found.low, found.high)


def main() -> None:
    run_command(__doc__, report, any_model=True)


if __name__ == "__main__":
    main()
