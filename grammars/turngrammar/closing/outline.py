"""JSON text that is not finished yet: what is open in it. Read piece by piece, in linear time."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

# Of a number, only what stands behind it says that it has ended.
_LEXEME = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\]:,]|true|false|null|-?[0-9][0-9.eE+-]*(?=[]},])|[ ]+')


@dataclass
class Frame:
    """An object or a list that is open.

    Attributes:
        opens: "{" or "[".
        start: where it begins.
        behind: where its last complete member ends, or its bracket.
        keys: of the complete members; of a list, their texts stand for them.
        values: the texts of the complete members' values.
        key: of the member that is not complete, once the key is; `colon` is where that key ends.
    """

    opens: str
    start: int
    behind: int
    keys: list[str] = field(default_factory=list)
    values: list[str] = field(default_factory=list)
    key: str | None = None
    colon: int = 0


class Outline:
    """Attributes:

    text: all of it.
    frames: what is open, from the outside in.
    at: where the last word begins, which more text may go on with: a string, a number, a key.
    done: whether the document is complete.
    """

    def __init__(self) -> None:
        self.text = ""
        self.frames: list[Frame] = []
        self.at = 0
        self.done = False

    @property
    def word(self) -> str:
        """The word that more text may go on with."""
        return self.text[self.at :]

    @property
    def begun(self) -> bool:
        """Whether that word is a value, and not a key."""
        keyed = bool(self.frames) and self.frames[-1].opens == "{" and self.frames[-1].key is None
        return bool(self.word) and not keyed

    def feed(self, text: str) -> None:
        self.text += text
        if '"' not in text and self.text.startswith('"', self.at):
            return  # within a long string
        while (found := _LEXEME.match(self.text, self.at)) is not None:
            start, self.at = self.at, found.end()
            self._take(found[0], start)

    def _take(self, lexeme: str, start: int) -> None:
        match lexeme[0]:
            case "{" | "[":
                self.frames.append(Frame(lexeme, start, self.at))
            case "}" | "]":
                self._ended(self.frames.pop().start)
            case ":" | "," | " ":
                pass
            case _ if self._expects_key:
                self.frames[-1].key, self.frames[-1].colon = json.loads(lexeme), self.at
            case _:
                self._ended(start)

    @property
    def _expects_key(self) -> bool:
        return bool(self.frames) and self.frames[-1].opens == "{" and self.frames[-1].key is None

    def _ended(self, start: int) -> None:
        """A value is complete."""
        if not self.frames:
            self.done = True
            return
        frame = self.frames[-1]
        frame.values.append(self.text[start : self.at])
        frame.keys.append(frame.key or "")
        frame.key, frame.behind = None, self.at
