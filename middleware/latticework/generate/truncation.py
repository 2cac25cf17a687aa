"""Completes a document that `max_tokens` cuts, with the shortest rest that its schema allows.

Sent text can't be revoked, so a token is sent only if it leaves room for the rest of the shortest document that starts
with it. When the engine's output is cut, the answer is the sent text and that rest.
"""

from __future__ import annotations

import asyncio
import time
from codecs import getincrementaldecoder
from collections.abc import Sequence
from math import inf
from typing import Literal, NamedTuple, Protocol

from msgspec.structs import replace

from latticework.engines.base import Piece
from latticework.generate import Step, Truncation
from latticework.generate.choice import Choice
from latticework.generate.continued import ContinuedParser
from latticework.generate.cut_calls import CompletingCalls, joined_steps
from latticework.turn import Job
from latticework.turn.truncation import Tail, TruncationPlan
from turngrammar.completion import added_values
from turngrammar.events import ContentDelta, Event, RefusalDelta, ToolCallStart
from turngrammar.parser import Parser

# Characters of a tail that is checked on the event loop. The grammar takes a microsecond for each.
BRIEF = 200
# CPU time of the last search, up to which the next is done on the event loop. A thread costs more.
BRIEF_SECONDS = 0.0005
_utf8 = getincrementaldecoder("utf-8")


class Completing(Protocol):
    """One answer that is complete even if it is cut."""

    async def feed(self, piece: Piece) -> Step | None:
        """Feeds the choice the part of this piece that can be sent; None if nothing can."""


def completing(job: Job, choice: Choice, most: int) -> Completing | None:
    """None if the answer stays cut, or has not begun. `most`: tokens of the answer."""
    closing = job.truncation
    if closing is None or choice.drafting:
        return None
    calls = CompletingCalls(job.plan, choice, closing.finish) if closing.calls else None
    return calls if closing.document is None else Truncating(closing.document, choice, most, closing.finish, calls)


class Truncating:
    """One answer that is a complete document even if it is cut, or else has complete calls, or is a refusal."""

    def __init__(
        self,
        plan: TruncationPlan,
        choice: Choice,
        most: int,
        finish: Literal["length", "stop"],
        calls: CompletingCalls | None,
    ) -> None:
        """`most`: tokens of the answer. If it is cut, `choice.truncation` gets the completed parts.

        `finish`: what it ends with then. `calls`: for an answer that has calls instead; None: it can't.
        """
        self._choice = choice
        self._finish = finish
        self._calls = calls
        self._other = False  # whether it is no document: calls, or a refusal
        self._growing = _Growing(plan, choice.parser, most)
        self._held: list[_Unit] = []

    async def feed(self, piece: Piece) -> Step | None:
        """Feeds the choice the part of this piece and of the held back ones that can be sent; None if nothing can."""
        free = 0
        for unit in self._growing.units(piece):
            self._held.append(self._parsed(unit))
            if self._other or (unit.text and await self._can_be_sent()):
                free = len(self._held)
        if piece.finish == "stop":
            end = piece.end("stop")
            return self._release([*self._held, _Unit(end, self._choice.parser.close(), False)])
        if piece.finish == "length":
            return await self._cut(self._held[:free], piece)
        if not free:
            return None
        released, self._held = self._held[:free], self._held[free:]
        return self._release(released)

    def _parsed(self, unit: Piece) -> _Unit:
        parser = self._choice.parser
        events = parser.feed(unit.text)
        self._other = self._other or any(type(event) in (ToolCallStart, RefusalDelta) for event in events)
        self._growing.feed(events, len(unit.token_ids))
        return _Unit(unit, events, parser.in_reasoning)

    async def _can_be_sent(self) -> bool:
        """Whether the document can be completed behind this. A part of a character has no text yet.

        Where calls may be made, none is invented behind reasoning, and reasoning has a limit of its own.
        """
        if self._calls is not None and self._choice.parser.in_reasoning:
            return True
        return self._growing.fits() or await self._growing.fits_shortened()

    async def _cut(self, released: Sequence[_Unit], piece: Piece) -> Step | None:
        """Where calls may be made, an answer without any of a document yet stays as it is: none is invented.

        A cut refusal stays as it is, too.
        """
        if self._calls is None and self._other:
            return self._cut_refusal(piece)
        if self._calls is None or self._growing.kept:
            return await self._complete(released, piece)
        step = self._release(self._held) if self._held else None
        in_reasoning, end = self._choice.parser.in_reasoning, piece.end(None)
        return joined_steps(step, await self._calls.end(end, self._choice.parser.close(), in_reasoning=in_reasoning))

    def _cut_refusal(self, piece: Piece) -> Step | None:
        end = piece.end("length")
        return self._release([*self._held, _Unit(end, self._choice.parser.close(), False)])

    async def _complete(self, released: Sequence[_Unit], piece: Piece) -> Step | None:
        tail, self._choice.truncation = await asyncio.to_thread(self._growing.completed)
        # The parser may hold back a possible start of markup. After dropped text, it is out of step.
        pending = self._choice.parser.feed(tail.markup) if len(released) == len(self._held) else []
        events = [*pending, ContentDelta(tail.document)] if tail.document else pending
        end = replace(piece.end(self._finish), token_ids=tuple(tail.token_ids))
        return self._release([*released, _Unit(end, events, False)])

    def _release(self, units: Sequence[_Unit]) -> Step | None:
        piece = _joined([unit.piece for unit in units])
        events = [event for unit in units for event in unit.events]
        return self._choice.add(piece, events, in_reasoning=units[-1].in_reasoning)


