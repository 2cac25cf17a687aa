"""The items of an answer while it is generated: steps in, the events of a stream out.

One item is open at a time. What the `output_item.done` events have is the output of the response.
"""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from msgspec import UNSET, UnsetType

from latticework.doors.common.call_text import CallStream
from latticework.doors.common.sealed_text import sealed
from latticework.doors.openai.logprobs import GeneratedToken, generated_token
from latticework.doors.responses.client_tools import CLIENT_TOOLS
from latticework.doors.responses.events import (
    ArgumentsTextDelta,
    ArgumentsTextDone,
    InputTextDelta,
    InputTextDone,
    ItemAdded,
    ItemDone,
    PartAdded,
    PartDone,
    ReasoningTextDelta,
    ReasoningTextDone,
    RefusalTextDelta,
    RefusalTextDone,
    StreamEvent,
    TextDelta,
    TextDone,
)
from latticework.doors.responses.output import (
    ApplyPatchCall,
    CustomCallOutput,
    FunctionCallOutput,
    IncompleteCall,
    ItemStatus,
    LocalShellCall,
    MessageOutput,
    OutputItem,
    OutputText,
    ReasoningOutput,
    ReasoningText,
    RefusalText,
    ShellCall,
    ToolSearchCall,
)
from latticework.doors.responses.tools import OfferedTool
from latticework.engines.base import TokenSource
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
from turngrammar.scan import load_json

Logprobs = tuple[GeneratedToken, ...]


class ItemStream:
    """The output of one response.

    Attributes:
        done: the items that are complete, or cut and not calls.
        cut: the calls that were cut.
        sources: of the tokens, if requested.
        finish: the reason of the end, once it is known.
        confidence: of the values, if requested, once it is known.
        grounding: where the strings of the answer stand in the user's text, likewise.
        numbers: of the next events.
    """

    def __init__(self, tools: Sequence[OfferedTool], *, held: bool, seals_reasoning: bool) -> None:
        """`held`: whether each call is sent only when it is complete.

        `seals_reasoning`: whether the reasoning has its text as `encrypted_content` too.
        """
        self.done: list[OutputItem] = []
        self.cut: list[IncompleteCall] = []
        self.sources: list[TokenSource] = []
        self.finish: Finish | None = None
        self.confidence: ByPart[Confidence] | None = None
        self.grounding: ByPart[SourceSpan] | None = None
        self.numbers = itertools.count()
        self._tools = {tool.compiled.name: tool for tool in tools}
        self._held = held
        self._reasoning = _SEALED_REASONING if seals_reasoning else _REASONING
        self._indices = itertools.count()
        self._text: _OpenText | None = None
        self._calls: dict[int, _OpenCall] = {}

    def events(self, step: Step) -> Sequence[StreamEvent]:
        """The events of a step; of the last one, those that end the items."""
        if step.sources:
            self.sources += step.sources
        logprobs = tuple(map(generated_token, step.logprobs)) if step.logprobs else ()
        if len(step.events) == 1 and step.finish is None:  # as in most steps
            event = step.events[0]
            return _EVENTS[type(event)](self, event, logprobs)
        made: list[StreamEvent] = []
        for event in step.events:
            made += _EVENTS[type(event)](self, event, logprobs)
            logprobs = () if type(event) is ContentDelta else logprobs
        if step.finish is not None:
            made += self._end(step, logprobs)
        return made

    def _end(self, step: Step, logprobs: Logprobs) -> Iterator[StreamEvent]:
        """`logprobs`: of the tokens after the last text, such as the one that ends the answer."""
        self.finish, self.confidence, self.grounding = step.finish, step.confidence, step.grounding
        self.cut = [call.cut() for call in self._calls.values() if not call.ended]
        if not self.done and self._text is None and not self._calls:  # an answer has at least one item
            yield from self._opened(_MESSAGE)
        if logprobs and self._text is not None and self._text.kind is _MESSAGE:
            yield self._text.add("", logprobs)
        is_cut = step.finish == "length" and step.truncation is None and not self.cut
        yield from self._closed("incomplete" if is_cut else "completed")

    def _content(self, event: ContentDelta, logprobs: Logprobs) -> Sequence[StreamEvent]:
        return self._written(_MESSAGE, event.text, logprobs)

    def _refused(self, event: RefusalDelta, logprobs: Logprobs) -> Sequence[StreamEvent]:
        return self._written(_REFUSAL, event.text, ())

    def _reasoned(self, event: ReasoningDelta, logprobs: Logprobs) -> Sequence[StreamEvent]:
        return self._written(self._reasoning, event.text, ())

    def _written(self, kind: _TextKind, text: str, logprobs: Logprobs) -> Sequence[StreamEvent]:
        if self._text is not None and self._text.kind is kind:
            return (self._text.add(text, logprobs),)
        begun = [*self._closed("completed"), *self._opened(kind)]
        assert self._text is not None
        return [*begun, self._text.add(text, logprobs)]

    def _opened(self, kind: _TextKind) -> Iterator[StreamEvent]:
        self._text = _OpenText(kind, self.numbers, next(self._indices))
        return self._text.begin()

    def _closed(self, status: ItemStatus) -> Iterator[StreamEvent]:
        """Ends the text that is open."""
        if self._text is not None:
            text, self._text = self._text, None
            yield from self._ended(text.end(status))

    def _ended(self, events: Iterable[StreamEvent]) -> Iterator[StreamEvent]:
        """The events that end an item, which is done then."""
        for event in events:
            if type(event) is ItemDone:
                self.done.append(event.item)
            yield event

    def _call_start(self, event: ToolCallStart, logprobs: Logprobs) -> Sequence[StreamEvent]:
        self._calls[event.index] = _OpenCall(self._tools[event.name], event.id, self.numbers, held=self._held)
        return ()

    def _arguments(self, event: ArgumentsDelta, logprobs: Logprobs) -> Sequence[StreamEvent]:
        call = self._calls[event.index]
        text = call.feed(event.text)
        return self._called(call, text) if text else ()

    def _call_end(self, event: ToolCallEnd, logprobs: Logprobs) -> Sequence[StreamEvent]:
        call = self._calls[event.index]
        text = call.close()
        rest = self._called(call, text) if text or not call.begun else ()
        return [*rest, *self._ended(call.end())]

    def _called(self, call: _OpenCall, text: str) -> Sequence[StreamEvent]:
        if call.begun:
            return call.add(text)
        return [*self._closed("completed"), call.begin(next(self._indices)), *call.add(text)]


