"""From steps to a text completion: the chunks of a stream have the same form as the whole."""

from __future__ import annotations

from codecs import utf_8_decode
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from latticework.doors.completions.request import CompletionRequest
from latticework.doors.openai import Usage, token_label
from latticework.doors.openai.chunked import ChunkedResponse
from latticework.engines.base import SampledToken, TokenLogprob, TokenSource
from latticework.generate import ByPart, Confidence, Finish, SourceSpan, Step
from latticework.generate.generation import Generation
from latticework.turn import Echo, Job
from turngrammar.events import ContentDelta

TextFinish = Literal["stop", "length"]
FINISHES: Mapping[Finish, TextFinish] = {
    "stop": "stop",
    "stop_string": "stop",
    "calls": "stop",
    "refusal": "stop",
    "length": "length",
}


class TextLogprobs(msgspec.Struct, frozen=True):
    """Four lists with one entry for each token. The first token of a prompt has no log probability.

    `top_logprobs` maps the most likely tokens, and the token itself, to their log probabilities; `text_offset` is the
    position of a token in the text, in characters. A character of several tokens is the text of its last token; the
    others have an empty text.
    """

    text_offset: tuple[int, ...]
    token_logprobs: tuple[float | None, ...]
    tokens: tuple[str, ...]
    top_logprobs: tuple[dict[str, float] | None, ...]


class TextChoice(msgspec.Struct, frozen=True, gc=False):
    """An answer, or its next piece. `token_sources`, `token_ids`, `prompt_token_ids`, `confidence`, `grounding`: if
    requested, the prompt's with the first piece, the last two with the finish reason.
    """

    index: int
    text: str
    logprobs: TextLogprobs | None = None
    finish_reason: TextFinish | None = None
    token_sources: tuple[TokenSource, ...] | UnsetType = UNSET
    token_ids: tuple[int, ...] | UnsetType = UNSET
    prompt_token_ids: tuple[int, ...] | UnsetType = UNSET
    confidence: ByPart[Confidence] | UnsetType = UNSET
    grounding: ByPart[SourceSpan] | UnsetType = UNSET


class TextCompletion(msgspec.Struct, frozen=True):
    """The whole response, or an event of a stream. With `include_usage`, the last one has the usage and no choices.

    `kv_transfer_params`, where the engine's connector has any, come with the last one too.
    """

    id: str
    created: int
    model: str
    choices: tuple[TextChoice, ...]
    object: Literal["text_completion"] = "text_completion"
    usage: Usage | UnsetType | None = UNSET
    kv_transfer_params: Mapping[str, Any] | UnsetType = UNSET


