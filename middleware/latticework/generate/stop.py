"""Stop strings in streamed free text. They never cut a document or a tool call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from turngrammar.events import ContentDelta, Event


class StopFilter:
    """Passes events until the free text contains a stop string, and none after it.

    Text that may be the start of a stop string is held back.

    Attributes:
        found: the stop string that ended the text.
    """

    def __init__(self, stops: Sequence[str], *, keeps_stop: bool = False) -> None:
        """`keeps_stop`: whether the stop string itself is passed."""
        self._stops = tuple(stops)
        self._keeps_stop = keeps_stop
        self._held = ""
        self.found: str | None = None

    def feed(self, events: Sequence[Event]) -> Sequence[Event]:
        """The events that are not held back."""
        return list(self._through(events)) if self._stops else events

    @property
    def holds(self) -> bool:
        """Whether text is held back."""
        return bool(self._held)

    def close(self) -> Sequence[Event]:
        """The held back events, at the end of the text."""
        held, self._held = self._held, ""
        return [ContentDelta(held)] if held else []

    def _through(self, events: Iterable[Event]) -> Iterator[Event]:
        for event in events:
            if self.found is not None:
                return
            if isinstance(event, ContentDelta):
                yield from self._text(event.text)
            else:  # any other event ends the text
                yield from self.close()
                yield event

    def _text(self, text: str) -> Iterator[Event]:
        text, self._held = self._held + text, ""
        found = [(at, stop) for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            at, self.found = min(found)
            safe = self._end(at, self.found)
        else:
            safe = min(_partial(text, stop) for stop in self._stops)
            self._held = text[safe:]
        if safe:
            yield ContentDelta(text[:safe])

    def _end(self, at: int, stop: str) -> int:
        """Where the text ends that has this stop string at this place."""
        return at + len(stop) if self._keeps_stop else at


def _partial(text: str, stop: str) -> int:
    """Where a prefix of `stop` at the end of the text starts; the text's length if there is no such prefix."""
    first = max(0, len(text) - len(stop) + 1)
    return next((at for at in range(first, len(text)) if stop.startswith(text[at:])), len(text))