_EVENTS: Mapping[type[Event], Callable[[ItemStream, Any, Logprobs], Sequence[StreamEvent]]] = {
    ContentDelta: ItemStream._content,
    RefusalDelta: ItemStream._refused,
    ReasoningDelta: ItemStream._reasoned,
    ToolCallStart: ItemStream._call_start,
    ArgumentsDelta: ItemStream._arguments,
    ToolCallEnd: ItemStream._call_end,
}


# Of an event: its number, the item's index and id; of one of a text also the index of its only part.
_CallPlace = tuple[int, int, str]
_TextPlace = tuple[int, int, str, int]


@dataclass(frozen=True)
class _TextKind:
    """A kind of item that is one text: how its parts, its events and the item itself are made.

    Attributes:
        prefix: of its id.
    """

    prefix: str
    part: Callable[[str, Logprobs], OutputText | RefusalText | ReasoningText]
    delta: Callable[[_TextPlace, str, Logprobs], StreamEvent]
    done: Callable[[_TextPlace, str, Logprobs], StreamEvent]
    item: Callable[[str, ItemStatus, tuple[Any, ...]], OutputItem]


_MESSAGE = _TextKind(
    "msg_",
    lambda text, logprobs: OutputText(text, logprobs=logprobs),
    lambda place, text, logprobs: TextDelta(*place, text, logprobs),
    lambda place, text, logprobs: TextDone(*place, text, logprobs),
    lambda id, status, parts: MessageOutput(id, status, content=parts),
)
_REFUSAL = replace(
    _MESSAGE,
    part=lambda text, logprobs: RefusalText(text),
    delta=lambda place, text, logprobs: RefusalTextDelta(*place, text),
    done=lambda place, text, logprobs: RefusalTextDone(*place, text),
)
_REASONING = _TextKind(
    "rs_",
    lambda text, logprobs: ReasoningText(text),
    lambda place, text, logprobs: ReasoningTextDelta(*place, text),
    lambda place, text, logprobs: ReasoningTextDone(*place, text),
    lambda id, status, parts: ReasoningOutput(id, status, content=parts),
)
_SEALED_REASONING = replace(
    _REASONING,
    item=lambda id, status, parts: ReasoningOutput(
        id, status, content=parts, encrypted_content=sealed(parts[0].text) if parts else None
    ),
)


class _OpenText:
    """An item of text that is being written."""

    def __init__(self, kind: _TextKind, numbers: Iterator[int], index: int) -> None:
        self.kind = kind
        self.id = f"{kind.prefix}{secrets.token_hex(16)}"
        self._numbers = numbers
        self._index = index
        self._texts: list[str] = []
        self._logprobs: list[GeneratedToken] = []

    def begin(self) -> Iterator[StreamEvent]:
        yield ItemAdded(next(self._numbers), self._index, self.kind.item(self.id, "in_progress", ()))
        yield PartAdded(*self._place, self.kind.part("", ()))

    def add(self, text: str, logprobs: Logprobs) -> StreamEvent:
        self._texts.append(text)
        self._logprobs += logprobs
        return self.kind.delta(self._place, text, logprobs)

    def end(self, status: ItemStatus) -> Iterator[StreamEvent]:
        """The last event has the item."""
        text, logprobs = "".join(self._texts), tuple(self._logprobs)
        part = self.kind.part(text, logprobs)
        yield self.kind.done(self._place, text, logprobs)
        yield PartDone(*self._place, part)
        yield ItemDone(next(self._numbers), self._index, self.kind.item(self.id, status, (part,)))

    @property
    def _place(self) -> _TextPlace:
        return next(self._numbers), self._index, self.id, 0


