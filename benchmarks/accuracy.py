"""How the schema in the prompt, and drafts, affect the rate of correct calls.

    python -m benchmarks.accuracy [--json] [--quick] [--rows N]

24 rows of BFCL's dev file with a ground truth (../shared/data beside the checkout, else skipped), greedy, four at a
time: as tool calls with `tool_choice: "required"`, with drafts on and off; and as a document, a list of calls for
`response_format`, with drafts on and off and with each setting of --schema-in-prompt. A row is correct if its calls
match the ground truth exactly (matching.py). The embedded model is far too small for this: its rates mean little, but
that drafts don't change its answers means a lot.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from benchmarks import workload
from benchmarks.client import Answer, Failed, ask, connected
from benchmarks.contestants import CHAT
from benchmarks.matching import right
from benchmarks.options import Options, say
from benchmarks.results import Bar, Report, run_command
from benchmarks.servers import Server, latticework, running
from benchmarks.targets import Target
from benchmarks.workload import Task

AT_ONCE = 4
ROWS = 24
TOOLS, DOCUMENT = "tool calls", "document"
# Schema in the prompt, drafts, and forms. The former has no effect on tool calls.
SETTINGS = (
    ("always", "auto", (TOOLS, DOCUMENT)),
    ("always", "off", (TOOLS, DOCUMENT)),
    ("never", "auto", (DOCUMENT,)),
)


@dataclass(frozen=True)
class Run:
    """All answers with one combination of settings, by row; None for a request that was refused."""

    form: str
    schema_in_prompt: str
    drafts: str
    answers: Mapping[str, Answer | None]

    @property
    def label(self) -> str:
        schema = "" if self.form == TOOLS else f", schema in prompt {self.schema_in_prompt}"
        return f"{self.form}{schema}, drafts {self.drafts}"


def as_document(row: Mapping[str, Any]) -> Task:
    """The same task, to be answered with a list of calls."""
    functions = [tool["function"] for tool in row["tools"]]
    schema = {
        "type": "array",
        "items": {"anyOf": [_call_schema(function) for function in functions]},
        "minItems": 1,
        "maxItems": 16 if len(row["ground_truth"]) > 1 else 1,
    }
    body = {
        "messages": row["messages"],
        "response_format": {"type": "json_schema", "json_schema": {"name": "calls", "schema": schema}},
        "max_tokens": workload.CALL_TOKENS,
        "temperature": 0,
    }
    return Task(row["id"], row["category"], body)


def _call_schema(function: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": function.get("description", ""),
        "properties": {
            "name": {"const": function["name"]},
            "arguments": function.get("parameters") or {"type": "object"},
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def calls_in(form: str, answer: Answer) -> Sequence[tuple[str, str]]:
    """The calls of an answer; none if it was cut."""
    if form == TOOLS:
        return answer.calls
    try:
        return [(call["name"], json.dumps(call["arguments"])) for call in json.loads(answer.content)]
    except ValueError:
        return ()


def is_right(form: str, answer: Answer | None, row: Mapping[str, Any]) -> bool:
    return answer is not None and right(calls_in(form, answer), row["ground_truth"], row["name_map"])


async def answers(server: Server, target: Target, tasks: Sequence[Task]) -> dict[str, Answer | None]:
    slots = asyncio.Semaphore(AT_ONCE)
    async with connected() as http:
        results = await asyncio.gather(*(_answer(server, target, task, slots, http) for task in tasks))
    return {task.id: answer for task, answer in zip(tasks, results, strict=True)}


async def _answer(
    server: Server, target: Target, task: Task, slots: asyncio.Semaphore, http: httpx.AsyncClient
) -> Answer | None:
    async with slots:
        try:
            return await ask(http, server.url + CHAT, {"model": target.name, **task.body})
        except Failed as failed:
            say(f"{task.id} was refused: {failed}")
            return None


def measure(target: Target, rows: Sequence[Mapping[str, Any]]) -> list[Run]:
    """One server after the other."""
    tasks = {TOOLS: [workload.call_task(row) for row in rows], DOCUMENT: [as_document(row) for row in rows]}
    runs = []
    for schema, drafts, forms in SETTINGS:
        with running(target, latticework("--schema-in-prompt", schema, "--drafts", drafts)) as (server,):
            for form in forms:
                say(f"{form}: schema in prompt {schema}, drafts {drafts}, {len(rows)} rows")
                runs.append(Run(form, schema, drafts, asyncio.run(answers(server, target, tasks[form]))))
    return runs


def rate(run: Run, rows: Sequence[Mapping[str, Any]]) -> float:
    return sum(is_right(run.form, run.answers[row["id"]], row) for row in rows) / len(rows)


def unchanged(runs: Sequence[Run]) -> list[str]:
    """The number of answers that are the same with drafts, by form."""
    remarks = []
    for form in (TOOLS, DOCUMENT):
        on, off = (run for run in runs if run.form == form and run.schema_in_prompt == "always")
        same = sum(
            with_drafts is not None and without is not None and with_drafts.output == without.output
            for with_drafts, without in zip(on.answers.values(), off.answers.values(), strict=True)
        )
        remarks.append(f"{form}: {same} of {len(on.answers)} answers are the same with and without drafts")
    return remarks


def report(options: Options) -> Report:
    rows = [row for row in workload.bfcl_rows() if row["ground_truth"]]
    rows = workload.spread(rows, options.of(4, ROWS))
    runs = measure(options.model, rows)
    rates = {run.label: round(rate(run, rows), 4) for run in runs}
    cells = [
        (
            run.label,
            f"{rates[run.label]:.1%}",
            str(sum(is_right(run.form, run.answers[row["id"]], row) for row in rows)),
        )
        for run in runs
    ]
    bars = [Bar(label, value, value, value) for label, value in rates.items()]
    head = ("", "correct", f"of {len(rows)} rows")
    title = "BFCL dev: calls that match the ground truth"
    return Report("accuracy", title, head, cells, bars, "share of rows", rates, unchanged(runs))


def main() -> None:
    run_command(__doc__, report)


if __name__ == "__main__":
    main()