class CompletionResponse(ChunkedResponse[TextChoice, TextCompletion]):
    """A fresh one for each request."""

    def __init__(self, request: CompletionRequest, generation: Generation) -> None:
        super().__init__(request, generation)
        self._answers_per_prompt = request.n or 1
        self._silent = request.max_tokens == 0
        self._as_ids = bool(request.return_tokens_as_token_ids)

    def whole(self, chunks: Sequence[TextChoice]) -> bytes:
        of_choice: dict[int, list[TextChoice]] = defaultdict(list)
        for chunk in chunks:
            of_choice[chunk.index].append(chunk)
        choices = (_fold(of_choice[index]) for index in sorted(of_choice))
        return msgspec.json.encode(replace(self._last(), choices=tuple(choices)))

    def _new_choice(self, index: int) -> _TextChoice:
        job = self._generation.jobs[index // self._answers_per_prompt]
        return _TextChoice(index, job, silent=self._silent, as_ids=self._as_ids)

    def _chunk(self, *choices: TextChoice, usage: Usage | UnsetType | None = UNSET) -> TextCompletion:
        return TextCompletion(self._generation.id, self._created, self._model, choices, usage=usage)


class _TextChoice:
    """One choice of a stream: its steps in, its chunks out."""

    def __init__(self, index: int, job: Job, *, silent: bool, as_ids: bool) -> None:
        """`silent`: nothing but the prompt is returned. `as_ids`: tokens are named by their ids."""
        self._index = index
        self._echo = job.echo
        self._silent = silent
        self._tokens = _TextTokens(job.prompt[0] if as_ids else None)
        self._token_ids: list[int] = []
        self._prompt_ids = tuple(job.prompt) if job.returns_ids else UNSET
        self._sources: list[TokenSource] = []

    def chunk(self, step: Step) -> TextChoice | None:
        """None where the step adds nothing that a client sees."""
        if step.prompt_logprobs and self._echo is not None:
            self._tokens.add_prompt(step.prompt_logprobs, self._echo)
        if not self._silent:
            self._tokens.add(step.logprobs)
            self._sources += step.sources
            self._token_ids += step.token_ids
        text = "" if self._silent else "".join(part.text for part in step.events if isinstance(part, ContentDelta))
        finish = FINISHES[step.finish] if step.finish is not None else None
        if not text and finish is None:
            return None
        if self._echo is not None:
            text, self._echo = self._echo.text + text, None
        sources = tuple(self._sources) or UNSET
        token_ids = tuple(self._token_ids) or UNSET
        prompt_ids, self._prompt_ids = self._prompt_ids, UNSET
        self._sources, self._token_ids = [], []
        grounding = step.grounding or UNSET
        logprobs = self._tokens.take()
        return TextChoice(
            self._index, text, logprobs, finish, sources, token_ids, prompt_ids, step.confidence or UNSET, grounding
        )


class _TextTokens:
    """Tokens with their places in the text. A character of several tokens belongs to the last one of them."""

    def __init__(self, first_id: int | None) -> None:
        """`first_id`: of the prompt's first token, if tokens are named by their ids."""
        self._first_id = first_id
        self._rows: list[_Row] = []
        self._offset = 0
        self._unfinished = b""

    def add_prompt(self, tokens: Sequence[SampledToken | None], echo: Echo) -> None:
        """The prompt's, before all others. Some may not stand in its text, such as that of its beginning."""
        for token in tokens:
            if token is None:
                self._append(echo.first_token, None, None, self._first_id)
            else:
                self.add((token,))
        missing = max(0, self._offset - len(echo.text))
        self._rows = [(max(0, row[0] - missing), *row[1:]) for row in self._rows]
        self._offset, self._unfinished = len(echo.text), b""

    def add(self, tokens: Sequence[SampledToken]) -> None:
        for token in tokens:
            before = self._unfinished
            joined = before + bytes(token.bytes)
            text, read = utf_8_decode(joined, "replace", False)
            self._unfinished = joined[read:]
            top: dict[str, float] = {}
            # Several tokens can have one text, parts of characters above all: the likeliest one of them counts.
            for other in (*token.top, token):
                top.setdefault(self._name(other, token, text, before), other.logprob)
            self._append(text, token.logprob, top, token.id)

    def take(self) -> TextLogprobs | None:
        """Those since the last call; None for none."""
        rows, self._rows = self._rows, []
        if not rows:
            return None
        offsets, texts, logprobs, tops = zip(*rows, strict=True)
        return TextLogprobs(offsets, logprobs, texts, tops)

    def _name(self, other: TokenLogprob, token: SampledToken, text: str, before: bytes) -> str:
        """Of an alternative to a token, or of the token."""
        if self._first_id is not None:
            return token_label(other, as_id=True)
        return text if other.bytes == token.bytes else _text_behind(before, other)

    def _append(self, text: str, logprob: float | None, top: dict[str, float] | None, token_id: int | None) -> None:
        name = text if self._first_id is None else f"token_id:{token_id}"
        self._rows.append((self._offset, name, logprob, top))
        self._offset += len(text)


# Offset, text, log probability, alternatives.
_Row = tuple[int, str, float | None, dict[str, float] | None]


def _text_behind(unfinished: bytes, token: SampledToken | TokenLogprob) -> str:
    """A token's text behind the first bytes of a character, which it may complete."""
    if "\ufffd" not in token.token:
        return token.token
    return utf_8_decode(unfinished + bytes(token.bytes), "replace", False)[0]


def _fold(chunks: Sequence[TextChoice]) -> TextChoice:
    """The whole answer that its chunks amount to."""
    parts = [chunk.logprobs for chunk in chunks if chunk.logprobs is not None]
    sources = tuple(source for chunk in chunks for source in chunk.token_sources or ())
    token_ids = tuple(token_id for chunk in chunks for token_id in chunk.token_ids or ())
    return TextChoice(
        chunks[-1].index,
        "".join(chunk.text for chunk in chunks),
        _joined_logprobs(parts) if parts else None,
        chunks[-1].finish_reason,
        sources or UNSET,
        token_ids or UNSET,
        chunks[0].prompt_token_ids,
        confidence=chunks[-1].confidence,
        grounding=chunks[-1].grounding,
    )


def _joined_logprobs(parts: Sequence[TextLogprobs]) -> TextLogprobs:
    return TextLogprobs(
        tuple(offset for part in parts for offset in part.text_offset),
        tuple(logprob for part in parts for logprob in part.token_logprobs),
        tuple(token for part in parts for token in part.tokens),
        tuple(top for part in parts for top in part.top_logprobs),
    )