class _Unit(NamedTuple):
    """The smallest part of an answer that can be sent, with the events of its text."""

    piece: Piece
    events: Sequence[Event]
    in_reasoning: bool


class _Growing:
    """One answer in progress. `tail` completes the part that fits, which is `_content` characters of the document."""

    def __init__(self, plan: TruncationPlan, parser: Parser | ContinuedParser, most: int) -> None:
        self.tail = plan.of_nothing
        self._plan = plan
        self._room = most
        self._released = most
        self._content = len(plan.begun)
        self._added = ""
        self._parser = parser
        self._completion = plan.completion.copy()
        self._sound = self._completion.feed(plan.begun)
        self._took = inf
        self._decoder = _utf8(errors="replace")

    def units(self, piece: Piece) -> Sequence[Piece]:
        """The piece token by token, if the text of each is known."""
        decode = self._plan.tokenizer.vocabulary.matchable.decode_bytes
        texts = [self._decoder.decode(decode([token_id])) for token_id in piece.token_ids]
        if texts and piece.finish == "stop":
            texts[-1] += self._decoder.decode(b"", True)
        if len(texts) < 2 or "".join(texts) != piece.text:
            return [replace(piece, finish=None)]
        return [
            Piece(
                text,
                (token_id,),
                piece.logprobs[index : index + 1],
                sources=piece.sources[index : index + 1],
                prompt_logprobs=() if index else piece.prompt_logprobs,
            )
            for index, (text, token_id) in enumerate(zip(texts, piece.token_ids, strict=True))
        ]

    def feed(self, events: Sequence[Event], tokens: int) -> None:
        self._room -= tokens
        self._added += (added := "".join(event.text for event in events if isinstance(event, ContentDelta)))
        self._sound = self._sound and self._completion.feed(added)

    def fits(self) -> bool:
        """Whether the last tail, or the rest of it, is still valid and has room. Takes microseconds."""
        if self._parser.in_reasoning:
            return self._keep(self._plan.tail(self._plan.ends, self._plan.shortest))
        if not self._writes:
            return False
        last = self.tail.document
        if last.startswith(self._added) and self._keep(self._rest(last[len(self._added) :])):
            return True
        return len(last) <= BRIEF and self._fits_again()

    async def fits_shortened(self) -> bool:
        """Whether the shortest tail has room. The search takes a tenth of a millisecond, in a thread several."""
        if self._parser.in_reasoning or not self._writes:
            return False
        return self._searched() if self._took < BRIEF_SECONDS else await asyncio.to_thread(self._searched)

    def _searched(self) -> bool:
        begun = time.thread_time()
        fits = self._fits_again() or self._fits_shortest()
        self._took = time.thread_time() - begun
        return fits

    def _fits_shortest(self) -> bool:
        shortest = self._completion.shortest()
        return shortest is not None and self._keep(self._rest(shortest))

    def _fits_again(self) -> bool:
        """After a character of a string, the tail is often the same; after one of a date, it is one shorter."""
        last = self.tail.document
        again = (last[len(self._added) :], last)
        return any(self._completion.accepts(text) and self._keep(self._rest(text)) for text in again)

    def completed(self) -> tuple[Tail, Truncation]:
        """The tail of the part that fits, and the values that it fills in."""
        completion = self._plan.completion.copy()
        completion.feed(self._completion.outline.text[: self._content])
        if self._content and (shortest := completion.shortest()) is not None:
            self._release(self._rest(shortest))
        added = added_values(completion.outline, self.tail.document)
        return self.tail, Truncation(added.cut, added.filled)

    @property
    def kept(self) -> bool:
        """Whether some of the document can be sent."""
        return self._content > 0

    @property
    def _writes(self) -> bool:
        """Whether the document has started, and is valid so far."""
        return self._sound and bool(self._completion.outline.text)

    def _rest(self, document: str) -> Tail:
        return self._plan.tail("", document)

    def _keep(self, tail: Tail) -> bool:
        """Whether everything so far can be sent, with this tail."""
        if not tail.fits(self._room):
            return False
        self.tail, self._added = tail, ""
        self._content, self._released = len(self._completion.outline.text), self._room
        return True

    def _release(self, tail: Tail) -> None:
        """Another tail of the sent text, if it has room too."""
        if tail.fits(self._released):
            self.tail = tail


def _joined(pieces: Sequence[Piece]) -> Piece:
    return Piece(
        "".join(piece.text for piece in pieces),
        tuple(token_id for piece in pieces for token_id in piece.token_ids),
        tuple(logprob for piece in pieces for logprob in piece.logprobs),
        pieces[-1].finish,
        pieces[-1].saved,
        tuple(source for piece in pieces for source in piece.sources),
        pieces[0].prompt_logprobs,
        transfer=pieces[-1].transfer,
    )
