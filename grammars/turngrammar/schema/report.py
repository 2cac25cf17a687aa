"""How each keyword of a schema is enforced, by JSON pointer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from turngrammar.schema.dialect import pointer
from turngrammar.schema.load import Options, Source
from turngrammar.schema.readings import Note, Notes

Status = Literal["enforced", "rewritten", "checked", "annotation", "refused"]
ENFORCED = "the grammar generates nothing else"


@dataclass(frozen=True)
class KeywordReport:
    """How one keyword of a schema is enforced: `pointer` is that of the subschema with the keyword."""

    pointer: str
    keyword: str
    status: Status
    reason: str


@dataclass
class Ledger:
    """What the report says of single keywords, collected during compilation.

    Attributes:
        reasons, everywhere: why keywords are enforced only by the check of the finished document.
        notes: how keywords were read; more than in the source, where a value has a syntax of its own.
    """

    source: Source
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    everywhere: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: Notes = field(init=False)

    def __post_init__(self) -> None:
        self.notes = dict(self.source.notes)

    def note(self, schema: Any, keyword: str, text: str) -> None:
        """The keyword of this subschema was read in a way that its draft doesn't define."""
        at = self.source.pointers.get(id(schema), "")
        self.notes[at, keyword] = Note(text, at, keyword)

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


def report_keywords(source: Source, ledger: Ledger, options: Options) -> tuple[KeywordReport, ...]:
    """Every keyword of every subschema that was sent, in document order."""
    reporter = _Reporter(source, ledger, options)
    reports: list[KeywordReport] = []
    stack: list[tuple[str, Any, Any]] = [("", source.sent, source.schema)]
    while stack:
        at, sent, node = stack.pop()
        if isinstance(sent, Mapping) and isinstance(node, Mapping):
            reports.extend(reporter.keyword(at, name, node) for name in sent)
            paths = [path for path, _ in source.keywords.subschemas(sent)]
            stack.extend((at + pointer(path), _child(sent, path), _child(node, path)) for path in reversed(paths))
    return tuple(reports)


def _child(node: Any, path: tuple[str, ...]) -> Any:
    for token in path:
        node = node[int(token)] if isinstance(node, list) else node.get(token)
    return node


@dataclass(frozen=True)
class _Reporter:
    source: Source
    ledger: Ledger
    options: Options

    def keyword(self, at: str, name: str, node: Mapping[str, Any]) -> KeywordReport:
        """A keyword that was sent; `node` is its subschema as it was read."""
        note = self.ledger.notes.get((at, name))
        if note is None:
            return KeywordReport(at, name, *self._outcome(at, name, node))
        if not note.keyword:
            return KeywordReport(at, name, "annotation", note.text)
        status, reason = self._outcome(note.pointer, note.keyword, node)
        return KeywordReport(at, name, status, f"{note.text}; {reason}")

    def _outcome(self, at: str, name: str, node: Mapping[str, Any]) -> tuple[Status, str]:
        table = self.source.keywords
        if inert := self._inert(node, name):
            return "annotation", inert
        if checked := self.ledger.reason(at, name) or self.ledger.reason(at, table.part_of.get(name, name)):
            return "checked", checked
        if name in table.rewritten:
            return "rewritten", table.rewritten[name]
        return "enforced", ENFORCED

    def _inert(self, node: Mapping[str, Any], name: str) -> str:
        """Why the keyword asserts nothing in this subschema, or ""."""
        table, dialect = self.source.keywords, self.source.dialect
        if not table.asserts(name, dialect):
            return f"asserts nothing in {dialect.name}"
        if dialect.overriding in node and name != dialect.overriding:
            return f"asserts nothing beside {dialect.overriding} in {dialect.name}"
        inert = table.inert.get(name)
        return inert(node, self.source, self.options) if inert is not None and name in node else ""


def without(*others: str) -> Callable[[Mapping[str, Any], Source, Options], str]:
    """A keyword that asserts nothing unless one of the others is beside it."""

    def inert(schema: Mapping[str, Any], source: Source, options: Options) -> str:
        return "" if any(other in schema for other in others) else f"asserts nothing without {' or '.join(others)}"

    return inert
