"""The second reading of a wire tree: text -> events, for any chunking of the text.

The walk is a descent over generators that wait where they need more text. It looks ahead only within markup: as soon as
an event is reported, the text behind it is never read again, so time is linear, and memory is bounded by the longest
markup.

What can't be read becomes content and a `Malformed`; then the parser goes on as if free text and calls followed. Markup
that the end of the text cuts off is dropped, since it says nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from turngrammar import wire
from turngrammar.analysis import openings
from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    Malformed,
    ReasoningDelta,
    ToolCallEnd,
    ToolCallStart,
)
from turngrammar.lowered import ANY_TYPES, Lowered, argument_types
from turngrammar.notation import Notation
from turngrammar.parser import elements, json_values, literals, members
from turngrammar.parser.cursor import MOST_SPACE, SPACE, Cursor, Mismatch, Sink, Steps, Truncated
from turngrammar.parser.stops import Stops, stops
from turngrammar.scan import load

NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
WORD_CHARACTERS = NAME_CHARACTERS.replace(".", "")
MOST_NAME = 128
DIGITS = "0123456789"
Failures = tuple[type[Mismatch | Truncated], ...]
_SINKS: Mapping[wire.Sink, Sink] = {"content": ContentDelta, "reasoning": ReasoningDelta}


class Parser:
    """Reads one turn. `feed` any number of times, then `close` once; each returns the events that became certain.

    `thinking` says whether the text read so far ends within the model's thoughts.
    """

    def __init__(self, tree: wire.Node, recovery: wire.Node, parameters: Mapping[str, Lowered]) -> None:
        """`recovery`: how to go on when the text has left `tree`. `parameters`: the tools' lowered schemas."""
        self.cursor = Cursor()
        self.thinking = False
        self._recovery = recovery
        self._index = -1
        self._name = ""
        self._id: str | None = None
        self._arguments: list[str] = []
        self._parameters = parameters
        self.types = ANY_TYPES
        self.member = 0
        self._cut_off = False  # the text ended within markup, though some of it was then read in another way
        self._steps = self._run(tree)
        next(self._steps)

    def feed(self, text: str) -> list[Event]:
        """The events that `text`, going on from all text before, makes certain."""
        self.cursor.arrive(text)
        next(self._steps, None)
        return self.cursor.drain()

    def close(self) -> list[Event]:
        """The events that the end of the text makes certain."""
        self.cursor.ended = True
        next(self._steps, None)
        return self.cursor.drain()

    def _run(self, tree: wire.Node) -> Steps[None]:
        yield
        while True:
            try:
                yield from self.walk(tree)
                yield from self._nothing_more()
                return
            except Truncated:
                return
            except Mismatch as error:
                if self._cut_off:
                    return
                self._give_up(str(error))
                tree = self._recovery

    def _nothing_more(self) -> Steps[None]:
        yield from self.cursor.skip(SPACE, MOST_SPACE)
        if (yield from self.cursor.more()):
            raise Mismatch("expected the end of the turn")

    def _give_up(self, reason: str) -> None:
        """Turns the markup since the last event into content."""
        cursor = self.cursor
        text = cursor.text[cursor.told : cursor.at]
        if text:
            cursor.emit(ContentDelta(text))
        cursor.emit(Malformed(text, reason))

    def walk(self, node: wire.Node) -> Steps[None]:
        """Reads `node`. Raises Mismatch or Truncated."""
        return _READERS[type(node)](self, node)

    def attempt(self, steps: Steps[None], giving_up: Failures = (Mismatch,)) -> Steps[Mismatch | Truncated | None]:
        """Takes `steps`, or none of them: then the result says why. Once they report an event there is no way back."""
        cursor = self.cursor
        reports, start = cursor.reports, cursor.at - cursor.told
        try:
            yield from steps
        except giving_up as error:
            if cursor.reports != reports:
                raise
            self._cut_off |= isinstance(error, Truncated)
            cursor.at = cursor.told + start
            return error
        return None

    def lit(self, node: wire.Lit) -> Steps[None]:
        return self.cursor.expect(node.text)

    def space(self, node: wire.Space) -> Steps[None]:
        """A longer run goes on into what follows: text may begin with any number of line breaks."""
        yield from self.cursor.skip_some(SPACE, MOST_SPACE)

    def seq(self, node: wire.Seq) -> Steps[None]:
        for part in node.parts:
            yield from self.walk(part)

    def alt(self, node: wire.Alt) -> Steps[None]:
        *options, last = node.options
        for option in options:
            if (yield from self.attempt(self.walk(option), (Mismatch, Truncated))) is None:
                return
        yield from self.walk(last)

    def opt(self, node: wire.Opt) -> Steps[None]:
        yield from self.attempt(self.walk(node.body), (Mismatch, Truncated))

    def may(self, node: wire.May | wire.Stray) -> Steps[None]:
        error = yield from self.attempt(self.walk(node.body), (Mismatch, Truncated))
        if isinstance(error, Truncated):
            self.cursor.at = len(self.cursor.text)  # its beginning, or nothing: both are forgiven

    def many(self, node: wire.Many) -> Steps[None]:
        if node.least:
            yield from self.walk(node.item)
        elif (yield from self.attempt(self.walk(node.item))) is not None:
            return
        another = wire.seq(node.separator, node.item)
        while (yield from self.attempt(self.walk(another))) is None:
            pass

    def text(self, node: wire.Text) -> Steps[None]:
        if node.then is None or node.follows == "never":
            yield from self.free_text(_SINKS[node.sink], stops(), True)
            return
        if node.sink == "content" and (yield from self._blank_then(node.then)):
            return
        ends, may_end = stops(*openings(node.then)), node.follows == "may"
        while (stop := (yield from self._within(node.sink, ends, may_end))) is not None:
            error = yield from self.attempt(self.walk(node.then))
            if error is None:
                return
            self.cursor.tell(_SINKS[node.sink], self.cursor.at + len(stop))
            self.cursor.emit(Malformed(stop, str(error)))
        if not may_end:
            raise Truncated

    def _blank_then(self, then: wire.Node) -> Steps[bool]:
        """Whether there is nothing but whitespace before `then`, and at least some: that is read as markup."""
        cursor = self.cursor
        if not (yield from cursor.more()) or cursor.text[cursor.at] not in SPACE:
            return False
        return (yield from self.attempt(self.walk(wire.seq(wire.Space(), then)), (Mismatch, Truncated))) is None

    def _within(self, sink: wire.Sink, ends: Stops, may_end: bool) -> Steps[str | None]:
        """Reports text, as `free_text` does; meanwhile it is known whether the model thinks."""
        self.thinking = sink == "reasoning"
        stop = yield from self.free_text(_SINKS[sink], ends, may_end)
        self.thinking = False
        return stop

    def unlike(self, node: wire.Unlike) -> Steps[None]:
        yield from self.free_text(ContentDelta, stops(), True)

    def free_text(self, sink: Sink, ends: Stops, may_end: bool) -> Steps[str | None]:
        """Reports text up to the first of `ends`, which it returns; None at the end of the text.

        Where the text may not end here, the beginning of a stop at its end is markup that was cut off.
        """
        cursor = self.cursor
        while True:
            at, stop = ends.find(cursor.text, cursor.at)
            cursor.tell(sink, at)
            if stop is not None:
                return stop
            if cursor.ended:
                break
            yield
        if cursor.at < len(cursor.text) and not may_end:
            raise Truncated
        cursor.tell(sink, len(cursor.text))
        return None

    def call(self, node: wire.Call) -> Steps[None]:
        self._name, self._id, self._arguments = "", None, []
        yield from self.walk(node.head)
        self._index += 1
        self.cursor.emit(ToolCallStart(self._index, self._name, self._id))
        yield from self.walk(node.tail)
        if _is_object("".join(self._arguments)):
            self.cursor.emit(ToolCallEnd(self._index))
        else:
            self.cursor.emit(Malformed("", "the arguments are not a JSON object"))

    def name(self, node: wire.Name) -> Steps[None]:
        self._name = yield from self.cursor.run(NAME_CHARACTERS, MOST_NAME)
        if not (yield from self.cursor.more()):
            raise Truncated  # who knows whether the name is whole

    def id(self, node: wire.Id) -> Steps[None]:
        start = self.cursor.at - self.cursor.told
        yield from self.walk(node.body)
        self._id = self.cursor.text[self.cursor.told + start : self.cursor.at]

    def ordinal(self, node: wire.Ordinal) -> Steps[None]:
        yield from self.cursor.run(DIGITS, MOST_NAME)

    def word(self, node: wire.Word) -> Steps[None]:
        yield from self.cursor.run(WORD_CHARACTERS, MOST_NAME)

    def ahead(self, node: wire.Ahead) -> Steps[None]:
        yield from self.cursor.expect(node.text)
        self.cursor.at -= len(node.text)

    def argument(self, text: str) -> Event:
        """The event for a piece of the arguments' JSON text."""
        self._arguments.append(text)
        return ArgumentsDelta(self._index, text)

    def tell_arguments(self, text: str) -> None:
        """Reports JSON text for all that was read since the last event."""
        event = self.argument(text)
        self.cursor.emit(event)

    def begin_member(self, name: str) -> None:
        """Reports the key of the next argument."""
        self.tell_arguments(("{", ", ")[self.member > 0] + json.dumps(name, ensure_ascii=False) + ": ")
        self.member += 1

    @property
    def parameters(self) -> Lowered:
        """The lowered schema of the tool in hand; True where no tool has its name."""
        return self._parameters.get(self._name, True)

    def argument_types(self, name: str) -> frozenset[str]:
        """The JSON types that the tool's schema allows for this argument."""
        return argument_types(self.parameters, name)

    def noted(self, notation: Notation) -> Steps[None]:
        """One value in a notation of its own, as JSON."""
        return literals.value(self, notation)

    def verbatim(self, node: wire.Verbatim) -> Steps[None]:
        yield from self.free_text(ContentDelta, stops(node.close) if node.close else stops(), not node.close)


def _is_object(text: str) -> bool:
    try:
        return isinstance(load(text), dict)
    except ValueError:
        return False


_READERS: Mapping[type[wire.Node], Callable[[Parser, Any], Steps[None]]] = {
    wire.Lit: Parser.lit,
    wire.Space: Parser.space,
    wire.Seq: Parser.seq,
    wire.Alt: Parser.alt,
    wire.Opt: Parser.opt,
    wire.May: Parser.may,
    wire.Stray: Parser.may,
    wire.Many: Parser.many,
    wire.Text: Parser.text,
    wire.Unlike: Parser.unlike,
    wire.Call: Parser.call,
    wire.Name: Parser.name,
    wire.Id: Parser.id,
    wire.Ordinal: Parser.ordinal,
    wire.Word: Parser.word,
    wire.Ahead: Parser.ahead,
    wire.Arguments: json_values.arguments,
    wire.Members: members.members,
    wire.Key: members.key,
    wire.Value: members.value,
    wire.Wrapped: members.wrapped,
    wire.Typed: members.typed,
    wire.TypeName: members.type_name,
    wire.Elements: elements.elements,
    wire.NotationArguments: literals.spelled,
    wire.Document: json_values.document,
    wire.Verbatim: Parser.verbatim,
}
