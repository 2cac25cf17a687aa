"""From steps to the chunks of a chat completion, and from chunks to the whole response."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from latticework.doors.chat.calls import StreamedCall
from latticework.doors.chat.chunks import (
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
    PromptLogprob,
    PromptLogprobs,
    ToolCall,
    ToolCallDelta,
)
from latticework.doors.chat.request import ChatRequest
from latticework.doors.common.warnings import ResponseWarning, cut_warning, notice_warnings, warnings_of
from latticework.doors.openai import Usage
from latticework.doors.openai.chunked import ChunkedResponse
from latticework.doors.openai.logprobs import GeneratedToken, generated_token
from latticework.engines.base import SampledToken, TokenSource
from latticework.generate import ByPart, Confidence, Finish, SourceSpan, Step, Truncation
from latticework.generate.generation import Generation
from latticework.http.sse import ChunkFrame, OpeningFrame, event
from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    ReasoningDelta,
    RefusalDelta,
    ToolCallEnd,
    ToolCallStart,
)

FINISH_REASONS: Mapping[Finish, FinishReason] = {
    "stop": "stop",
    "stop_string": "stop",
    "length": "length",
    "calls": "tool_calls",
    "refusal": "stop",
}


class ChatResponse(ChunkedResponse[ChunkChoice, Chunk]):
    """A fresh one for each request."""

    def __init__(self, request: ChatRequest, generation: Generation) -> None:
        super().__init__(request, generation)
        self._custom = frozenset(tool.name for tool in request.tools or () if tool.type == "custom")
        # A whole response has no call that is cut, so that none needs to be taken back.
        self._held = not request.stream or any(job.whole_calls for job in generation.jobs)
        self._as_ids = bool(request.return_tokens_as_token_ids)
        self._made_choices: list[_Choice] = []
        either = bool(request.tools and request.tool_choice != "none") or generation.jobs[0].plan.refusal
        self._opening = OPENING_OF_EITHER if either else OPENING

    def whole(self, chunks: Sequence[ChunkChoice]) -> bytes:
        opening = replace(self._chunk(), prompt_logprobs=self._prompt_logprobs, **self._once)
        noted = [self._with_notices(chunk) for chunk in chunks]
        return msgspec.json.encode(fold_chunks([opening, *noted, self._last()]))

    def events(self, chunks: Sequence[ChunkChoice]) -> bytes:
        """The last chunk of an answer has the warnings about it."""
        if not self._generation.notices:
            return super().events(chunks)
        return b"".join(self._event(chunk) for chunk in chunks)

    def _event(self, choice: ChunkChoice) -> bytes:
        chunk = self._with_notices(choice)
        if chunk.warnings is UNSET:
            return super().events([choice])
        return event(msgspec.json.encode(replace(chunk, usage=self._no_usage)))

    def _with_notices(self, choice: ChunkChoice) -> Chunk:
        notices = self._generation.notices.get(choice.index, ()) if choice.finish_reason else ()
        return replace(self._chunk(choice), warnings=notice_warnings(notices) or UNSET)

    @cached_property
    def _frame(self) -> ChunkFrame:
        """The first event has what comes once."""
        chunk, once = self._chunk(usage=self._no_usage), self._once
        return OpeningFrame(replace(chunk, **once), chunk) if once else ChunkFrame(chunk)

    @cached_property
    def _once(self) -> Mapping[str, Any]:
        """The warnings about the request and the prompt's tokens, where there are any to return."""
        warnings, jobs = warnings_of(self._generation), self._generation.jobs
        ids = {"prompt_token_ids": tuple(jobs[0].prompt)} if jobs[0].returns_ids else {}
        return {**ids, "warnings": warnings} if warnings else ids

    @property
    def _prompt_logprobs(self) -> PromptLogprobs | UnsetType:
        """Known once the answer is there. Its tokens are the same for all choices."""
        return next((choice.prompt_logprobs for choice in self._made_choices if choice.prompt_logprobs), UNSET)

    def _new_choice(self, index: int) -> _Choice:
        choice = _Choice(index, self._custom, self._opening, held=self._held, as_ids=self._as_ids)
        self._made_choices.append(choice)
        return choice

    def _chunk(self, *choices: ChunkChoice, usage: Usage | UnsetType | None = UNSET) -> Chunk:
        return Chunk(self._generation.id, self._created, self._model, choices, usage=usage)