@dataclass(frozen=True)
class _CallKind:
    """A kind of call: how its events and its item are made.

    Attributes:
        prefix: of its id.
        delta, done: its events, from the number, the item's index and id, and the text; none where the arguments are an
            object, which has no pieces.
        custom: whether its text is the input of a custom tool.
    """

    prefix: str
    item: Callable[[OfferedTool, str, str, str, ItemStatus], OutputItem]
    delta: Callable[[_CallPlace, str], StreamEvent] | None = None
    done: Callable[[_CallPlace, OfferedTool, str], StreamEvent] | None = None
    custom: bool = False


def _namespace(tool: OfferedTool) -> str | UnsetType:
    return UNSET if tool.namespace is None else tool.namespace


def _client_call(
    make: Callable[[str, str, dict[str, Any], ItemStatus], OutputItem],
) -> Callable[[OfferedTool, str, str, str, ItemStatus], OutputItem]:
    def item(tool: OfferedTool, id: str, call_id: str, text: str, status: ItemStatus) -> OutputItem:
        return make(id, call_id, {**CLIENT_TOOLS[tool.kind].fixed, **load_json(text)}, status)

    return item


_CALLS: Mapping[str, _CallKind] = {
    "function": _CallKind(
        "fc_",
        lambda tool, id, call_id, text, status: FunctionCallOutput(
            id, call_id, tool.name, text, status, _namespace(tool)
        ),
        lambda place, text: ArgumentsTextDelta(*place, text),
        lambda place, tool, text: ArgumentsTextDone(*place, tool.name, text),
    ),
    "custom": _CallKind(
        "ctc_",
        lambda tool, id, call_id, text, status: CustomCallOutput(
            id, call_id, tool.name, text, status, _namespace(tool)
        ),
        lambda place, text: InputTextDelta(*place, text),
        lambda place, tool, text: InputTextDone(*place, text),
        custom=True,
    ),
    "local_shell": _CallKind("lsh_", _client_call(LocalShellCall)),
    "shell": _CallKind("sh_", _client_call(ShellCall)),
    "apply_patch": _CallKind("apc_", _client_call(ApplyPatchCall)),
    "tool_search": _CallKind("tsc_", _client_call(ToolSearchCall)),
}


class _OpenCall:
    """A call that is being written."""

    def __init__(self, tool: OfferedTool, call_id: str | None, numbers: Iterator[int], *, held: bool) -> None:
        self.kind = _CALLS[tool.kind]
        self._tool = tool
        self._id = f"{self.kind.prefix}{secrets.token_hex(16)}"
        self._call_id = call_id or f"call_{secrets.token_hex(12)}"
        self._numbers = numbers
        self._index: int | None = None  # once it has begun
        self._stream = CallStream(custom=self.kind.custom, held=held or self.kind.delta is None)

    @property
    def begun(self) -> bool:
        return self._index is not None

    @property
    def ended(self) -> bool:
        return self._stream.ended

    def feed(self, arguments: str) -> str:
        """What a client is sent next of its text."""
        return self._stream.feed(arguments)

    def close(self) -> str:
        """The call is complete: the rest of it."""
        return self._stream.end()

    def begin(self, index: int) -> StreamEvent:
        self._index = index
        text = self._stream.text if self.kind.delta is None else ""
        return ItemAdded(next(self._numbers), index, self._item(text, "in_progress"))

    def add(self, text: str) -> Sequence[StreamEvent]:
        """A custom tool's input may be empty, and has no piece then."""
        if self.kind.delta is None or (self.kind.custom and not text):
            return ()
        return (self.kind.delta(self._place, text),)

    def end(self) -> Iterator[StreamEvent]:
        """The last event has the item."""
        assert self._index is not None
        if self.kind.done is not None:
            yield self.kind.done(self._place, self._tool, self._stream.text)
        yield ItemDone(next(self._numbers), self._index, self._item(self._stream.text, "completed"))

    def cut(self) -> IncompleteCall:
        text = self._stream.cut()
        return IncompleteCall(
            self._tool.name,
            arguments=UNSET if self.kind.custom else text,
            input=text if self.kind.custom else UNSET,
            namespace=_namespace(self._tool),
            id=UNSET if self._index is None else self._id,
        )

    def _item(self, text: str, status: ItemStatus) -> OutputItem:
        return self.kind.item(self._tool, self._id, self._call_id, text, status)

    @property
    def _place(self) -> _CallPlace:
        assert self._index is not None
        return next(self._numbers), self._index, self._id
