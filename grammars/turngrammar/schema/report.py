"""How each keyword of a schema is enforced, by JSON pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from turngrammar.schema.dialect import pointer
from turngrammar.schema.load import Options, Source

Status = Literal["enforced", "rewritten", "checked", "annotation", "refused"]
ENFORCED = "the grammar generates nothing else"
# The reason of the keywords of a subschema that no value fits, by the keyword that holds it.
OMITTED = {
    "properties": "no value fits; the property is never generated",
    "anyOf": "no value fits; the branch is never generated",
    "oneOf": "no value fits; the branch is never generated",
}


@dataclass(frozen=True)
class KeywordReport:
    """How one keyword of a schema is enforced: `pointer` is that of the subschema with the keyword."""

    pointer: str
    keyword: str
    status: Status
    reason: str

    @property
    def asserts(self) -> bool:
        """Whether it has an effect on validity."""
        return self.status != "annotation"


@dataclass
class Ledger:
    """What the report has on single keywords, collected during compilation.

    Attributes:
        reasons, everywhere: why keywords are enforced only by the check of the finished document.
        notes: how keywords were read whose values ECMA-262 or the draft don't define.
    """

    source: Source
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    everywhere: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, schema: Any, keyword: str, text: str) -> None:
        """The keyword of this subschema was read in a way that its draft doesn't define."""
        key = (self.source.pointers.get(id(schema), ""), keyword)
        if text not in self.notes.get(key, ""):
            self.notes[key] = f"{self.notes[key]}; {text}" if key in self.notes else text

    def check(self, schema: Any, keyword: str, reason: str) -> None:
        """The keyword of this subschema is only checked."""
        self.reasons.setdefault((self.source.pointers.get(id(schema), ""), keyword), reason)

    def check_everywhere(self, keywords: tuple[str, ...], reason: str) -> None:
        """Some occurrence of one of the keywords is only checked; rewriting has lost which."""
        self.everywhere.setdefault(keywords, reason)

    def reason(self, at: str, keyword: str) -> str:
        """Why the keyword of the subschema at that pointer is only checked, or ""."""
        general = (reason for keywords, reason in self.everywhere.items() if keyword in keywords)
        return self.reasons.get((at, keyword)) or next(general, "")

    @property
    def clear(self) -> bool:
        return not self.reasons and not self.everywhere


def report_keywords(
    source: Source, ledger: Ledger, options: Options, impossible: Callable[[Any], bool]
) -> tuple[KeywordReport, ...]:
    """Every keyword of every subschema, in document order. `impossible`: whether no value fits a subschema."""
    reports: list[KeywordReport] = []
    stack: list[tuple[str, Any, str]] = [("", source.schema, "")]
    while stack:
        at, node, omitted = stack.pop()
        if isinstance(node, Mapping):
            rows = _subschema_reports(node, at, source, ledger, options)
            reports.extend(replace(row, reason=omitted) if omitted and row.asserts else row for row in rows)
            children = [
                (at + pointer(tokens), child, OMITTED.get(tokens[0], "") if impossible(child) else "")
                for tokens, child in source.keywords.subschemas(node)
            ]
            stack.extend(reversed(children))
    return tuple(reports)


def _subschema_reports(
    node: Mapping[str, Any], at: str, source: Source, ledger: Ledger, options: Options
) -> Iterator[KeywordReport]:
    for keyword in node:
        status, reason = _outcome(node, at, keyword, source, ledger, options)
        note = ledger.notes.get((at, keyword), "")
        yield KeywordReport(at, keyword, status, f"{note}; {reason}" if note else reason)


def _outcome(
    node: Mapping[str, Any], at: str, keyword: str, source: Source, ledger: Ledger, options: Options
) -> tuple[Status, str]:
    table = source.keywords
    if inert := _inert(node, keyword, source, options):
        return "annotation", inert
    if checked := ledger.reason(at, keyword) or ledger.reason(at, table.part_of.get(keyword, keyword)):
        return "checked", checked
    if keyword in table.rewritten:
        return "rewritten", table.rewritten[keyword]
    return "enforced", ENFORCED


def _inert(node: Mapping[str, Any], keyword: str, source: Source, options: Options) -> str:
    """Why the keyword asserts nothing in this subschema, or ""."""
    dialect = source.dialect
    if not source.keywords.asserts(keyword, dialect):
        return f"asserts nothing in {dialect.name}"
    if dialect.overriding in node and keyword != dialect.overriding:
        return f"asserts nothing beside {dialect.overriding} in {dialect.name}"
    if keyword in source.keywords.inert:
        return source.keywords.inert[keyword](node, source, options)
    return ""


def without(*others: str) -> Callable[[Mapping[str, Any], Source, Options], str]:
    """A keyword that asserts nothing unless one of the others is beside it."""

    def inert(schema: Mapping[str, Any], source: Source, options: Options) -> str:
        return "" if any(other in schema for other in others) else f"asserts nothing without {' or '.join(others)}"

    return inert
