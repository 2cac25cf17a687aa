"""One choice of a response while it grows: the engine's pieces in, pieces of a message out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from grammars.events import ArgumentsDelta, ContentDelta, Event, Malformed, ReasoningDelta, ToolCallEnd, ToolCallStart
from grammars.plan import Plan
from grammars.render import Call
from grammars.schema import Violation
from middleware import chunks
from middleware.engines.base import EngineFinish, Piece, SampledToken
from middleware.inputs import Inputs
from middleware.responses import ChunkChoice, Delta, FinishReason, Logprobs, TokenLogprob, TopLogprob
from middleware.stop import StopFilter

# (how the engine ended, whether a call was made) -> what the client hears
FINISH: Mapping[tuple[EngineFinish, bool], FinishReason] = {
    ("stop", False): "stop",
    ("stop", True): "tool_calls",
    ("length", False): "length",
    ("length", True): "length",
}


@dataclass
class _GrowingCall:
    name: str
    id: str
    arguments: list[str] = field(default_factory=list)
    ended: bool = False


class Choice:
    """Feed it pieces, and send what it returns. `finish` is set once the answer is complete.

    `thoughts` counts the tokens of reasoning so far, a piece that holds some as a whole. `stops` are for free text:
    give none where the content is a document.
    """

    def __init__(self, index: int, plan: Plan, stops: Sequence[str] = ()) -> None:
        self.finish: FinishReason | None = None
        self.malformed: list[Malformed] = []
        self.thoughts = 0
        self._index = index
        self._plan = plan
        self._parser = plan.parser()
        self._stop = StopFilter(stops)
        self._logprobs: list[TokenLogprob] = []
        self._content: list[str] = []
        self._calls: list[_GrowingCall] = []
        self._inputs = Inputs(offer.name for offer in plan.offers if offer.input)

    @property
    def thinking(self) -> bool:
        """Whether the model has begun to think, and goes on."""
        return self._parser.thinking

    def open(self) -> ChunkChoice:
        """The first chunk says who speaks."""
        return ChunkChoice(self._index, chunks.OPENING)

    def feed(self, piece: Piece) -> ChunkChoice | None:
        """What this piece adds; None while it adds nothing."""
        self._logprobs += map(_token_logprob, piece.logprobs)
        events = list(self._events(piece))
        for event in events:
            self._note(event)
        if self.thinking or any(isinstance(event, ReasoningDelta) for event in events):
            self.thoughts += len(piece.token_ids)
        if self._stop.stopped:
            self.finish = "stop"
        elif piece.finish is not None:
            self.finish = FINISH[piece.finish, bool(self._calls)]
        added = self._inputs.told(chunks.delta(events, [call.id for call in self._calls]))
        return ChunkChoice(self._index, added, self._take_logprobs()) if added else None

    def close(self) -> ChunkChoice:
        """The last chunk says why the answer ends."""
        return ChunkChoice(self._index, Delta(), self._take_logprobs(), self.finish)

    def violations(self) -> tuple[Violation, ...]:
        """What the finished answer breaks: nothing, unless this server has a bug.

        An answer that was cut is held to what it finished, its complete calls.
        """
        calls = tuple(Call(call.name, "".join(call.arguments), call.id) for call in self._calls if call.ended)
        whole = self.finish != "length" and not self._stop.stopped
        return self._plan.violations("".join(self._content), calls, whole=whole)

    def _events(self, piece: Piece) -> Iterator[Event]:
        yield from self._stop.feed(self._parser.feed(piece.text))
        if piece.finish is not None:
            yield from self._stop.feed(self._parser.close())
            yield from self._stop.close()

    def _note(self, event: Event) -> None:
        match event:
            case ContentDelta(text):
                self._content.append(text)
            case ToolCallStart(_, name, wire_id):
                self._calls.append(_GrowingCall(name, wire_id or f"call_{secrets.token_hex(12)}"))
            case ArgumentsDelta(index, text):
                self._calls[index].arguments.append(text)
            case ToolCallEnd(index):
                self._calls[index].ended = True
            case Malformed():
                self.malformed.append(event)

    def _take_logprobs(self) -> Logprobs | None:
        taken, self._logprobs = self._logprobs, []
        return Logprobs(tuple(taken)) if taken else None


def _token_logprob(sampled: SampledToken) -> TokenLogprob:
    top = tuple(TopLogprob(other.token, other.logprob, other.bytes) for other in sampled.top)
    return TokenLogprob(sampled.token, sampled.logprob, sampled.bytes, top)
