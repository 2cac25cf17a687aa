"""A document that `max_tokens` cuts is closed: it ends as soon as its schema lets it.

What is passed on can't be taken back, so a token is passed on only while it leaves room for the rest of the shortest
document that begins so. Where the engine is cut, the answer is what was passed on, and that rest.
"""

from __future__ import annotations

import asyncio
import time
from codecs import getincrementaldecoder
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from math import inf

from msgspec.structs import replace

from latticework.engines.base import NOTHING_SAVED, Piece
from latticework.generate.choice import Choice
from latticework.responses import Truncation
from latticework.turn.truncation import Close, End
from turngrammar.closing import missing
from turngrammar.events import ContentDelta
from turngrammar.plan import Plan

# Letters of an end that is looked at on the event loop. The grammar takes a microsecond for each.
BRIEF = 200
# Of the processor: what the last search may have taken, for the next to be done on the event loop. A thread costs more.
BRIEF_SECONDS = 0.0005
_utf8 = getincrementaldecoder("utf-8")


async def closed(
    pieces: AsyncGenerator[Piece, None], close: Close, plan: Plan, most: int, choice: Choice
) -> AsyncGenerator[Piece, None]:
    """The same pieces, and where they are cut, the end; at most so many tokens. Tells `choice` what was filled in."""
    growing = _Growing(close, plan, most)
    held: list[Piece] = []
    saved = NOTHING_SAVED
    async with aclosing(pieces):
        async for piece in pieces:
            if piece.finish == "stop":
                yield _joined([*held, piece])
                return
            saved, free = piece.saved, 0
            for unit in growing.units(piece):
                held.append(unit)
                growing.feed(unit)
                # What is part of a character has no text yet, and says nothing without the rest of it.
                if unit.text and (growing.fits() or await growing.fits_shortened()):
                    free = len(held)
            if free:
                yield _joined(held[:free])
                del held[:free]
    end, choice.truncation = await asyncio.to_thread(growing.closed)
    for piece in end.pieces():
        yield replace(piece, saved=saved)


class _Growing:
    """One answer while it grows. `end` closes what fits of it, which is `_content` letters of the document."""

    def __init__(self, close: Close, plan: Plan, most: int) -> None:
        self.end = close.nothing
        self._close = close
        self._room = most
        self._released = most
        self._content = 0
        self._added = ""
        self._parser = plan.parser()
        self._closer = close.closer.copy()
        self._sound = True
        self._took = inf
        self._decoder = _utf8(errors="replace")

    def units(self, piece: Piece) -> Sequence[Piece]:
        """The piece token by token, where it can be told what each of them stands for."""
        decode = self._close.tokenizer.vocabulary.matchable.decode_bytes
        texts = [self._decoder.decode(decode([token_id])) for token_id in piece.token_ids]
        if texts and piece.finish:
            texts[-1] += self._decoder.decode(b"", True)
        if len(texts) < 2 or "".join(texts) != piece.text:
            return [replace(piece, finish=None)]
        return [
            Piece(text, (token_id,), piece.logprobs[index : index + 1], sources=piece.sources[index : index + 1])
            for index, (text, token_id) in enumerate(zip(texts, piece.token_ids, strict=True))
        ]

    def feed(self, unit: Piece) -> None:
        self._room -= len(unit.token_ids)
        events = self._parser.feed(unit.text)
        self._added += (added := "".join(event.text for event in events if isinstance(event, ContentDelta)))
        self._sound = self._sound and self._closer.feed(added)

    def fits(self) -> bool:
        """Whether what is left of the last end, or all of it, still is one and has room. Takes microseconds."""
        if self._parser.thinking:
            return self._keep(self._close.end(self._close.ends, self._close.shortest))
        if not self._writes:
            return False
        last = self.end.document
        if last.startswith(self._added) and self._keep(self._ends(last[len(self._added) :])):
            return True
        return len(last) <= BRIEF and self._fits_again()

    async def fits_shortened(self) -> bool:
        """Whether the shortest end has room. To look for it takes a tenth of a millisecond, or in a thread many."""
        if self._parser.thinking or not self._writes:
            return False
        return self._searched() if self._took < BRIEF_SECONDS else await asyncio.to_thread(self._searched)

    def _searched(self) -> bool:
        begun = time.thread_time()
        fits = self._fits_again() or self._fits_shortest()
        self._took = time.thread_time() - begun
        return fits

    def _fits_shortest(self) -> bool:
        found = self._closer.closing()
        return found is not None and self._keep(self._ends(found))

    def _fits_again(self) -> bool:
        """Behind another letter of a string, the end often is the same; behind one of a date, without its first."""
        last = self.end.document
        again = (last[len(self._added) :], last)
        return any(self._closer.closes(one) and self._keep(self._ends(one)) for one in again)

    def closed(self) -> tuple[End, Truncation]:
        """The end of what fits, and what it fills in."""
        closer = self._close.closer.copy()
        closer.feed(self._closer.outline.text[: self._content])
        if self._content and (found := closer.closing()) is not None:
            self._release(self._ends(found))
        told = missing(closer.outline, self.end.document)
        return self.end, Truncation(told.cut, told.filled)

    @property
    def _writes(self) -> bool:
        """Whether the document has begun, as it may."""
        return self._sound and bool(self._closer.outline.text)

    def _ends(self, document: str) -> End:
        return self._close.end("", document)

    def _keep(self, end: End) -> bool:
        """Whether all that came so far can be passed on, with this end."""
        if not end.fits(self._room):
            return False
        self.end, self._added = end, ""
        self._content, self._released = len(self._closer.outline.text), self._room
        return True

    def _release(self, end: End) -> None:
        """Another end of what was passed on, if it has room too."""
        if end.fits(self._released):
            self.end = end


def _joined(pieces: Sequence[Piece]) -> Piece:
    return Piece(
        "".join(piece.text for piece in pieces),
        tuple(token_id for piece in pieces for token_id in piece.token_ids),
        tuple(logprob for piece in pieces for logprob in piece.logprobs),
        pieces[-1].finish,
        pieces[-1].saved,
        tuple(source for piece in pieces for source in piece.sources),
    )
