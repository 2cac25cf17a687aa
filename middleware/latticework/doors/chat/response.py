"""From steps to the chunks of a chat completion, and from chunks to the whole response."""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from latticework.doors.chat.chunks import (
    AnswerMessage,
    ChatCompletion,
    ChatTokenLogprob,
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
    ToolCall,
    ToolCallDelta,
    TopLogprob,
)
from latticework.doors.chat.request import ChatRequest
from latticework.doors.openai import Usage, warnings_of
from latticework.doors.openai.chunked import ChunkedResponse
from latticework.engines.base import SampledToken, TokenSource
from latticework.generate import Finish, Step, Truncation
from latticework.generate.generation import Generation
from latticework.http.sse import ChunkFrame, OpeningFrame
from turngrammar.events import ArgumentsDelta, ContentDelta, Event, ReasoningDelta, ToolCallEnd, ToolCallStart

_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
# What says something by itself: plain characters, an escape, both halves of a surrogate pair. Half a pair waits for
# what comes next, unless it is certain that the other half does not.
_UNIT = re.compile(
    r"""[^"\\]+
      | \\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?=[^\\]|\\[^u]|\\u[^dD]|\\u[dD][^c-fC-F]))
      | \\u(?![dD][89abAB])[0-9a-fA-F]{4}
      | \\["\\/bfnrt]""",
    re.VERBOSE,
)
_decode = json.JSONDecoder(strict=False).decode
_LONE = re.compile("[\ud800-\udfff]")
FINISH_REASONS: Mapping[Finish, FinishReason] = {
    "stop": "stop",
    "stop_string": "stop",
    "length": "length",
    "calls": "tool_calls",
}


class ChatResponse(ChunkedResponse[ChunkChoice]):
    """A fresh one for each request."""

    def __init__(self, request: ChatRequest, generation: Generation) -> None:
        super().__init__(request, generation)
        self._custom = frozenset(tool.name for tool in request.tools or () if tool.type == "custom")
        self._opening = OPENING_OF_EITHER if request.tools and request.tool_choice != "none" else OPENING

    def whole(self, chunks: Sequence[ChunkChoice]) -> bytes:
        opening = replace(self._chunk(), warnings=warnings_of(self._generation))
        return msgspec.json.encode(
            fold_chunks([opening, *(self._chunk(chunk) for chunk in chunks), self._chunk(usage=self._usage)])
        )

    @cached_property
    def _frame(self) -> ChunkFrame:
        """The first event has the warnings."""
        chunk, warnings = self._chunk(usage=self._no_usage), warnings_of(self._generation)
        return OpeningFrame(replace(chunk, warnings=warnings), chunk) if warnings else ChunkFrame(chunk)

    def _new_choice(self, index: int) -> _Choice:
        return _Choice(index, self._custom, self._opening)

    def _chunk(self, *choices: ChunkChoice, usage: Usage | UnsetType | None = UNSET) -> Chunk:
        return Chunk(self._generation.id, self._created, self._model, choices, usage=usage)


class _Choice:
    """One choice of a stream: its steps in, its chunks out."""

    def __init__(self, index: int, custom: frozenset[str], opening: Delta) -> None:
        self._index = index
        self._custom = custom
        self._opening = opening
        self._opened = False
        self._silent = opening.content is UNSET  # neither content nor a call so far
        self._inputs: dict[int, InputText] = {}  # of calls of custom tools
        self._logprobs: list[SampledToken] = []
        self._sources: list[TokenSource] = []

    def chunk(self, step: Step) -> ChunkChoice | None:
        """None where the step adds nothing that a client sees."""
        if step.logprobs:
            self._logprobs += step.logprobs
        if step.sources:
            self._sources += step.sources
        if step.finish is not None:
            return self._made(EMPTY if self._silent else Delta(), FINISH_REASONS[step.finish], step.truncation or UNSET)
        if not self._opened:
            self._opened = True
            return self._made(self._opening)
        delta = self._delta(step.events)
        if delta is None:
            return None
        return self._made(delta) if self._logprobs or self._sources else ChunkChoice(self._index, delta)

    def _delta(self, events: Sequence[Event]) -> Delta | None:
        if len(events) == 1:  # as in most steps
            return _DELTAS[type(events[0])](self, events[0])
        deltas = [delta for added in events if (delta := _DELTAS[type(added)](self, added)) is not None]
        return joined_deltas(deltas) if deltas else None

    def _made(
        self, delta: Delta, finish: FinishReason | None = None, truncation: Truncation | UnsetType = UNSET
    ) -> ChunkChoice:
        """With what is known of the tokens since the last chunk."""
        logprobs = Logprobs(tuple(map(_token_logprob, self._logprobs))) if self._logprobs else None
        sources = tuple(self._sources) if self._sources else UNSET
        self._logprobs, self._sources = [], []
        return ChunkChoice(self._index, delta, logprobs, finish, truncation, sources)

    def _content(self, added: ContentDelta) -> Delta:
        self._silent = False
        return Delta(content=added.text)

    def _reasoning(self, added: ReasoningDelta) -> Delta:
        return Delta(reasoning_content=added.text, reasoning=added.text)

    def _call_start(self, added: ToolCallStart) -> Delta:
        self._silent = False
        id = added.id or f"call_{secrets.token_hex(12)}"
        if added.name in self._custom:
            self._inputs[added.index] = InputText()
            return _call_delta(ToolCallDelta(added.index, id=id, type="custom", custom=CustomDelta("", added.name)))
        return _call_delta(ToolCallDelta(added.index, FunctionDelta("", added.name), id, "function"))

    def _arguments(self, added: ArgumentsDelta) -> Delta | None:
        if added.index not in self._inputs:
            return _call_delta(ToolCallDelta(added.index, FunctionDelta(added.text)))
        text = self._inputs[added.index].feed(added.text)
        return _call_delta(ToolCallDelta(added.index, custom=CustomDelta(text))) if text else None

    def _call_end(self, added: ToolCallEnd) -> None:
        """Clients see a call's end by the next one, or by the end of the message."""


