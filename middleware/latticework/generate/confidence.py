"""The confidence of each scalar in an answer's document, or in the arguments of its calls.

Where the grammar allows a few values, their distribution is exact. Elsewhere the probability is that of the answer's
own tokens.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections.abc import AsyncGenerator, Hashable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from decimal import Decimal
from functools import partial
from itertools import accumulate, zip_longest
from typing import Any, NamedTuple

import msgspec

from latticework.engines.base import Piece, SampledToken, Sampling
from latticework.engines.vocabulary import Vocabulary
from latticework.generate import Alternative, ByPart, Confidence
from latticework.generate.attempt import TextGenerator
from latticework.generate.choice import Choice
from latticework.generate.outcomes import OTHER, TooMany
from latticework.generate.scoring import (
    UNLISTED,
    AnswerPlace,
    Distribution,
    Question,
    Scored,
    Tokens,
    distribution,
    score,
)
from turngrammar.json_scalars import Scalar, ScalarSpan, scalar_of, scalar_spans, settled_scalar
from turngrammar.scan import load_json

# The most likely tokens that are kept at each position of the answer: where they are all that its grammar allows, the
# distribution there takes no further request.
KEPT_TOKENS = 20


class Recording:
    """A model, of which the last answer is kept as the engine generates it: tokens with log probabilities.

    Attributes:
        prompt, sampling: of the last answer.
        tokens: of the answer, those without a text at its end left out.
        starts: for each call of the answer, how many of these tokens came before the piece in which it begins.
    """

    def __init__(self, model: TextGenerator, choice: Choice) -> None:
        """`choice`: the one that is fed with these pieces."""
        self.names = model.names
        self.max_model_len = model.max_model_len
        self.prompt: Sequence[int] = ()
        self.sampling = Sampling(0)
        self.tokens: list[SampledToken] = []
        self.starts: list[int] = []
        self.model = model
        self._choice = choice

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        """The model's, with as many log probabilities as the request has."""
        self.prompt, self.sampling, self.tokens, self.starts = prompt, sampling, [], []
        listed = replace(sampling, logprobs=max(sampling.logprobs or 0, KEPT_TOKENS))
        async with aclosing(self.model.generate(prompt, listed, request_id)) as pieces:
            async for piece in pieces:
                before = len(self.tokens)
                self.tokens += piece.logprobs[: -1 if piece.finish == "stop" else None]
                try:
                    yield msgspec.structs.replace(piece, logprobs=_as_requested(piece.logprobs, sampling.logprobs))
                finally:
                    self.starts += [before] * (self._choice.calls - len(self.starts))


def _as_requested(logprobs: Sequence[SampledToken], most: int | None) -> tuple[SampledToken, ...]:
    return () if most is None else tuple(replace(token, top=token.top[:most]) for token in logprobs)


class _Field(NamedTuple):
    """A scalar of the answer. `part`: the document or call that has it; `p`: the probability of its own tokens."""

    part: int
    pointer: str
    text: bytes
    place: AnswerPlace
    p: float


async def confidence_of(
    recording: Recording, vocabulary: Vocabulary, document: str | None, calls: Sequence[str], request_id: str
) -> tuple[ByPart[Confidence], int]:
    """The confidence of the recorded answer, and the number of requests to the engine that it took.

    `document`: its text; None where it has no document. `calls`: the arguments of its complete calls; "" for one that
    was not generated as it is. What is not complete JSON has no confidence. Raises EngineError.
    """
    parts = [arguments.encode() for arguments in calls] if document is None else [document.encode()]
    fields = await asyncio.to_thread(
        lambda: _AnswerText(recording, vocabulary).fields(parts, are_calls=document is None)
    )
    scored = Scored(())
    if fields:
        grammar, opened = recording.sampling.grammar or "", recording.sampling.begun or ()
        question = Question(recording.prompt, grammar, vocabulary, recording.sampling, opened)
        scored = await score(recording.model, question, [field.place for field in fields], request_id)
    found: list[dict[str, Confidence]] = [{} for _ in parts]
    for field, outcomes in zip(fields, scored.outcomes, strict=True):
        found[field.part][field.pointer] = _confidence(field, outcomes)
    result = ByPart[Confidence](calls=tuple(found)) if document is None else ByPart[Confidence](content=found[0])
    return result, scored.passes


