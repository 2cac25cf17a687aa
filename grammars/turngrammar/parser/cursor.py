"""The text of a turn as it arrives: what was read, what was reported, what is still to come."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TypeVar

from turngrammar.events import Event

T = TypeVar("T")
Sink = Callable[[str], Event]  # the event for a piece of text
Steps = Generator[None, None, T]  # a part of a parse; it yields where it needs more text

SPACE = " \t\r\n"
MOST_SPACE = 1000  # of declared tolerance, in characters: what is not reported yet stays in memory


class Mismatch(Exception):
    """The text is not what the wire format has here."""


class Truncated(Exception):
    """The text ended within the wire format."""


class Cursor:
    """Holds the text since the last event, so that whatever can't be read can still be reported.

    Attributes:
        text: everything since the last event, and what has arrived beyond it.
        at: index of the next character to read.
        told: index of the first character that no event has reported.
        reports: number of events so far.
    """

    def __init__(self) -> None:
        self.text = ""
        self.at = 0
        self.told = 0
        self.reports = 0
        self.ended = False
        self._events: list[Event] = []

    def arrive(self, text: str) -> None:
        self.text = self.text[self.told :] + text
        self.at -= self.told
        self.told = 0

    def emit(self, event: Event) -> None:
        """Reports `event`. Everything read so far is told with it: it is never read again."""
        self._events.append(event)
        self.reports += 1
        self.told = self.at

    def tell(self, sink: Sink, end: int) -> None:
        """Reads and reports the text up to index `end`, where there is any."""
        if end > self.at:
            event = sink(self.text[self.at : end])
            self.at = end
            self.emit(event)

    def drain(self) -> list[Event]:
        events, self._events = self._events, []
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
        """Waits until `count` characters can be read. Raises Truncated."""
        while len(self.text) - self.at < count:
            if self.ended:
                raise Truncated
            yield

    def expect(self, literal: str) -> Steps[None]:
        """Reads `literal`. Raises Mismatch, or Truncated where the text ends within it."""
        while not self.text.startswith(literal, self.at):
            if not literal.startswith(self.text[self.at : self.at + len(literal)]):
                raise Mismatch(f"expected {literal!r}")
            if self.ended:
                self.at = len(self.text)
                raise Truncated
            yield
        self.at += len(literal)

    def skip(self, characters: str, most: int) -> Steps[str]:
        """Reads a run of `characters`, raises Mismatch where it is longer than `most`."""
        start = self.at - self.told
        while (yield from self.more()) and self.text[self.at] in characters:
            self.at += 1
            if self.at - self.told - start > most:
                raise Mismatch(f"more than {most} characters")
        return self.text[self.told + start : self.at]

    def skip_some(self, characters: str, most: int) -> Steps[None]:
        """Reads a run of `characters`, or the first `most` of them."""
        start = self.at - self.told
        while self.at - self.told - start < most and (yield from self.more()) and self.text[self.at] in characters:
            self.at += 1

    def run(self, characters: str, most: int) -> Steps[str]:
        """Reads one to `most` of `characters`. Raises Mismatch, or Truncated where the text ends before the first."""
        run = yield from self.skip(characters, most)
        if not run:
            if (yield from self.more()):
                raise Mismatch(f"expected one of {characters!r}")
            raise Truncated
        return run

    def up_to(self, literal: str, most: int) -> Steps[str]:
        """Reads the text before `literal`, at most `most` characters, and the literal too."""
        while (found := self.text.find(literal, self.at, self.at + most + len(literal))) < 0:
            if len(self.text) - self.at >= most + len(literal):
                raise Mismatch(f"expected {literal!r}")
            if self.ended:
                raise Truncated
            yield
        text = self.take(found)
        self.at += len(literal)
        return text
