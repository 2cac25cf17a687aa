"""Unfinished JSON text: the containers that are open in it, and the values that a completion adds. Linear time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from turngrammar.schema.dialect import pointer

# A number has ended only where something else follows.
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|true|false|null|-?[0-9][0-9.eE+-]*(?=[]},])|[ ]+')


@dataclass
class OpenContainer:
    """An object or a list that is open.

    Attributes:
        opens: "{" or "[".
        start: the index of its bracket.
        behind: the index behind its last complete member, or behind its bracket.
        keys: of the complete members; "" for each item of a list.
        values: the texts of the complete members' values.
        key: of the member that is not complete, once the key is; `colon` is the index behind that key.
    """

    opens: str
    start: int
    behind: int
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    key: str | None = None
    colon: int = 0


class Outline:
    """The text of one document so far.

    Attributes:
        text: all of it.
        open: the containers that are open, from the outside in.
        at: the index of the last word, which more text may go on with: a string, a number, a key.
        done: whether the document is complete.
    """

    def __init__(self) -> None:
        self.text = ""
        self.open: list[OpenContainer] = []
        self.at = 0
        self.done = False

    @property
    def word(self) -> str:
        """The word that more text may go on with."""
        return self.text[self.at :]

    @property
    def begun(self) -> bool:
        """Whether that word is a value, and not a key."""
        keyed = bool(self.open) and self.open[-1].opens == "{" and self.open[-1].key is None
        return bool(self.word) and not keyed

    def feed(self, text: str) -> None:
        self.text += text
        if '"' not in text and self.text.startswith('"', self.at):
            return  # within a long string
        while (lexeme := _LEXEME.match(self.text, self.at)) is not None:
            start, self.at = self.at, lexeme.end()
            self._take(lexeme[0], start)

    def _take(self, lexeme: str, start: int) -> None:
        match lexeme[0]:
            case "{" | "[":
                self.open.append(OpenContainer(lexeme, start, self.at))
            case "}" | "]":
                self._complete(self.open.pop().start)
            case ":" | "," | " ":
                pass
            case _ if self._expects_key:
                self.open[-1].key, self.open[-1].colon = json.loads(lexeme), self.at
            case _:
                self._complete(start)

    @property
    def _expects_key(self) -> bool:
        return bool(self.open) and self.open[-1].opens == "{" and self.open[-1].key is None

    def _complete(self, start: int) -> None:
        """A value is complete."""
        if not self.open:
            self.done = True
            return
        container = self.open[-1]
        container.values.append(self.text[start : self.at])
        container.keys.append(container.key or "")
        container.key, container.behind = None, self.at


@dataclass(frozen=True)
class AddedValues:
    """The values of a completed document that its author did not write, or not to the end.

    Attributes:
        cut: the JSON pointer of the innermost value that was begun and not complete, if any.
        filled: the pointers of the values that were not begun, in document order, none of them within another.
    """

    cut: str | None
    filled: tuple[str, ...]


def added_values(outline: Outline, rest: str) -> AddedValues:
    """What `rest` adds, which makes the document complete."""
    if outline.done or not outline.text:
        return AddedValues(None, () if outline.text else ("",))
    path: tuple[Any, ...] = ()
    behind: list[list[str]] = []
    value = json.loads(outline.text + rest, object_pairs_hook=tuple)
    for level, container in enumerate(outline.open):
        members, done = _pairs(value), len(container.values)
        inner = level + 1 < len(outline.open) or outline.begun
        behind.append([pointer((*path, name)) for name, _ in members[done + inner :]])
        if inner:
            name, value = members[done]
            path = (*path, name)
    return AddedValues(pointer(path), tuple(name for names in reversed(behind) for name in names))


def _pairs(value: Any) -> list[tuple[Any, Any]]:
    """Of an object, read as pairs, or of a list."""
    return list(value if isinstance(value, tuple) else enumerate(value))
