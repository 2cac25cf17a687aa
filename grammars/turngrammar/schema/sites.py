"""Where a keyword stands that is read otherwise than it was sent, and what is noted about it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from turngrammar.errors import shown
from turngrammar.schema.dialect import Dialect
from turngrammar.schema.places import Place


@dataclass(frozen=True)
class Note:
    """How a keyword was read: as `keyword` of the subschema at `pointer`, or as absent if that is ""."""

    text: str
    pointer: str = ""
    keyword: str = ""


Notes = dict[tuple[str, str], Note]  # by the pointer of a subschema, and a keyword in it


@dataclass(frozen=True)
class Site:
    """A keyword in a subschema that may be changed. `targets` are those of the document's references."""

    keyword: str
    place: Place
    targets: frozenset[str]
    notes: Notes

    @property
    def dialect(self) -> Dialect:
        return self.place.dialect

    @property
    def schema(self) -> dict[str, Any]:
        schema: dict[str, Any] = self.place.schema
        return schema

    @property
    def value(self) -> Any:
        return self.schema[self.keyword]

    def sibling(self, keyword: str) -> Site:
        return replace(self, keyword=keyword)

    def becomes(self, value: Any, text: str = "") -> bool:
        """It is read as another value."""
        text = text or f"{shown(self.value)} is read as {shown(value)}"
        self.schema[self.keyword] = value
        return self.note(text, self.keyword)

    def moves(self, keyword: str, value: Any, holder: Place | None = None) -> bool:
        """It is read as another keyword, of the same subschema or of one above."""
        del self.schema[self.keyword]
        (holder or self.place).schema[keyword] = value
        return self.note(f"is read as `{keyword}`" + (" of the object" if holder else ""), keyword, holder)

    def vanishes(self, what: str) -> bool:
        """It is read as absent."""
        del self.schema[self.keyword]
        return self.note(f"{what} is read as absent")

    def note(self, text: str, read_as: str = "", holder: Place | None = None) -> bool:
        at = (holder or self.place).pointer if read_as else ""
        self.notes[self.place.pointer, self.keyword] = Note(text, at, read_as)
        return True
