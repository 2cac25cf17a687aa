"""How each keyword of JSON Schema is enforced: the tables of docs/guarantees.md, by compiling the samples."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

from tests.docs.made import code, table
from tests.docs.samples import OLDER, OTHERS, Schema
from turngrammar.errors import GrammarError
from turngrammar.schema import Options, compile_schema
from turngrammar.schema.dialect import DIALECTS, LATEST
from turngrammar.schema.keyword_table import Keyword
from turngrammar.schema.keywords import KEYWORDS
from turngrammar.string_formats import FORMATS

HEAD = ("keyword", "drafts", "how it is enforced", "exceptions")


def samples(name: str, keyword: Keyword) -> Iterator[tuple[str, Schema]]:
    """A schema with the keyword for each of its drafts; those that drafts don't define are read as the latest."""
    for dialect in keyword.drafts or (LATEST,):
        yield dialect, OLDER.get(name, {}).get(dialect, keyword.example)


def status(name: str, schema: Schema, dialect: str) -> tuple[str, str]:
    """That of the keyword at the root of the schema, with the reason; refused if the schema is."""
    try:
        plan = compile_schema(schema, Options(dialect=dialect))
    except GrammarError as error:
        return "refused", error.problem
    report = next(report for report in plan.report if (report.pointer, report.keyword) == ("", name))
    return report.status, report.reason


def usual(name: str, keyword: Keyword) -> str:
    """The keyword's status in its example, in all its drafts. Raises ValueError if they differ."""
    outcomes = {status(name, schema, dialect) for dialect, schema in samples(name, keyword)}
    if len({outcome for outcome, _ in outcomes}) != 1:
        raise ValueError(f"{name}: {outcomes}")
    outcome, reason = min(outcomes)
    why = f", {reason}" if outcome == "rewritten" else ""
    return f"{outcome}: {code(json.dumps(keyword.example))}{why}" if name in OTHERS else outcome + why


def others(name: str) -> Iterator[str]:
    """The samples of the keyword with another status."""
    for sample in OTHERS.get(name, ()):
        outcome, reason = status(name, sample.schema, sample.dialect)
        yield f"{outcome}: {sample.label or code(json.dumps(sample.schema))}, {reason}"


def part() -> str:
    """A table for each group of keywords."""
    return "\n\n".join(section(title, group) for title, group in KEYWORDS.groups.items())


def section(title: str, group: Mapping[str, Keyword]) -> str:
    rows = [(code(name), drafts(row), usual(name, row), "<br>".join(others(name))) for name, row in group.items()]
    return f"### {title}\n\n{table(HEAD, rows)}"


def drafts(keyword: Keyword) -> str:
    """`4 to 7`, `since 6`, `all`."""
    names, every = keyword.drafts, list(DIALECTS)
    if not names:
        return "none"
    if len(names) == len(every):
        return "all"
    first, last = names[0].removeprefix("draft"), names[-1].removeprefix("draft")
    if len(names) == 1:
        return first
    return f"since {first}" if names[-1] == every[-1] else f"{first} to {last}"


def format_part() -> str:
    """The formats that are asserted."""
    return ", ".join(map(code, FORMATS))
