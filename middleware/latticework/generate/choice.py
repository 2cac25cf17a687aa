"""One choice of a response while it grows: the engine's pieces in, pieces of a message out."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from latticework.engines.base import EngineFinish, Piece, SampledToken, TokenSource
from latticework.generate import chunks
from latticework.generate.calls import GrowingCall, GrowingCustomCall
from latticework.generate.stop import StopFilter
from latticework.responses import ChunkChoice, Delta, FinishReason, Logprobs, TokenLogprob, TopLogprob, Truncation
from turngrammar.events import (
    ArgumentsDelta,
    ContentDelta,
    Event,
    Malformed,
    ReasoningDelta,
    ToolCallEnd,
    ToolCallStart,
)
from turngrammar.plan import Plan, TurnViolation

# (how the engine ended, whether a call was made) -> what the client hears
FINISH: Mapping[tuple[EngineFinish, bool], FinishReason] = {
    ("stop", False): "stop",
    ("stop", True): "tool_calls",
    ("length", False): "length",
    ("length", True): "length",
}


class Choice:
    """Feed it pieces, and send what it returns. `finish` is set once the answer is complete.

    `thoughts` counts the tokens of reasoning so far, a piece that holds some as a whole. `stops` are for free text:
    give none where the content is a document. `truncation` is set where a document was cut and is closed.
    """

    def __init__(self, index: int, plan: Plan, stops: Sequence[str] = ()) -> None:
        self.finish: FinishReason | None = None
        self.malformed: list[Malformed] = []
        self.thoughts = 0
        self.truncation: Truncation | UnsetType = UNSET
        self._index = index
        self._plan = plan
        self._parser = plan.parser()
        self._stop = StopFilter(stops)
        self._logprobs: list[TokenLogprob] = []
        self._sources: list[TokenSource] = []
        self._content: list[str] = []
        self._calls: list[GrowingCall] = []
        self._custom = frozenset(offer.name for offer in plan.offers if offer.input)

    @property
    def thinking(self) -> bool:
        """Whether the model has begun to think, and goes on."""
        return self._parser.thinking

    @property
    def free(self) -> bool:
        """Whether all of it is text that no schema binds, so far."""
        return self._plan.free and not self._calls

    def open(self) -> ChunkChoice:
        """The first chunk says who speaks."""
        return ChunkChoice(self._index, chunks.OPENING)

    def feed(self, piece: Piece) -> ChunkChoice | None:
        """What this piece adds; None while it adds nothing."""
        if piece.logprobs:
            self._logprobs += map(_token_logprob, piece.logprobs)
        if piece.sources:
            self._sources += piece.sources
        events = self._events(piece)
        deltas = [delta for event in events if (delta := _TOLD[type(event)](self, event)) is not None]
        added = chunks.joined(deltas) if deltas else None
        if self._parser.thinking or (added and added.reasoning):
            self.thoughts += len(piece.token_ids)
        if self._stop.stopped:
            self.finish = "stop"
        elif piece.finish is not None:
            self.finish = FINISH[piece.finish, bool(self._calls)]
        return self._told(added) if added else None

    def close(self) -> ChunkChoice:
        """The last chunk says why the answer ends."""
        return self._told(Delta(), self.finish, self.truncation)

    def violations(self) -> tuple[TurnViolation, ...]:
        """What the finished answer breaks: nothing, unless this server has a bug.

        An answer that was cut and not closed is held to what it finished, its complete calls.
        """
        calls = tuple(growing.call for growing in self._calls if growing.ended)
        whole = (self.finish != "length" or self.truncation is not UNSET) and not self._stop.stopped
        return self._plan.violations("".join(self._content), calls, whole=whole)

    def _events(self, piece: Piece) -> Sequence[Event]:
        events = self._stop.feed(self._parser.feed(piece.text))
        if piece.finish is None:
            return events
        return [*events, *self._stop.feed(self._parser.close()), *self._stop.close()]

    def _content_delta(self, event: ContentDelta) -> Delta:
        self._content.append(event.text)
        return Delta(content=event.text)

    def _reasoning_delta(self, event: ReasoningDelta) -> Delta:
        return Delta(reasoning_content=event.text, reasoning=event.text)

    def _call_start(self, event: ToolCallStart) -> Delta:
        kind = GrowingCustomCall if event.name in self._custom else GrowingCall
        self._calls.append(kind(event.index, event.name, event.id or f"call_{secrets.token_hex(12)}"))
        return self._calls[-1].open()

    def _arguments_delta(self, event: ArgumentsDelta) -> Delta | None:
        return self._calls[event.index].feed(event.text)

    def _call_end(self, event: ToolCallEnd) -> None:
        self._calls[event.index].ended = True

    def _malformed(self, event: Malformed) -> None:
        self.malformed.append(event)

    def _told(
        self, delta: Delta, finish: FinishReason | None = None, truncation: Truncation | UnsetType = UNSET
    ) -> ChunkChoice:
        """With what is known of the tokens since the last chunk."""
        return ChunkChoice(self._index, delta, self._take_logprobs(), finish, truncation, self._take_sources())

    def _take_logprobs(self) -> Logprobs | None:
        if not self._logprobs:
            return None
        taken, self._logprobs = self._logprobs, []
        return Logprobs(tuple(taken))

    def _take_sources(self) -> tuple[TokenSource, ...] | UnsetType:
        if not self._sources:
            return UNSET
        taken, self._sources = self._sources, []
        return tuple(taken)


# What each event adds to the message, once it is noted.
_TOLD: Mapping[type[Event], Callable[[Choice, Any], Delta | None]] = {
    ContentDelta: Choice._content_delta,
    ReasoningDelta: Choice._reasoning_delta,
    ToolCallStart: Choice._call_start,
    ArgumentsDelta: Choice._arguments_delta,
    ToolCallEnd: Choice._call_end,
    Malformed: Choice._malformed,
}


def _token_logprob(sampled: SampledToken) -> TokenLogprob:
    top = tuple(TopLogprob(other.token, other.logprob, other.bytes) for other in sampled.top)
    return TokenLogprob(sampled.token, sampled.logprob, sampled.bytes, top)
