"""An answer that continues a text: it is parsed and checked together with that text, and sent without it."""

from __future__ import annotations

from msgspec.structs import replace

from turngrammar.events import ContentDelta, Event
from turngrammar.parser import Parser

_NOTHING = ContentDelta("")


class ContinuedParser:
    """A parser's events behind a text that it has been fed.

    The parser may hold back the end of the text, as a possible start of markup. It is dropped where it turns out to be
    content.
    """

    def __init__(self, parser: Parser, text: str) -> None:
        """`text`: nothing but content."""
        self._parser = parser
        self._held = len(text) - sum(len(event.text) for event in parser.feed(text) if isinstance(event, ContentDelta))

    @property
    def in_reasoning(self) -> bool:
        return self._parser.in_reasoning

    def feed(self, text: str) -> list[Event]:
        return self._behind(self._parser.feed(text))

    def close(self) -> list[Event]:
        return self._behind(self._parser.close())

    def _behind(self, events: list[Event]) -> list[Event]:
        if not self._held or not events:
            return events
        return [event for event in map(self._rest, events) if event != _NOTHING]

    def _rest(self, event: Event) -> Event:
        """The part of the event that is behind the text."""
        if not isinstance(event, ContentDelta):
            self._held = 0  # what was held back is markup
            return event
        dropped = min(self._held, len(event.text))
        self._held -= dropped
        return replace(event, text=event.text[dropped:])
