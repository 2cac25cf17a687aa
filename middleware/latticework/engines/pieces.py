"""vLLM's outputs of one answer, from this machine or another, as pieces of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from latticework.engines.base import (
    NOTHING_SAVED,
    EngineDead,
    EngineError,
    EngineFailed,
    EngineFinish,
    Piece,
    SampledToken,
    Sampling,
    Saved,
)
from latticework.engines.drafts import SAVED, SOURCES
from latticework.engines.following import GAVE_UP, given_up
from latticework.engines.token_text import FORCED, SAMPLED, TokenText, token_sources
from latticework.engines.tokenizer import ModelTokenizer

# vLLM's finish reasons of a complete answer. "abort" and "error" come in ordinary last outputs, without a message.
FINISH: Mapping[str, EngineFinish] = {"stop": "stop", "repetition": "stop", "length": "length"}
# An answer that is still waited for is aborted because the engine stops, as all do where one of several has died.
ABORTED: Mapping[str, type[EngineError]] = {"abort": EngineDead}

# The keys of what the engine core reports of an answer. All others are of the connector to other engines.
REPORTED = frozenset((SAVED, SOURCES, GAVE_UP))

# The prompt's token ids, each with the likeliest tokens at its position; None for the first.
PromptLogprobs = Iterable[tuple[int, Mapping[int, Any] | None]]
# What the engine core reports of an answer: its drafts, and what its connector has for other engines.
DraftReport = Mapping[str, Any]


class VllmOutput(Protocol):
    """What is new of an answer. `logprobs` has each position's likeliest tokens, with their `logprob` and `rank`."""

    @property
    def token_ids(self) -> Sequence[int]: ...

    @property
    def logprobs(self) -> Sequence[Mapping[int, Any]] | None: ...

    @property
    def finish_reason(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class _SingleToken:
    """A part of an output."""

    token_ids: Sequence[int]
    logprobs: Sequence[Mapping[int, Any]] | None
    finish_reason: str | None


def _singles(output: VllmOutput) -> Iterator[VllmOutput]:
    """One for each token: an engine that is ahead of its reader has several in one output."""
    last = len(output.token_ids) - 1
    for place, token_id in enumerate(output.token_ids):
        logprobs = output.logprobs[place : place + 1] if output.logprobs else output.logprobs
        yield _SingleToken((token_id,), logprobs, output.finish_reason if place == last else None)


def _transfer(report: DraftReport) -> DraftReport | None:
    """What is the connector's."""
    return {name: value for name, value in report.items() if name not in REPORTED} or None


class VllmPieces:
    """One answer's outputs as pieces, the first of which begins with `opening`."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling, opening: tuple[int, ...]) -> None:
        self._text = TokenText(tokenizer, sampling)
        self._most = sampling.logprobs
        self._most_of_prompt = sampling.prompt_logprobs
        self._with_sources = sampling.sources
        self._single = sampling.single
        self._plain = self._most is None and self._most_of_prompt is None and not self._with_sources
        self._opening = opening
        self._opened = len(opening)
        self._generated = 0

    def parts(self, output: VllmOutput) -> Iterable[VllmOutput]:
        """What is to be one piece each: the whole output, or each of its tokens where the request wants them alone."""
        return _singles(output) if self._single and len(output.token_ids) > 1 else (output,)

    def piece(self, output: VllmOutput, report: DraftReport | None = None, prompt: PromptLogprobs = ()) -> Piece:
        """`prompt`: the log probabilities of the prompt's tokens, which come with the first output where the request
        wants them. Raises GrammarGivenUp where the engine gave up the answer's grammar, EngineFailed where it gave up
        the answer, EngineDead where it stops.
        """
        reason = output.finish_reason
        if reason is not None and report and GAVE_UP in report and reason != "length":
            raise given_up(report[GAVE_UP])
        if reason is not None and reason not in FINISH:
            raise ABORTED.get(reason, EngineFailed)(f"The engine ended this request: {reason}.")
        if reason is None and self._plain and not self._opening:  # nearly every piece of nearly every answer
            return Piece(self._text.feed(output.token_ids), tuple(output.token_ids))
        opening, self._opening = self._opening, ()
        token_ids = (*opening, *output.token_ids)
        # A token that stops the answer has no text.
        visible = token_ids[:-1] if reason == "stop" else token_ids
        logprobs = zip(output.token_ids, output.logprobs or (), strict=False)
        texts = self._text.texts(visible, last=reason == "stop")
        return Piece(
            text="".join(texts),
            token_ids=token_ids,
            sources=token_sources(texts, self._letters(opening, len(output.token_ids), report or {})),
            logprobs=tuple(self._sampled(token_id, position, self._most) for token_id, position in logprobs),
            finish=FINISH[reason] if reason else None,
            saved=self._saved(report or {}) if reason else NOTHING_SAVED,
            prompt_logprobs=self._of_prompt(prompt),
            transfer=_transfer(report) if reason and report else None,
        )

    def _of_prompt(self, prompt: PromptLogprobs) -> tuple[SampledToken | None, ...]:
        return tuple(
            None if position is None else self._sampled(token_id, position, self._most_of_prompt)
            for token_id, position in prompt
        )

    def _letters(self, opening: Sequence[int], count: int, report: DraftReport) -> str:
        """The sources of the opening and of the next `count` tokens; none where the request does not want them."""
        if not self._with_sources:
            return ""
        begin, self._generated = self._generated, self._generated + count
        letters = str(report.get(SOURCES, ""))[begin : self._generated]
        return FORCED * len(opening) + letters.ljust(count, SAMPLED)

    def _saved(self, report: DraftReport) -> Saved:
        forced, copied = report.get(SAVED, (0, 0))
        return Saved(self._opened + forced, copied)

    def _sampled(self, token_id: int, position: Mapping[int, Any], most: int | None) -> SampledToken:
        chosen = self._text.logprob(token_id, position[token_id].logprob, position[token_id].rank)
        # vLLM adds the sampled token where it is not among the likeliest.
        ranked = sorted(position.items(), key=lambda entry: entry[1].rank)[:most]
        top = tuple(self._text.logprob(other, likely.logprob, likely.rank) for other, likely in ranked)
        return SampledToken(chosen.token, chosen.logprob, chosen.bytes, top, id=token_id, rank=chosen.rank)
