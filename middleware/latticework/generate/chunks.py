"""Pieces of a message put together: those of one chunk, and those of a whole response."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from latticework.engines.base import TokenSource
from latticework.responses import (
    AnswerMessage,
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
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    Truncation,
    Usage,
)

OPENING = Delta(role="assistant", content="")


def joined(deltas: Sequence[Delta]) -> Delta:
    """What pieces of a message amount to, which is a piece of it too.

    Each call has one entry, since some clients merge a chunk's entries by position.
    """
    if len(deltas) == 1:
        return deltas[0]
    calls: dict[int, list[ToolCallDelta]] = {}
    for delta in deltas:
        for call in delta.tool_calls or ():
            calls.setdefault(call.index, []).append(call)
    reasoning = "".join(delta.reasoning or "" for delta in deltas) or UNSET
    return Delta(
        content="".join(delta.content or "" for delta in deltas) or UNSET,
        reasoning_content=reasoning,
        reasoning=reasoning,
        tool_calls=tuple(_joined_call(pieces) for _, pieces in sorted(calls.items())) or UNSET,
    )


def _joined_call(pieces: Sequence[ToolCallDelta]) -> ToolCallDelta:
    """The first of them says what is called, with the texts of all."""
    first = pieces[0]
    functions = [piece.function for piece in pieces if isinstance(piece.function, FunctionDelta)]
    if functions:
        text = "".join(function.arguments for function in functions)
        return replace(first, function=FunctionDelta(text, functions[0].name))
    customs = [piece.custom for piece in pieces if isinstance(piece.custom, CustomDelta)]
    return replace(first, custom=CustomDelta("".join(custom.input for custom in customs), customs[0].name))


@dataclass
class _Gathered:
    """One choice while its chunks are put together."""

    deltas: list[Delta] = field(default_factory=list)
    logprobs: list[TokenLogprob] = field(default_factory=list)
    finish_reason: FinishReason = "stop"
    truncation: Truncation | UnsetType = UNSET
    sources: list[TokenSource] = field(default_factory=list)

    def add(self, choice: ChunkChoice) -> None:
        self.deltas.append(choice.delta)
        if choice.logprobs is not None:
            self.logprobs += choice.logprobs.content
        self.finish_reason = choice.finish_reason or self.finish_reason
        self.truncation = choice.truncation or self.truncation
        self.sources += choice.token_sources or ()

    def message(self) -> AnswerMessage:
        whole = joined(self.deltas)
        calls = tuple(map(_call, whole.tool_calls or ()))
        content, reasoning = whole.content or "", whole.reasoning or None
        return AnswerMessage(
            content=None if calls and not content else content,
            reasoning_content=reasoning,
            reasoning=reasoning,
            tool_calls=calls or UNSET,
        )


def _call(whole: ToolCallDelta) -> ToolCall | CustomCall:
    identity = whole.id or ""
    if isinstance(whole.custom, CustomDelta):
        return CustomCall(identity, Custom(whole.custom.name or "", whole.custom.input))
    assert isinstance(whole.function, FunctionDelta)
    return ToolCall(identity, Function(whole.function.name or "", whole.function.arguments))


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
    logprobs = Logprobs(tuple(choice.logprobs)) if choice.logprobs else None
    sources = tuple(choice.sources) or UNSET
    return CompletionChoice(index, choice.message(), logprobs, choice.finish_reason, choice.truncation, sources)
