"""One turn as it is read: the cursor, the current call, and the steps that all nodes share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from turngrammar import wire
from turngrammar.events import ArgumentsDelta, Event
from turngrammar.lowered import ANY_TYPES, Lowered, argument_types
from turngrammar.parser.cursor import Cursor, Mismatch, Sink, Steps, Stops, TextEnded
from turngrammar.scan import dump_scalar, load_json

MAX_KEY = 1000
Failures = tuple[type[Mismatch | TextEnded], ...]


class TurnReader(ABC):
    """The state of a turn while it is read, and the steps that nodes share.

    Attributes:
        cursor: the text.
        in_reasoning: whether the text read so far ends within the model's reasoning.
        index, call_name, call_id: of the current call; the index counts from 0.
        arguments: the pieces of its arguments' JSON text.
        types: the JSON types that the current argument may have.
        member: the number of arguments that have begun.
    """

    def __init__(self, parameters: Mapping[str, Lowered]) -> None:
        """`parameters`: the tools' lowered schemas."""
        self.cursor = Cursor()
        self.in_reasoning = False
        self.index = -1
        self.call_name = ""
        self.call_id: str | None = None
        self.arguments: list[str] = []
        self.types = ANY_TYPES
        self.member = 0
        self._parameters = parameters
        self._cut_off = False  # the text ended within markup, though some of it was then read in another way

    @abstractmethod
    def walk(self, node: wire.Node) -> Steps[None]:
        """Reads `node`. Raises Mismatch or TextEnded."""

    def attempt(self, steps: Steps[None], giving_up: Failures = (Mismatch,)) -> Steps[Mismatch | TextEnded | None]:
        """Takes all `steps`, or returns the reason why not. Steps that have reported an event are final."""
        cursor = self.cursor
        events, start = cursor.events, cursor.at - cursor.reported
        try:
            yield from steps
        except giving_up as error:
            if cursor.events != events:
                raise
            self._cut_off |= isinstance(error, TextEnded)
            cursor.at = cursor.reported + start
            return error
        return None

    def report_text(self, sink: Sink, ends: Stops, may_end: bool) -> Steps[str | None]:
        """Reports text up to the first of `ends`, which it returns; None at the end of the text.

        Where the text may not end here, the beginning of a stop at its end is markup that was cut off.
        """
        cursor = self.cursor
        while True:
            at, stop = ends.find(cursor.text, cursor.at)
            cursor.report(sink, at)
            if stop is not None:
                return stop
            if cursor.ended:
                break
            yield
        if cursor.at < len(cursor.text) and not may_end:
            raise TextEnded
        cursor.report(sink, len(cursor.text))
        return None

    def argument_delta(self, text: str) -> Event:
        """The event for a piece of the arguments' JSON text."""
        self.arguments.append(text)
        return ArgumentsDelta(self.index, text)

    def report_arguments(self, text: str) -> None:
        """Reports JSON text for all that was read since the last event."""
        event = self.argument_delta(text)
        self.cursor.emit(event)

    def begin_member(self, name: str) -> None:
        """Reports the key of the next argument."""
        self.report_arguments(("{", ", ")[self.member > 0] + dump_scalar(name) + ": ")
        self.member += 1

    @property
    def parameters(self) -> Lowered:
        """The lowered schema of the current tool; True where no tool has its name."""
        return self._parameters.get(self.call_name, True)

    def argument_types(self, name: str) -> frozenset[str]:
        """The JSON types that the tool's schema allows for this argument."""
        return argument_types(self.parameters, name)


def is_object(text: str) -> bool:
    try:
        return isinstance(load_json(text), dict)
    except ValueError:
        return False
