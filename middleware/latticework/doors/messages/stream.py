"""The blocks of an answer while it is generated: steps in, the events of a stream out.

One block is open at a time. What the blocks that are complete have is the content of the message.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET

from latticework.doors.common.call_text import CallStream
from latticework.doors.common.sealed_text import sealed
from latticework.doors.messages.events import (
    BlockDelta,
    BlockStart,
    BlockStop,
    InputPiece,
    MessageEvent,
    Ping,
    SignaturePiece,
    TextPiece,
    ThinkingPiece,
)
from latticework.doors.messages.output import ContentBlock, IncompleteToolUse, TextBlock, ThinkingBlock, ToolUseBlock
from latticework.generate import ByPart, Confidence, Finish, SourceSpan, Step
from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    ToolCallEnd,
    ToolCallStart,
)

EMPTY_INPUT = msgspec.Raw(b"{}")
# After so many steps without an event, a ping tells the client that the answer goes on.
PING_STEPS = 100


class BlockStream:
    """The content of one message.

    Attributes:
        done: the blocks that are complete, and those of text that were cut.
        cut: the calls that were cut.
        finish, stop: why the answer ended, and at which stop string, once it is known.
        confidence: of the values, if requested, once it is known.
        grounding: where its strings stand in the user's text, likewise.
    """

    def __init__(self, eager: Collection[str] | None, *, omits_thinking: bool) -> None:
        """`eager`: the names of the tools whose input is sent before it is complete; None: of all tools."""
        self.done: list[ContentBlock] = []
        self.cut: list[IncompleteToolUse] = []
        self.finish: Finish | None = None
        self.stop: str | None = None
        self.confidence: ByPart[Confidence] | None = None
        self.grounding: ByPart[SourceSpan] | None = None
        self._eager = eager
        self._omits_thinking = omits_thinking
        self._index = -1
        self._text: _OpenBlock | None = None
        self._calls: dict[int, _OpenToolUse] = {}
        self._silent = 0

    def events(self, step: Step) -> Sequence[MessageEvent]:
        """The events of a step; of the last one, those that end the blocks."""
        made: list[MessageEvent] = []
        for event in step.events:
            made += _EVENTS[type(event)](self, event)
        if step.finish is not None:
            made += self._end(step)
        self._silent = 0 if made else self._silent + 1
        if self._silent < PING_STEPS:
            return made
        self._silent = 0
        return (Ping(),)

    def _end(self, step: Step) -> Iterator[MessageEvent]:
        self.finish, self.stop, self.confidence = step.finish, step.stop, step.confidence
        self.grounding = step.grounding
        self.cut = [call.cut() for call in self._calls.values() if not call.stream.ended]
        begun = self.done or self._text is not None or any(call.sent for call in self._calls.values())
        if not begun:  # clients need a block
            yield from self._opened(TextBlock(""), _OpenBlock(_TEXT))
        yield from self._closed()

    def _content(self, event: ContentDelta | RefusalDelta) -> Sequence[MessageEvent]:
        begun = self._begun(_TEXT, TextBlock(""))
        return [*begun, *self._added(event.text, TextPiece(event.text))]

    def _reasoned(self, event: ReasoningDelta) -> Sequence[MessageEvent]:
        begun = self._begun(_THINKING, ThinkingBlock("", ""))
        return [*begun, *self._added(event.text, None if self._omits_thinking else ThinkingPiece(event.text))]

    def _begun(self, kind: str, block: ContentBlock) -> Sequence[MessageEvent]:
        """Begins a text, unless one of its kind is open."""
        if self._text is not None and self._text.kind == kind:
            return ()
        return [*self._closed(), *self._opened(block, _OpenBlock(kind))]

    def _opened(self, block: ContentBlock, text: _OpenBlock | None) -> Iterator[MessageEvent]:
        self._index += 1
        self._text = text
        yield BlockStart(self._index, block)

    def _added(self, text: str, piece: TextPiece | ThinkingPiece | None) -> Sequence[MessageEvent]:
        assert self._text is not None
        self._text.texts.append(text)
        return () if piece is None else (BlockDelta(self._index, piece),)

    def _closed(self) -> Iterator[MessageEvent]:
        """Ends the text that is open."""
        if self._text is None:
            return
        kind, text, self._text = self._text.kind, "".join(self._text.texts), None
        if kind == _THINKING:
            block = _thinking_block(text, omitted=self._omits_thinking)
            yield BlockDelta(self._index, SignaturePiece(block.signature))
            self.done.append(block)
        else:
            self.done.append(TextBlock(text))
        yield BlockStop(self._index)

    def _call_start(self, event: ToolCallStart) -> Sequence[MessageEvent]:
        held = self._eager is not None and event.name not in self._eager
        self._calls[event.index] = _OpenToolUse(event.name, event.id, held=held)
        return ()

    def _arguments(self, event: ArgumentsDelta) -> Sequence[MessageEvent]:
        call = self._calls[event.index]
        text = call.stream.feed(event.text)
        return self._called(call, text) if text else ()

    def _call_end(self, event: ToolCallEnd) -> Sequence[MessageEvent]:
        call = self._calls[event.index]
        text = call.stream.end()
        made = self._called(call, text)
        self.done.append(ToolUseBlock(call.id, call.name, msgspec.Raw(call.stream.text.encode())))
        return [*made, BlockStop(self._index)]

    def _called(self, call: _OpenToolUse, text: str) -> Sequence[MessageEvent]:
        begun: Sequence[MessageEvent] = ()
        if not call.sent:
            call.sent = True
            begun = [*self._closed(), *self._opened(ToolUseBlock(call.id, call.name, EMPTY_INPUT), None)]
        return [*begun, BlockDelta(self._index, InputPiece(text))] if text else begun


_EVENTS: Mapping[type[Event], Callable[[BlockStream, Any], Sequence[MessageEvent]]] = {
    ContentDelta: BlockStream._content,
    RefusalDelta: BlockStream._content,  # `stop_reason` tells the two apart
    ReasoningDelta: BlockStream._reasoned,
    ToolCallStart: BlockStream._call_start,
    ArgumentsDelta: BlockStream._arguments,
    ToolCallEnd: BlockStream._call_end,
}

_TEXT, _THINKING = "text", "thinking"


@dataclass
class _OpenBlock:
    """A block of text that is being written."""

    kind: str
    texts: list[str] = field(default_factory=list)


class _OpenToolUse:
    """A call that is being written. `sent`: whether its block has begun."""

    def __init__(self, name: str, id: str | None, *, held: bool) -> None:
        self.name = name
        self.id = id or f"toolu_{secrets.token_hex(12)}"
        self.stream = CallStream(custom=False, held=held)
        self.sent = False

    def cut(self) -> IncompleteToolUse:
        return IncompleteToolUse(self.name, self.stream.cut(), self.id if self.sent else UNSET)


def _thinking_block(text: str, *, omitted: bool) -> ThinkingBlock:
    """Reasoning that is shown comes back as it is: its signature has no text."""
    return ThinkingBlock("", sealed(text)) if omitted else ThinkingBlock(text, sealed(""))