_DELTAS: Mapping[type[Event], Callable[[_Choice, Any], Delta | None]] = {
    ContentDelta: _Choice._content,
    ReasoningDelta: _Choice._reasoning,
    ToolCallStart: _Choice._call_start,
    ArgumentsDelta: _Choice._arguments,
    ToolCallEnd: _Choice._call_end,
}


def _call_delta(call: ToolCallDelta) -> Delta:
    return Delta(tool_calls=(call,))


def _token_logprob(sampled: SampledToken) -> ChatTokenLogprob:
    top = tuple(TopLogprob(other.token, other.logprob, other.bytes) for other in sampled.top)
    return ChatTokenLogprob(sampled.token, sampled.logprob, sampled.bytes, top)


# Clients keep the content of the first chunk, and that of calls without text is null in the whole response. A message
# that turns out to have neither says so at its end.
OPENING, OPENING_OF_EITHER = Delta(role="assistant", content=""), Delta(role="assistant")
EMPTY = Delta(content="")


def joined_deltas(deltas: Sequence[Delta]) -> Delta:
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
    logprobs: list[ChatTokenLogprob] = field(default_factory=list)
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
        whole = joined_deltas(self.deltas)
        calls = tuple(map(_whole_call, whole.tool_calls or ()))
        content, reasoning = whole.content or "", whole.reasoning or None
        return AnswerMessage(
            content=None if calls and not content else content,
            reasoning_content=reasoning,
            reasoning=reasoning,
            tool_calls=calls or UNSET,
        )


def _whole_call(whole: ToolCallDelta) -> ToolCall | CustomCall:
    identity = whole.id or ""
    if isinstance(whole.custom, CustomDelta):
        return CustomCall(identity, Custom(whole.custom.name or "", whole.custom.input))
    assert isinstance(whole.function, FunctionDelta)
    return ToolCall(identity, Function(whole.function.name or "", whole.function.arguments))


def fold_chunks(chunks: Sequence[Chunk]) -> ChatCompletion:
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
        choices=tuple(_whole_choice(index, choice) for index, choice in sorted(gathered.items())),
        usage=last.usage or Usage(0, 0, 0),
        warnings=next((chunk.warnings for chunk in chunks if chunk.warnings), UNSET),
    )


def _whole_choice(index: int, choice: _Gathered) -> CompletionChoice:
    logprobs = Logprobs(tuple(choice.logprobs)) if choice.logprobs else None
    sources = tuple(choice.sources) or UNSET
    return CompletionChoice(index, choice.message(), logprobs, choice.finish_reason, choice.truncation, sources)


class InputText:
    """Decodes one call's arguments. Never fails: any other object has no text, and is reported elsewhere."""

    def __init__(self) -> None:
        self._waiting = ""
        self._opened = False

    def feed(self, arguments: str) -> str:
        """The text that this piece makes certain. Half a surrogate pair is U+FFFD, since UTF-8 has none."""
        self._waiting += arguments
        if not self._opened:
            opening = _OPENING.match(self._waiting)
            if opening is None:
                return ""
            self._opened, self._waiting = True, self._waiting[opening.end() :]
        return self._text()

    def _text(self) -> str:
        texts, at = [], 0
        while unit := _UNIT.match(self._waiting, at):
            texts.append(_decode(f'"{unit[0]}"'))
            at = unit.end()
        self._waiting = self._waiting[at:]
        return _LONE.sub("\ufffd", "".join(texts))
