"""From steps to a text completion: the chunks of a stream have the same form as the whole."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework.doors.completions.request import CompletionRequest
from latticework.doors.openai import Usage, usage_of
from latticework.engines.base import SampledToken, TokenSource
from latticework.generate import Finish, Step
from latticework.generate.generation import Generation
from latticework.http.sse import DONE, ChunkFrame, event
from latticework.turn import Echo
from turngrammar.events import ContentDelta

TextFinish = Literal["stop", "length"]
FINISHES: Mapping[Finish, TextFinish] = {
    "stop": "stop",
    "stop_string": "stop",
    "calls": "stop",
    "length": "length",
}


class TextLogprobs(msgspec.Struct, frozen=True):
    """Four lists with one entry for each token. The first token of a prompt has no log probability.

    `top_logprobs` maps the most likely tokens, and the token itself, to their log probabilities; `text_offset` is the
    position of a token in the text, in characters.
    """

    text_offset: tuple[int, ...]
    token_logprobs: tuple[float | None, ...]
    tokens: tuple[str, ...]
    top_logprobs: tuple[dict[str, float] | None, ...]


class TextChoice(msgspec.Struct, frozen=True):
    """An answer, or its next piece. `token_sources`: if requested."""

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: TextFinish | None = None
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET


class TextCompletion(msgspec.Struct, frozen=True):
    """The whole response, or an event of a stream. With `include_usage`, the last one has the usage and no choices."""

    id: str
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    object: Literal["text_completion"] = "text_completion"
    usage: Usage | UnsetType | None = UNSET


class CompletionResponse:
    """A fresh one for each request."""

    def __init__(self, request: CompletionRequest, generation: Generation) -> None:
        self._request = request
        self._generation = generation
        self._created = int(time.time())
        self._usage = bool(request.stream_options and request.stream_options.include_usage)
        self._choices: dict[int, _TextChoice] = {}

    def chunks(self, steps: Sequence[Step]) -> list[TextChoice]:
        return [chunk for step in steps if (chunk := self._choice(step.index).chunk(step)) is not None]

    def events(self, chunks: Sequence[TextChoice]) -> bytes:
        return self._frame.events(chunks) if chunks else b""

    def end(self) -> bytes:
        usage = event(msgspec.json.encode(self._completion(usage=self._counted))) if self._usage else b""
        return usage + DONE

    def whole(self, chunks: Sequence[TextChoice]) -> bytes:
        choices = (_fold([chunk for chunk in chunks if chunk.index == index]) for index in sorted(self._choices))
        return msgspec.json.encode(self._completion(*choices, usage=self._counted))

    def logged(self, chunks: Sequence[TextChoice]) -> list[TextCompletion]:
        return [self._completion(chunk, usage=None) for chunk in chunks]

    @cached_property
    def _frame(self) -> ChunkFrame:
        """Where the usage is requested, all other chunks have it as null; else none has it."""
        return ChunkFrame(self._completion(usage=None if self._usage else UNSET))

    @property
    def _counted(self) -> Usage:
        return usage_of(self._generation.tokens)

    def _completion(self, *choices: TextChoice, usage: Usage | UnsetType | None = UNSET) -> TextCompletion:
        return TextCompletion(self._generation.id, self._created, self._request.model, choices, usage=usage)

    def _choice(self, index: int) -> _TextChoice:
        choice = self._choices.get(index)
        if choice is None:
            job = self._generation.jobs[index // (self._request.n or 1)]
            choice = self._choices[index] = _TextChoice(index, job.echo, silent=self._request.max_tokens == 0)
        return choice


class _TextChoice:
    """One choice of a stream: its steps in, its chunks out."""

    def __init__(self, index: int, echo: Echo | None, *, silent: bool) -> None:
        """`silent`: nothing but the prompt is returned."""
        self._index = index
        self._echo = echo
        self._silent = silent
        self._offset = 0
        self._tokens: list[SampledToken | None] = []
        self._sources: list[TokenSource] = []

    def chunk(self, step: Step) -> TextChoice | None:
        """None where the step adds nothing that a client sees."""
        self._tokens += step.prompt_logprobs
        if not self._silent:
            self._tokens += step.logprobs
            self._sources += step.sources
        text = "" if self._silent else "".join(part.text for part in step.events if isinstance(part, ContentDelta))
        finish = FINISHES[step.finish] if step.finish is not None else None
        if not text and finish is None:
            return None
        if self._echo is not None:
            text, self._first = self._echo.text + text, self._echo.first_token
            self._echo = None
        sources = tuple(self._sources) or UNSET
        self._sources = []
        return TextChoice(self._index, text, self._logprobs(), finish, sources)

    def _logprobs(self) -> TextLogprobs | None:
        if not self._tokens:
            return None
        tokens, self._tokens = self._tokens, []
        texts = tuple(self._first if token is None else token.token for token in tokens)
        offsets = []
        for text in texts:
            offsets.append(self._offset)
            self._offset += len(text)
        return TextLogprobs(
            tuple(offsets),
            tuple(None if token is None else token.logprob for token in tokens),
            texts,
            tuple(None if token is None else _with_alternatives(token) for token in tokens),
        )


def _with_alternatives(token: SampledToken) -> dict[str, float]:
    return {**{other.token: other.logprob for other in token.top}, token.token: token.logprob}


def _fold(chunks: Sequence[TextChoice]) -> TextChoice:
    """The whole answer that its chunks amount to."""
    parts = [chunk.logprobs for chunk in chunks if chunk.logprobs is not None]
    sources = tuple(source for chunk in chunks for source in chunk.token_sources or ())
    return TextChoice(
        chunks[-1].index,
        "".join(chunk.text for chunk in chunks),
        _joined_logprobs(parts) if parts else None,
        chunks[-1].finish_reason,
        sources or UNSET,
    )


def _joined_logprobs(parts: Sequence[TextLogprobs]) -> TextLogprobs:
    return TextLogprobs(
        tuple(offset for part in parts for offset in part.text_offset),
        tuple(logprob for part in parts for logprob in part.token_logprobs),
        tuple(token for part in parts for token in part.tokens),
        tuple(top for part in parts for top in part.top_logprobs),
    )
