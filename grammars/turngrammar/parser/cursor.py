"""The text of a turn as it arrives: the parts that were read and reported, and the literals that end free text."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable
from functools import lru_cache
from typing import TypeVar

from turngrammar.events import Event

T = TypeVar("T")
Sink = Callable[[str], Event]  # the event for a piece of text
Steps = Generator[None, None, T]  # a part of a parse; it yields where it needs more text

SPACE = " \t\r\n"
MAX_SPACE = 1000  # characters of declared tolerance: unreported text stays in memory


class Mismatch(Exception):
    """The text differs from the wire format here."""


class TextEnded(Exception):
    """The text ended within the wire format."""


class Cursor:
    """Keeps the text since the last event, so that what can't be read can still be reported.

    Attributes:
        text: everything since the last event, and what has arrived beyond it.
        at: index of the next character to read.
        reported: index of the first character that no event has reported.
        events: the number of events so far.
        ended: whether no more text comes.
    """

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.reported = 0
        self.events = 0
        self.ended = False
        self._waiting: list[Event] = []

    def arrive(self, text: str) -> None:
        if self.reported == len(self.text):  # as after most tokens
            self.text, self.at = text, 0
        else:
            self.text = self.text[self.reported :] + text
            self.at -= self.reported
        self.reported = 0

    def emit(self, event: Event) -> None:
        """Reports `event` and, with it, all that was read so far: it is never read again."""
        self._waiting.append(event)
        self.events += 1
        self.reported = self.at

    def report(self, sink: Sink, end: int) -> None:
        """Reads and reports the text up to index `end`, where there is any."""
        if end > self.at:
            self._waiting.append(sink(self.text[self.at : end]))
            self.events += 1
            self.at = self.reported = end

    def drain(self) -> list[Event]:
        events, self._waiting = self._waiting, []
        return events

    def take(self, end: int) -> str:
        """The text up to index `end`, which counts as read now."""
        piece = self.text[self.at : end]
        self.at = end
        return piece

    def more(self) -> Steps[bool]:
        """Waits for a character to read; False when the text has ended."""
        while self.at >= len(self.text):
            if self.ended:
                return False
            yield
        return True

    def wait(self, count: int) -> Steps[None]:
        """Waits until `count` characters can be read. Raises TextEnded."""
        while len(self.text) - self.at < count:
            if self.ended:
                raise TextEnded
            yield

    def expect(self, literal: str) -> Steps[None]:
        """Reads `literal`. Raises Mismatch, or TextEnded where the text ends within it."""
        while not self.text.startswith(literal, self.at):
            if not literal.startswith(self.text[self.at : self.at + len(literal)]):
                raise Mismatch(f"expected {literal!r}")
            if self.ended:
                self.at = len(self.text)
                raise TextEnded
            yield
        self.at += len(literal)

    def ahead(self, literals: Iterable[str]) -> Steps[str]:
        """The first of `literals` that the text goes on with, unread; "" if there is none."""
        for literal in literals:
            while not self.text.startswith(literal, self.at):
                if self.ended or not literal.startswith(self.text[self.at : self.at + len(literal)]):
                    break
                yield
            else:
                return literal
        return ""

    def skip(self, characters: str, most: int) -> Steps[str]:
        """Reads a run of `characters`, raises Mismatch where it is longer than `most`."""
        start = self.at - self.reported
        while (yield from self.more()) and self.text[self.at] in characters:
            self.at += 1
            if self.at - self.reported - start > most:
                raise Mismatch(f"more than {most} characters")
        return self.text[self.reported + start : self.at]

    def skip_some(self, characters: str, most: int) -> Steps[None]:
        """Reads a run of `characters`, or the first `most` of them."""
        start = self.at - self.reported
        while self.at - self.reported - start < most and (yield from self.more()) and self.text[self.at] in characters:
            self.at += 1

    def run(self, characters: str, most: int) -> Steps[str]:
        """Reads one to `most` of `characters`. Raises Mismatch, or TextEnded where the text ends before the first."""
        run = yield from self.skip(characters, most)
        if not run:
            if (yield from self.more()):
                raise Mismatch(f"expected one of {characters!r}")
            raise TextEnded
        return run

    def up_to(self, literal: str, most: int) -> Steps[str]:
        """Reads the text before `literal`, at most `most` characters, and the literal too."""
        while (end := self.text.find(literal, self.at, self.at + most + len(literal))) < 0:
            if len(self.text) - self.at >= most + len(literal):
                raise Mismatch(f"expected {literal!r}")
            if self.ended:
                raise TextEnded
            yield
        text = self.take(end)
        self.at += len(literal)
        return text


class Stops:
    """Looks for any of some literals in a text that grows. Build it with `stops`."""

    def __init__(self, literals: tuple[str, ...]) -> None:
        self._literals = literals
        started = [literal[:size] for literal in literals for size in range(len(literal) - 1, 0, -1)]
        self._whole = re.compile(_any(literals))
        self._started = re.compile(f"(?:{_any(started)})\\Z")

    def find(self, text: str, start: int) -> tuple[int, str | None]:
        """The index of the first stop, and the stop; without one, the end of the text that can't belong to any."""
        if not self._literals:
            return len(text), None
        if whole := self._whole.search(text, start):
            return whole.start(), whole[0]
        started = self._started.search(text, start)
        return started.start() if started else len(text), None


def _any(literals: Iterable[str]) -> str:
    return "|".join(map(re.escape, literals)) or "(?!)"


@lru_cache(maxsize=256)
def stops(*literals: str) -> Stops:
    """A cached `Stops` of these literals."""
    return Stops(literals)