class _Choice:
    """One choice of a stream: its steps in, its chunks out."""

    def __init__(self, index: int, custom: frozenset[str], opening: Delta, *, held: bool, as_ids: bool) -> None:
        """`custom`: the names of custom tools. `held`: whether each call is sent only when it is complete.

        `as_ids`: whether tokens with log probabilities are named by their ids.
        """
        self.prompt_logprobs: PromptLogprobs = ()
        self._as_ids = as_ids
        self._token_ids: list[int] = []
        self._index = index
        self._custom = custom
        self._opening = opening
        self._held = held
        self._opened = False
        self._silent = opening.content is UNSET  # neither content nor a refusal nor a call so far
        self._refused = False
        self._calls: dict[int, StreamedCall] = {}
        self._places = itertools.count()
        self._logprobs: list[SampledToken] = []
        self._sources: list[TokenSource] = []

    def chunk(self, step: Step) -> ChunkChoice | None:
        """None where the step adds nothing that a client sees."""
        if step.logprobs:
            self._logprobs += step.logprobs
        if step.sources:
            self._sources += step.sources
        if step.token_ids:
            self._token_ids += step.token_ids
        if step.prompt_logprobs:
            self.prompt_logprobs = tuple(map(_prompt_logprob, step.prompt_logprobs))
        if step.finish is not None:
            last = self._made(self._last_delta(), FINISH_REASONS[step.finish], step.truncation or UNSET)
            return replace(last, confidence=step.confidence or UNSET, grounding=step.grounding or UNSET)
        if not self._opened:
            self._opened = True
            return self._made(self._opening)
        delta = self._delta(step.events)
        if delta is None:
            return None
        if self._logprobs or self._sources or self._token_ids:
            return self._made(delta)
        return ChunkChoice(self._index, delta)

    def _last_delta(self) -> Delta:
        incomplete = tuple(call.cut() for call in self._calls.values() if not call.ended) or UNSET
        return replace(EMPTY if self._silent else Delta(), incomplete_tool_calls=incomplete)

    def _delta(self, events: Sequence[Event]) -> Delta | None:
        if len(events) == 1:  # as in most steps
            return _DELTAS[type(events[0])](self, events[0])
        deltas = [delta for added in events if (delta := _DELTAS[type(added)](self, added)) is not None]
        return joined_deltas(deltas) if deltas else None

    def _made(
        self, delta: Delta, finish: FinishReason | None = None, truncation: Truncation | UnsetType = UNSET
    ) -> ChunkChoice:
        """With what is known of the tokens since the last chunk."""
        made = tuple(generated_token(token, as_id=self._as_ids) for token in self._logprobs)
        sources = tuple(self._sources) if self._sources else UNSET
        token_ids = tuple(self._token_ids) if self._token_ids else UNSET
        self._logprobs, self._sources, self._token_ids = [], [], []
        logprobs = (Logprobs(None, made) if self._refused else Logprobs(made)) if made else None
        return ChunkChoice(self._index, delta, logprobs, finish, truncation, sources, token_ids)

    def _content(self, added: ContentDelta) -> Delta:
        self._silent = False
        return Delta(content=added.text)

    def _refusal(self, added: RefusalDelta) -> Delta:
        self._silent, self._refused = False, True
        return Delta(refusal=added.text)

    def _reasoning(self, added: ReasoningDelta) -> Delta:
        return Delta(reasoning_content=added.text, reasoning=added.text)

    def _call_start(self, added: ToolCallStart) -> None:
        self._silent = False
        custom = added.name in self._custom
        self._calls[added.index] = StreamedCall(added, self._places, custom=custom, held=self._held)

    def _arguments(self, added: ArgumentsDelta) -> Delta | None:
        return _call_delta(self._calls[added.index].feed(added.text))

    def _call_end(self, added: ToolCallEnd) -> Delta | None:
        return _call_delta(self._calls[added.index].end())


