"""The two ways a chunk is made: from a parser's events, and back into a whole response."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from msgspec import UNSET

from grammars.events import ArgumentsDelta, ContentDelta, Event, ReasoningDelta, ToolCallStart
from middleware.responses import (
    ChatCompletion,
    Chunk,
    ChunkChoice,
    CompletionChoice,
    Custom,
    CustomCall,
    CustomDelta,
    Delta,
    FinishReason,
    Function,
    FunctionDelta,
    Logprobs,
    Message,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Usage,
)

OPENING = Delta(role="assistant", content="")


def joined(events: Iterable[Event], kind: type[ContentDelta] | type[ReasoningDelta]) -> str:
    """The text of the events of one kind."""
    return "".join(event.text for event in events if isinstance(event, kind))


def delta(events: Sequence[Event], ids: Sequence[str]) -> Delta | None:
    """What one piece's events add to the message; None where they add nothing.

    Each call has one entry at most, since some clients merge a chunk's entries by position. `ids[index]` is the
    id of call `index`.
    """
    content, reasoning = joined(events, ContentDelta), joined(events, ReasoningDelta)
    calls = tuple(_call(events, index, ids) for index in _calls_in(events))
    if not (content or reasoning or calls):
        return None
    return Delta(
        content=content or UNSET,
        reasoning_content=reasoning or UNSET,
        reasoning=reasoning or UNSET,
        tool_calls=calls or UNSET,
    )


def _calls_in(events: Sequence[Event]) -> list[int]:
    return list(dict.fromkeys(e.index for e in events if isinstance(e, ToolCallStart | ArgumentsDelta)))


def _call(events: Sequence[Event], index: int, ids: Sequence[str]) -> ToolCallDelta:
    arguments = "".join(e.text for e in events if isinstance(e, ArgumentsDelta) and e.index == index)
    for event in events:
        if isinstance(event, ToolCallStart) and event.index == index:
            return ToolCallDelta(index, FunctionDelta(arguments, event.name), ids[index], "function")
    return ToolCallDelta(index, FunctionDelta(arguments))


@dataclass
class _Gathered:
    """One choice while its chunks are put together."""

    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, list[ToolCallDelta]] = field(default_factory=dict)
    logprobs: list[TokenLogprob] | None = None
    finish_reason: FinishReason = "stop"

    def add(self, choice: ChunkChoice) -> None:
        self.content.append(choice.delta.content or "")
        self.reasoning.append(choice.delta.reasoning_content or "")
        for call in choice.delta.tool_calls or ():
            self.calls.setdefault(call.index, []).append(call)
        if choice.logprobs is not None:
            self.logprobs = [*(self.logprobs or ()), *choice.logprobs.content]
        self.finish_reason = choice.finish_reason or self.finish_reason

    def message(self) -> Message:
        calls = tuple(_whole_call(pieces) for _, pieces in sorted(self.calls.items()))
        content = "".join(self.content)
        reasoning = "".join(self.reasoning) or None
        return Message(
            content=None if calls and not content else content,
            reasoning_content=reasoning,
            reasoning=reasoning,
            tool_calls=calls or UNSET,
        )


def _whole_call(pieces: Sequence[ToolCallDelta]) -> ToolCall | CustomCall:
    identity = pieces[0].id or ""
    functions = [piece.function for piece in pieces if isinstance(piece.function, FunctionDelta)]
    if functions:
        return ToolCall(identity, Function(functions[0].name or "", "".join(piece.arguments for piece in functions)))
    customs = [piece.custom for piece in pieces if isinstance(piece.custom, CustomDelta)]
    return CustomCall(identity, Custom(customs[0].name or "", "".join(piece.input for piece in customs)))


def fold(chunks: Sequence[Chunk]) -> ChatCompletion:
    """The whole response that a stream amounts to. The last chunk has the usage."""
    gathered: dict[int, _Gathered] = {}
    for chunk in chunks:
        for choice in chunk.choices:
            gathered.setdefault(choice.index, _Gathered()).add(choice)
    last = chunks[-1]
    return ChatCompletion(
        id=last.id,
        created=last.created,
        model=last.model,
        choices=tuple(_choice(index, choice) for index, choice in sorted(gathered.items())),
        usage=last.usage or Usage(0, 0, 0),
    )


def _choice(index: int, choice: _Gathered) -> CompletionChoice:
    logprobs = None if choice.logprobs is None else Logprobs(tuple(choice.logprobs))
    return CompletionChoice(index, choice.message(), logprobs, choice.finish_reason)
