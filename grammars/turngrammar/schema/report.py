"""How each keyword of a schema is enforced, by JSON pointer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec

from turngrammar.schema.load import Options, Source
from turngrammar.schema.places import Place, value_at
from turngrammar.schema.sites import Note, Notes
from turngrammar.terminals.strings import SOURCE

Status = Literal["enforced", "rewritten", "checked", "annotation", "refused"]
ENFORCED = "the grammar generates nothing else"
WITH_TEXT = "the grammar of a request with the user's text generates nothing else"
GROUNDED = "required by the request, not the schema"
CLOSED = "closed by default: no other names are generated"
# The reason of the keywords of a subschema that no value fits, by the keyword that holds it.
OMITTED = {
    "properties": "no value fits; the property is never generated",
    "anyOf": "no value fits; the branch is never generated",
    "oneOf": "no value fits; the branch is never generated",
}


class KeywordReport(msgspec.Struct, frozen=True, gc=False):
    """How one keyword of a schema is enforced: `pointer` is that of the subschema with the keyword.

    A large schema has thousands, none of them is part of a cycle, and the collector is spared the search.
    """

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
        grounded: the pointers of the subschemas whose strings are spans because of `Options.grounding`.
    """

    source: Source
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    everywhere: dict[tuple[str, ...], str] = field(default_factory=dict)
    notes: Notes = field(init=False)
    grounded: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.notes = dict(self.source.notes)

    def note(self, schema: Any, keyword: str, text: str) -> None:
        """The keyword of this subschema was read in a way that its draft doesn't define."""
        at = self.source.pointers.get(id(schema), "")
        before = self.notes.get((at, keyword))
        if before is None:
            self.notes[at, keyword] = Note(text, at, keyword)
        elif text not in before.text:
            self.notes[at, keyword] = replace(before, text=f"{before.text}; {text}")

    def check(self, schema: Any, keyword: str, reason: str) -> None:
        """The keyword of this subschema is only checked."""
        self.reasons.setdefault((self.source.pointers.get(id(schema), ""), keyword), reason)

    def check_everywhere(self, keywords: tuple[str, ...], reason: str) -> None:
        """Some occurrence of one of the keywords is only checked; rewriting has lost which."""
        self.everywhere.setdefault(keywords, reason)

    def ground(self, schema: Any) -> None:
        """The strings of this subschema are spans, which it does not say."""
        self.grounded.add(self.source.pointers.get(id(schema), ""))

    def reason(self, at: str, keyword: str) -> str:
        """Why the keyword of the subschema at that pointer is only checked, or ""."""
        if self.clear:
            return ""
        general = (reason for keywords, reason in self.everywhere.items() if keyword in keywords)
        return self.reasons.get((at, keyword)) or next(general, "")

    @property
    def clear(self) -> bool:
        return not self.reasons and not self.everywhere


def report_keywords(
    source: Source,
    ledger: Ledger,
    options: Options,
    impossible: Callable[[Any], bool],
    closed: Callable[[Place], bool],
) -> tuple[KeywordReport, ...]:
    """Every keyword that was sent, in document order. `impossible`: whether no value fits a subschema; `closed`:
    whether its objects are closed by default."""
    reporter = _Reporter(source, ledger, options, impossible, closed)
    return tuple(row for place, sent in _in_document_order(source) for row in reporter.rows(place, sent))


def _in_document_order(source: Source) -> Iterator[tuple[Place, Any]]:
    """The places, each with the subschema that was sent there. Those that only references lead to come last."""
    below: dict[int, list[Place]] = {}
    for place in source.places:
        below.setdefault(id(place.above) if place.depth else 0, []).append(place)
    stack = [(place, value_at(source.sent, place.path)) for place in reversed(below[0])]
    while stack:
        place, sent = stack.pop()
        yield place, sent
        stack.extend((child, value_at(sent, child.path)) for child in reversed(below.get(id(place), ())))


@dataclass(frozen=True)
class _Reporter:
    source: Source
    ledger: Ledger
    options: Options
    impossible: Callable[[Any], bool]
    closed: Callable[[Place], bool]

    def rows(self, place: Place, sent: Any) -> Iterator[KeywordReport]:
        """Those of the keywords that were sent at that place."""
        if not isinstance(sent, Mapping):
            return
        omitted = OMITTED.get(place.path[0], "") if place.depth and self.impossible(place.schema) else ""
        for name in sent:
            row = self._row(place, name)
            yield msgspec.structs.replace(row, reason=omitted) if omitted and row.asserts else row
        at = self.source.pointers[id(place.schema)]
        if at in self.ledger.grounded:
            status, reason = self._outcome(at, SOURCE, place)
            yield KeywordReport(at, SOURCE, status, f"{reason}; {GROUNDED}")

    def _row(self, place: Place, name: str) -> KeywordReport:
        at = self.source.pointers[id(place.schema)]
        note = self.ledger.notes.get((at, name))
        if note is None:
            return KeywordReport(at, name, *self._outcome(at, name, place))
        if not note.keyword:
            return KeywordReport(at, name, "annotation", note.text)
        status, reason = self._outcome(note.pointer, note.keyword, place)
        return KeywordReport(at, name, status, f"{note.text}; {reason}")

    def _outcome(self, at: str, name: str, place: Place) -> tuple[Status, str]:
        table = self.source.keywords
        if inert := self._inert(place, name):
            return "annotation", inert
        if checked := self.ledger.reason(at, name) or self.ledger.reason(at, table.part_of.get(name, name)):
            return "checked", checked
        if name in table.rewritten:
            return "rewritten", table.rewritten[name]
        if name == SOURCE and self.options.texts is None:
            return "enforced", WITH_TEXT
        closes = name == "properties" and not self.options.open_objects and self.closed(place)
        return "enforced", f"{ENFORCED}; {CLOSED}" if closes else ENFORCED

    def _inert(self, place: Place, name: str) -> str:
        """Why the keyword asserts nothing in the subschema, as it was read, or ""."""
        dialect, inert = place.dialect, self.source.keywords.inert.get(name)
        reason = inert(place.schema, self.source, self.options) if inert and name in place.schema else ""
        if not self.source.keywords.asserts(name, dialect):
            return reason or f"asserts nothing in {dialect.name}"
        if dialect.overriding in place.schema and name != dialect.overriding:
            return f"asserts nothing beside {dialect.overriding} in {dialect.name}"
        return reason


def without(*others: str) -> Callable[[Mapping[str, Any], Source, Options], str]:
    """A keyword that asserts nothing unless one of the others is beside it."""

    def inert(schema: Mapping[str, Any], source: Source, options: Options) -> str:
        return "" if any(other in schema for other in others) else f"asserts nothing without {' or '.join(others)}"

    return inert
