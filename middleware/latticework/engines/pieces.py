"""What vLLM says of one answer, here or far away, as pieces of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
from latticework.engines.sources import FORCED, SAMPLED, SAVED, SOURCES, token_sources
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.written import Written

# vLLM's finish reasons that end an answer as it should end. "abort" and "error" arrive as ordinary last
# outputs without a message.
FINISH: Mapping[str, EngineFinish] = {"stop": "stop", "repetition": "stop", "length": "length"}
# What an answer that somebody waits for is aborted for: the engine stops, as all do where one of several has died.
GIVEN_UP: Mapping[str, type[EngineError]] = {"abort": EngineDead}


# The prompt's token ids, each with the likeliest tokens at its position; None for the first.
PromptLogprobs = Iterable[tuple[int, Mapping[int, Any] | None]]


class Output(Protocol):
    """What is new of an answer. `logprobs` has each position's likeliest tokens, with their `logprob` and `rank`."""

    @property
    def token_ids(self) -> Sequence[int]: ...

    @property
    def logprobs(self) -> Sequence[Mapping[int, Any]] | None: ...

    @property
    def finish_reason(self) -> str | None: ...


class Pieces:
    """One answer's outputs as pieces, the first of which begins with `opening`."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling, opening: tuple[int, ...]) -> None:
        self._written = Written(tokenizer, sampling)
        self._most = sampling.logprobs
        self._most_of_prompt = sampling.prompt_logprobs
        self._tells = sampling.sources
        self._plain = self._most is None and self._most_of_prompt is None and not self._tells
        self._opening = opening
        self._opened = len(opening)
        self._generated = 0

    def piece(self, output: Output, told: Mapping[str, Any] | None = None, prompt: PromptLogprobs = ()) -> Piece:
        """`prompt`: the log probabilities of the prompt's tokens, which come with the first output where the request
        wants them. Raises EngineFailed where the engine has given up, EngineDead where it stops.
        """
        reason = output.finish_reason
        if reason is not None and reason not in FINISH:
            raise GIVEN_UP.get(reason, EngineFailed)(f"The engine ended this request: {reason}.")
        if reason is None and self._plain and not self._opening:  # nearly every piece of nearly every answer
            return Piece(self._written.feed(output.token_ids), tuple(output.token_ids))
        opening, self._opening = self._opening, ()
        token_ids = (*opening, *output.token_ids)
        # A token that stops the answer is none of its text.
        written = token_ids[:-1] if reason == "stop" else token_ids
        logprobs = zip(output.token_ids, output.logprobs or (), strict=False)
        texts = self._written.texts(written, last=reason is not None)
        letters = FORCED * len(opening) + self._letters(len(output.token_ids), told or {}) if self._tells else ""
        return Piece(
            text="".join(texts),
            token_ids=token_ids,
            sources=token_sources(texts, letters),
            logprobs=tuple(self._sampled(token_id, position, self._most) for token_id, position in logprobs),
            finish=FINISH[reason] if reason else None,
            saved=self._saved(told or {}) if reason else NOTHING_SAVED,
            prompt_logprobs=self._of_prompt(prompt),
        )

    def _of_prompt(self, prompt: PromptLogprobs) -> tuple[SampledToken | None, ...]:
        return tuple(
            None if position is None else self._sampled(token_id, position, self._most_of_prompt)
            for token_id, position in prompt
        )

    def _letters(self, tokens: int, told: Mapping[str, Any]) -> str:
        """How the next so many tokens came."""
        begin, self._generated = self._generated, self._generated + tokens
        return str(told.get(SOURCES, ""))[begin : self._generated].ljust(tokens, SAMPLED)

    def _saved(self, told: Mapping[str, Any]) -> Saved:
        forced, copied = told.get(SAVED, (0, 0))
        return Saved(self._opened + forced, copied)

    def _sampled(self, token_id: int, position: Mapping[int, Any], most: int | None) -> SampledToken:
        chosen = self._written.logprob(token_id, position[token_id].logprob)
        # vLLM adds the sampled token to the likeliest ones where it is none of them.
        ranked = sorted(position.items(), key=lambda entry: entry[1].rank)[:most]
        top = tuple(self._written.logprob(other, likely.logprob) for other, likely in ranked)
        return SampledToken(chosen.token, chosen.logprob, chosen.bytes, top)
