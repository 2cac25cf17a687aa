"""What a batch has come to: how its requests ended, and what they took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from latticework.batch.senders import OK, HttpReply, Lost, Outcome
from latticework.batch.surrogates import without_halves
from latticework.http.figures import Figures

# Of a message (Anthropic's API) that a limit has cut.
CUT_REASONS = ("max_tokens", "model_context_window_exceeded")
LOST = "connection lost"

Ending = Literal["finished", "cut", "failed"]


class _Cached(msgspec.Struct):
    cached_tokens: int | None = 0


class _AnyUsage(msgspec.Struct):
    """The usage of all four APIs, each of which has some of these fields."""

    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    prompt_tokens_details: _Cached | None = None
    input_tokens: int | None = 0
    output_tokens: int | None = 0
    input_tokens_details: _Cached | None = None
    cache_read_input_tokens: int | None = 0
    cache_creation_input_tokens: int | None = 0

    @property
    def prompt(self) -> int:
        """Messages' input leaves out what was read from the cache, the others' does not."""
        uncached = (self.prompt_tokens or 0) + (self.input_tokens or 0)
        return uncached + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)

    @property
    def cached(self) -> int:
        details = self.prompt_tokens_details or self.input_tokens_details or _Cached()
        return (details.cached_tokens or 0) + (self.cache_read_input_tokens or 0)

    @property
    def generated(self) -> int:
        return (self.completion_tokens or 0) + (self.output_tokens or 0)


class _AnyChoice(msgspec.Struct):
    finish_reason: str | None = None


class _AnyError(msgspec.Struct):
    code: str | int | None = None
    type: str | None = None


class _Answer(msgspec.Struct):
    """The body of a response of any of the four APIs, or of an error."""

    choices: list[_AnyChoice] = []
    status: str | None = None
    stop_reason: str | None = None
    usage: _AnyUsage | None = None
    error: _AnyError | None = None

    @property
    def ending(self) -> Ending:
        if self.status == "failed":  # a response's
            return "failed"
        lengths = any(choice.finish_reason == "length" for choice in self.choices)
        return "cut" if lengths or self.status == "incomplete" or self.stop_reason in CUT_REASONS else "finished"


_ANSWER = msgspec.json.Decoder(_Answer)


@dataclass
class BatchTally:
    """Of one run.

    Attributes:
        failed: failed requests by cause: the status and the error's code.
        retries: requests that were sent again, by cause.
        prompt, cached, generated: tokens; the cached ones are a part of the prompts'.
        attempts: how many times an answer was generated; `regenerated`, how many of these were not the first.
        forced, copied: tokens without a forward pass of their own.
    """

    finished: int = 0
    cut: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    retries: Counter[str] = field(default_factory=Counter)
    prompt: int = 0
    cached: int = 0
    generated: int = 0
    attempts: int = 0
    regenerated: int = 0
    forced: int = 0
    copied: int = 0

    @property
    def requests(self) -> int:
        return self.finished + self.cut + self.failed.total()

    def add(self, outcome: Outcome) -> None:
        answer = _answer_in(outcome)
        ending = _ending(outcome, answer)
        if ending == "finished":
            self.finished += 1
        elif ending == "cut":
            self.cut += 1
        else:
            self.failed[cause_of(outcome) or "200 without a valid answer"] += 1
        if isinstance(outcome, HttpReply) and answer is not None:
            self._add_tokens(answer.usage or _AnyUsage())
            self._add_figures(Figures.of_headers(outcome.headers), len(answer.choices) or 1)

    def _add_tokens(self, usage: _AnyUsage) -> None:
        self.prompt += usage.prompt
        self.cached += usage.cached
        self.generated += usage.generated

    def _add_figures(self, figures: Figures, answers: int) -> None:
        self.attempts += figures.attempts
        self.regenerated += max(0, figures.attempts - answers)
        self.forced += figures.forced
        self.copied += figures.copied


def has_failed(outcome: Outcome) -> bool:
    return _ending(outcome, _answer_in(outcome)) == "failed"


def _ending(outcome: Outcome, answer: _Answer | None) -> Ending:
    return "failed" if answer is None or cause_of(outcome) is not None else answer.ending


def cause_of(outcome: Outcome) -> str | None:
    """Why a request has failed; None if it has an answer."""
    if isinstance(outcome, Lost):
        return LOST
    if outcome.status == OK:
        return None
    answer = _answer_in(outcome)
    error = (answer and answer.error) or _AnyError()
    return f"{outcome.status} {error.code or error.type or ''}".rstrip()


def _answer_in(outcome: Outcome) -> _Answer | None:
    """None where the body is none of any of these APIs."""
    if isinstance(outcome, Lost):
        return None
    try:
        return _ANSWER.decode(without_halves(outcome.body))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


@dataclass(frozen=True)
class Summary:
    """Of one run: `earlier` requests were answered before it, and `open` ones are left."""

    tally: BatchTally
    earlier: int
    open: int
    seconds: float

    def fields(self) -> dict[str, Any]:
        return {
            **vars(self.tally),
            "requests": self.tally.requests,
            "earlier": self.earlier,
            "open": self.open,
            "seconds": round(self.seconds, 3),
            "tokens_per_second": round(self.rate, 1),
        }

    @property
    def rate(self) -> float:
        return self.tally.generated / self.seconds if self.seconds else 0.0

    def rows(self) -> Sequence[tuple[str, str]]:
        return list(self._rows())

    def _rows(self) -> Iterator[tuple[str, str]]:
        tally = self.tally
        others = [f"{count:,} {what}" for count, what in ((self.earlier, "before"), (self.open, "left")) if count]
        yield "requests", f"{tally.requests:,}" + (f" ({', '.join(others)})" if others else "")
        yield "finished", f"{tally.finished:,}"
        yield "cut", f"{tally.cut:,}"
        yield "failed", _by_cause(tally.failed)
        yield "retries", _by_cause(tally.retries)
        yield "tokens", f"prompt {tally.prompt:,} (cached {tally.cached:,}), generated {tally.generated:,}"
        if tally.attempts:
            yield "attempts", f"{tally.attempts:,} ({tally.regenerated:,} regenerations)"
            yield "passes saved", f"{tally.forced + tally.copied:,} (forced {tally.forced:,}, copied {tally.copied:,})"
        yield "time", f"{self.seconds:,.1f} s, {self.rate:,.1f} generated tokens per second"


def _by_cause(counts: Counter[str]) -> str:
    causes = ", ".join(f"{count:,} × {cause}" for cause, count in counts.most_common())
    return f"{counts.total():,}" + (f": {causes}" if causes else "")
