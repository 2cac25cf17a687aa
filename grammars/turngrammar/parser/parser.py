"""The second reading of a wire tree: text -> events, for any chunking of the text.

The walk is a descent over generators that wait where they need more text. It looks ahead only within markup: as soon as
an event is reported, the text behind it is never read again, so time is linear, and memory is bounded by the longest
markup.

What can't be read becomes content and a `Malformed`; then the parser goes on as if free text and calls followed. Markup
that the end of the text cuts off is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from turngrammar import wire
from turngrammar.analysis import openings
from turngrammar.events import (
    ContentDelta,
    Event,
    Malformed,
    ReasoningDelta,
    RefusalDelta,
    ToolCallEnd,
    ToolCallStart,
)
from turngrammar.lowered import Lowered
from turngrammar.parser.cursor import MAX_SPACE, SPACE, Mismatch, Sink, Steps, Stops, TextEnded, stops
from turngrammar.parser.elements import read_elements
from turngrammar.parser.json_values import read_arguments, read_document
from turngrammar.parser.members import (
    read_key,
    read_members,
    read_type_name,
    read_typed,
    read_value,
    read_wrapped,
)
from turngrammar.parser.notation import read_notation_arguments
from turngrammar.parser.reader import TurnReader, is_object
from turngrammar.wire import MAX_NAME, PLAIN_NAME, opens_refusal

NAME_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
WORD_CHARACTERS = NAME_CHARACTERS.replace(".", "")
DIGITS = "0123456789"
_SINKS: Mapping[wire.Sink, Sink] = {"content": ContentDelta, "reasoning": ReasoningDelta}


class Parser(TurnReader):
    """Reads one turn. `feed` any number of times, then `close` once; each returns the events that became certain."""

    def __init__(self, tree: wire.Node, recovery: wire.Node, parameters: Mapping[str, Lowered]) -> None:
        """`recovery`: how to go on when the text has left `tree`. `parameters`: the tools' lowered schemas."""
        super().__init__(parameters)
        self._recovery = recovery
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
            except TextEnded:
                return
            except Mismatch as error:
                if self._cut_off:
                    return
                self._give_up(str(error))
                tree = self._recovery

    def _nothing_more(self) -> Steps[None]:
        yield from self.cursor.skip(SPACE, MAX_SPACE)
        if (yield from self.cursor.more()):
            raise Mismatch("expected the end of the turn")

    def _give_up(self, reason: str) -> None:
        """Turns the markup since the last event into content."""
        cursor = self.cursor
        text = cursor.text[cursor.reported : cursor.at]
        if text:
            cursor.emit(ContentDelta(text))
        cursor.emit(Malformed(text, reason))

    def walk(self, node: wire.Node) -> Steps[None]:
        return _READERS[type(node)](self, node)

    def lit(self, node: wire.Lit) -> Steps[None]:
        return self.cursor.expect(node.text)

    def space(self, node: wire.Space) -> Steps[None]:
        """The rest of a longer run is part of what follows: text may begin with any number of line breaks."""
        yield from self.cursor.skip_some(SPACE, MAX_SPACE)

    def seq(self, node: wire.Seq) -> Steps[None]:
        for part in node.parts:
            yield from self.walk(part)

    def alt(self, node: wire.Alt) -> Steps[None]:
        *options, last = node.options
        for option in options:
            if (yield from self.attempt(self.walk(option), (Mismatch, TextEnded))) is None:
                return
        yield from self.walk(last)

    def opt(self, node: wire.Opt) -> Steps[None]:
        yield from self.attempt(self.walk(node.body), (Mismatch, TextEnded))

    def may(self, node: wire.May | wire.Stray) -> Steps[None]:
        error = yield from self.attempt(self.walk(node.body), (Mismatch, TextEnded))
        if isinstance(error, TextEnded):
            self.cursor.at = len(self.cursor.text)  # its beginning, or nothing: both are accepted

    def many(self, node: wire.Many) -> Steps[None]:
        if node.least:
            yield from self.walk(node.item)
        elif (yield from self.attempt(self.walk(node.item))) is not None:
            return
        another = wire.seq(node.separator, node.item)
        while (yield from self.attempt(self.walk(another))) is None:
            pass

    def text(self, node: wire.FreeText) -> Steps[None]:
        if node.then is None or node.follows == "never":
            yield from self.report_text(_SINKS[node.sink], stops(), True)
            return
        if node.sink == "content" and (yield from self._blank_then(node.then)):
            return
        ends, may_end = stops(*openings(node.then)), node.follows == "may"
        while (stop := (yield from self._within(node.sink, ends, may_end))) is not None:
            error = yield from self.attempt(self.walk(node.then))
            if error is None:
                return
            self.cursor.report(_SINKS[node.sink], self.cursor.at + len(stop))
            self.cursor.emit(Malformed(stop, str(error)))
        if not may_end:
            raise TextEnded

    def _blank_then(self, then: wire.Node) -> Steps[bool]:
        """Whether there is nothing but whitespace before `then`, and at least some: that is read as markup."""
        cursor = self.cursor
        if not (yield from cursor.more()) or cursor.text[cursor.at] not in SPACE:
            return False
        return (yield from self.attempt(self.walk(wire.seq(wire.Space(), then)), (Mismatch, TextEnded))) is None

    def _within(self, sink: wire.Sink, ends: Stops, may_end: bool) -> Steps[str | None]:
        """Reports text, as `report_text` does, and keeps `in_reasoning` meanwhile."""
        self.in_reasoning = sink == "reasoning"
        stop = yield from self.report_text(_SINKS[sink], ends, may_end)
        self.in_reasoning = False
        return stop

    def unlike(self, node: wire.Unlike) -> Steps[None]:
        yield from self.report_text(ContentDelta, stops(), True)

    def call(self, node: wire.Invocation) -> Steps[None]:
        self.call_name, self.call_id, self.arguments = "", None, []
        yield from self.walk(node.head)
        self.index += 1
        self.cursor.emit(ToolCallStart(self.index, self.call_name, self.call_id))
        yield from self.walk(node.tail)
        if is_object("".join(self.arguments)):
            self.cursor.emit(ToolCallEnd(self.index))
        else:
            self.cursor.emit(Malformed("", "the arguments are not a JSON object"))

    def name(self, node: wire.Name) -> Steps[None]:
        """A plain name, of any tool, or another one of a tool that may be called; the longer of the two."""
        cursor = self.cursor
        other = yield from cursor.ahead(self._other_names)
        if other:
            start = cursor.at - cursor.reported
            plain = yield from cursor.skip(NAME_CHARACTERS, MAX_NAME)
            self.call_name = plain if len(plain) > len(other) else other
            cursor.at = cursor.reported + start + len(self.call_name)
        else:
            self.call_name = yield from cursor.run(NAME_CHARACTERS, MAX_NAME)
        if not (yield from self.cursor.more()):
            raise TextEnded  # the name may not be whole

    @cached_property
    def _other_names(self) -> Sequence[str]:
        """The names that are not plain, longest first: only as a whole they differ from what follows."""
        return sorted((name for name in self._parameters if not PLAIN_NAME.fullmatch(name)), key=len, reverse=True)

    def id(self, node: wire.Id) -> Steps[None]:
        start = self.cursor.at - self.cursor.reported
        yield from self.walk(node.body)
        self.call_id = self.cursor.text[self.cursor.reported + start : self.cursor.at]

    def ordinal(self, node: wire.Ordinal) -> Steps[None]:
        yield from self.cursor.run(DIGITS, MAX_NAME)

    def word(self, node: wire.Word) -> Steps[None]:
        yield from self.cursor.run(WORD_CHARACTERS, MAX_NAME)

    def ahead(self, node: wire.Ahead) -> Steps[None]:
        yield from self.cursor.expect(node.text)
        self.cursor.at -= len(node.text)

    def verbatim(self, node: wire.Verbatim) -> Steps[None]:
        yield from self.report_text(ContentDelta, stops(node.close) if node.close else stops(), not node.close)

    def refusal(self, node: wire.Refusal) -> Steps[None]:
        if not (yield from self.cursor.more()):
            raise TextEnded
        if not opens_refusal(self.cursor.text[self.cursor.at]):
            raise Mismatch("expected a refusal")
        if not node.close:
            yield from self.report_text(RefusalDelta, stops(), True)
        elif (yield from self.report_text(RefusalDelta, stops(node.close), False)) is None:
            raise TextEnded
        yield from self.cursor.expect(node.close)


_READERS: Mapping[type[wire.Node], Callable[[Parser, Any], Steps[None]]] = {
    wire.Lit: Parser.lit,
    wire.Space: Parser.space,
    wire.Seq: Parser.seq,
    wire.Alt: Parser.alt,
    wire.Opt: Parser.opt,
    wire.May: Parser.may,
    wire.Stray: Parser.may,
    wire.Many: Parser.many,
    wire.FreeText: Parser.text,
    wire.Unlike: Parser.unlike,
    wire.Invocation: Parser.call,
    wire.Name: Parser.name,
    wire.Id: Parser.id,
    wire.Ordinal: Parser.ordinal,
    wire.Word: Parser.word,
    wire.Ahead: Parser.ahead,
    wire.JsonArguments: read_arguments,
    wire.Members: read_members,
    wire.Key: read_key,
    wire.Value: read_value,
    wire.Wrapped: read_wrapped,
    wire.Typed: read_typed,
    wire.TypeName: read_type_name,
    wire.Elements: read_elements,
    wire.NotationArguments: read_notation_arguments,
    wire.Document: read_document,
    wire.Refusal: Parser.refusal,
    wire.Verbatim: Parser.verbatim,
}