def _confidence(field: _Field, outcomes: Mapping[Hashable, float] | None) -> Confidence:
    if outcomes is None or (p := outcomes.get(scalar_of(field.text))) is None:
        return Confidence(field.p)
    ranked = sorted(outcomes.items(), key=lambda entry: -entry[1])
    return Confidence(p, tuple(Alternative(_value(outcome), mass) for outcome, mass in ranked))


def _value(outcome: Hashable) -> Any:
    value = outcome.value if isinstance(outcome, Scalar) else None
    return float(value) if isinstance(value, Decimal) else value


class _AnswerText:
    """The text of an answer as its tokens have it."""

    def __init__(self, recording: Recording, vocabulary: Vocabulary) -> None:
        decode = vocabulary.matchable.decode_bytes
        self._begun = decode(list(recording.sampling.begun or ()))
        self._tokens = recording.tokens
        self._ids = tuple(token.id for token in self._tokens)
        texts = [decode([token]) for token in self._ids]
        self._text = self._begun + b"".join(texts)
        # Where each token starts, and the last one ends.
        self._starts = list(accumulate(map(len, texts), initial=len(self._begun)))
        self._call_starts = [self._starts[tokens] for tokens in recording.starts]

    def fields(self, parts: Sequence[bytes], *, are_calls: bool) -> Sequence[_Field]:
        """The scalars of these JSON texts, which are in the answer in this order."""
        located = self._calls(parts) if are_calls else map(self._text.rfind, parts)  # behind a document is nothing
        return [
            self._field(part, text, span, offset)
            for part, (text, offset) in enumerate(zip(parts, located, strict=True))
            if offset >= 0 and _is_whole_json(text)
            for span in scalar_spans(text)
            if offset + span.start >= len(self._begun)  # what the answer continues was not generated
        ]

    def _calls(self, parts: Sequence[bytes]) -> Iterator[int]:
        """Where the arguments of each call begin, -1 if nowhere. Other text, and a call left out, may have the same."""
        end = 0
        for part, start in zip_longest(parts, self._call_starts[: len(parts)]):
            offset = -1 if start is None else self._text.find(part, max(end, start))
            end = end if offset < 0 else offset + len(part)
            yield offset

    def _field(self, part: int, text: bytes, span: ScalarSpan, offset: int) -> _Field:
        start, end = offset + span.start, offset + span.end
        first = bisect_right(self._starts, start) - 1
        behind = bisect_left(self._starts, end)
        lead = self._text[self._starts[first] : start]
        place = AnswerPlace(self._ids, first, partial(_settled_value, lead), partial(self._known, first, behind))
        p = math.exp(sum(token.logprob for token in self._tokens[first:behind]))
        return _Field(part, span.pointer, text[span.start : span.end], place, p)

    def _known(self, first: int, behind: int) -> Iterator[tuple[Tokens, Distribution]]:
        """The distributions along the answer's own tokens, where the kept tokens are all that the grammar allows."""
        for at in range(first, min(behind + 1, len(self._tokens))):
            listed = distribution(self._tokens[at])
            if sum(listed.values()) > 1 - UNLISTED:
                yield self._ids[first:at], listed


def _is_whole_json(text: bytes) -> bool:
    try:
        load_json(text)
    except ValueError:
        return False
    return True


def _settled_value(lead: bytes, text: bytes, ended: bool) -> Hashable | None:
    """See `outcomes.Decide`. `lead`: what the answer has before the scalar."""
    if len(text) <= len(lead):
        return None if lead.startswith(text) else OTHER
    if not text.startswith(lead):
        return OTHER
    try:
        return settled_scalar(text[len(lead) :], ended)
    except ValueError as error:
        raise TooMany from error