_DELTAS: Mapping[type[Event], Callable[[_Choice, Any], Delta | None]] = {
    ContentDelta: _Choice._content,
    ReasoningDelta: _Choice._reasoning,
    RefusalDelta: _Choice._refusal,
    ToolCallStart: _Choice._call_start,
    ArgumentsDelta: _Choice._arguments,
    ToolCallEnd: _Choice._call_end,
}


def _call_delta(call: ToolCallDelta | None) -> Delta | None:
    return None if call is None else Delta(tool_calls=(call,))


def _prompt_logprob(token: SampledToken | None) -> dict[str, PromptLogprob] | None:
    if token is None:
        return None
    return {str(other.id): PromptLogprob(other.logprob, other.rank, other.token) for other in (*token.top, token)}


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
        refusal="".join(delta.refusal or "" for delta in deltas) or UNSET,
        tool_calls=tuple(_joined_call(pieces) for _, pieces in sorted(calls.items())) or UNSET,
        incomplete_tool_calls=tuple(call for delta in deltas for call in delta.incomplete_tool_calls or ()) or UNSET,
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
    logprobs: list[GeneratedToken] = field(default_factory=list)
    refusal_logprobs: list[GeneratedToken] = field(default_factory=list)
    finish_reason: FinishReason = "stop"
    truncation: Truncation | UnsetType = UNSET
    sources: list[TokenSource] = field(default_factory=list)
    token_ids: list[int] = field(default_factory=list)
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET

    def add(self, choice: ChunkChoice) -> None:
        self.deltas.append(choice.delta)
        if choice.logprobs is not None:
            self.logprobs += choice.logprobs.content or ()
            self.refusal_logprobs += choice.logprobs.refusal or ()
        self.finish_reason = choice.finish_reason or self.finish_reason
        self.truncation = choice.truncation or self.truncation
        self.sources += choice.token_sources or ()
        self.token_ids += choice.token_ids or ()
        self.confidence = choice.confidence or self.confidence
        self.grounding = choice.grounding or self.grounding

    def message(self) -> AnswerMessage:
        """Without the calls that were cut: a stream may have begun one of them."""
        whole = joined_deltas(self.deltas)
        incomplete = whole.incomplete_tool_calls or ()
        begun = {call.index for call in incomplete}
        calls = tuple(_whole_call(call) for call in whole.tool_calls or () if call.index not in begun)
        content, reasoning = whole.content or "", whole.reasoning or None
        return AnswerMessage(
            content=None if (calls or incomplete or whole.refusal) and not content else content,
            reasoning_content=reasoning,
            reasoning=reasoning,
            refusal=whole.refusal or None,
            tool_calls=calls or UNSET,
            incomplete_tool_calls=tuple(replace(call, index=UNSET, id=UNSET) for call in incomplete) or UNSET,
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
    choices = tuple(_whole_choice(index, choice) for index, choice in sorted(gathered.items()))
    given = [warning for chunk in chunks for warning in chunk.warnings or ()]
    return ChatCompletion(
        id=last.id,
        created=last.created,
        model=last.model,
        choices=choices,
        usage=last.usage or Usage(0, 0, 0),
        warnings=(*given, *_cut_warnings(choices)) or UNSET,
        prompt_token_ids=chunks[0].prompt_token_ids,
        prompt_logprobs=chunks[0].prompt_logprobs,
        kv_transfer_params=last.kv_transfer_params,
    )


def _cut_warnings(choices: Sequence[CompletionChoice]) -> Iterator[ResponseWarning]:
    for choice in choices:
        for call in choice.message.incomplete_tool_calls or ():
            yield cut_warning(call.name, "tool_calls")


def _whole_choice(index: int, choice: _Gathered) -> CompletionChoice:
    made, refused = tuple(choice.logprobs) or None, tuple(choice.refusal_logprobs) or None
    logprobs = Logprobs(made, refused) if made or refused else None
    sources, token_ids = tuple(choice.sources) or UNSET, tuple(choice.token_ids) or UNSET
    message, finish = choice.message(), choice.finish_reason
    return CompletionChoice(
        index,
        message,
        logprobs,
        finish,
        choice.truncation,
        sources,
        token_ids,
        confidence=choice.confidence,
        grounding=choice.grounding,
    )
