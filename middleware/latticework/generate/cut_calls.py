"""Completes a call that `max_tokens` cuts, with the shortest arguments that its schema allows.

The completion is not written in the wire format: clients see a call only as its arguments, so that nothing has to fit
into the limit, and nothing that was generated is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Literal

from msgspec.structs import replace

from latticework.engines.base import Piece
from latticework.generate import Step, Truncation
from latticework.generate.choice import Choice
from turngrammar.completion import rest_of_arguments
from turngrammar.events import ArgumentsDelta, Event, ToolCallEnd
from turngrammar.plan import Plan


class CompletingCalls:
    """One answer whose calls are complete even if it is cut."""

    def __init__(self, plan: Plan, choice: Choice, finish: Literal["length", "stop"]) -> None:
        """`finish`: what a completed answer ends with. Then `choice.truncation` gets the completed parts."""
        self._plan = plan
        self._choice = choice
        self._finish = finish

    async def feed(self, piece: Piece) -> Step | None:
        """Feeds the choice this piece."""
        if piece.finish != "length":
            return self._choice.feed(piece)
        parser = self._choice.parser
        events = parser.feed(piece.text) + parser.close()
        return await self.end(piece, events, in_reasoning=parser.in_reasoning)

    async def end(self, piece: Piece, events: Sequence[Event], *, in_reasoning: bool) -> Step | None:
        """Feeds the choice the last piece, which was cut and is already parsed."""
        choice = self._choice
        step = choice.add(replace(piece, finish=None), events, in_reasoning=in_reasoning)
        if choice.finish is not None:
            return step  # at a stop string
        rest = await self._rest()
        finish = "length" if choice.truncation is None else self._finish
        last = choice.add(piece.end(finish), rest, in_reasoning=False)
        return joined_steps(step, last)

    async def _rest(self) -> Sequence[Event]:
        """What completes the call that is open. Where none is, and there are calls, the answer has its calls."""
        choice, call = self._choice, self._choice.open_call
        if call is None:
            choice.truncation = Truncation(None, ()) if choice.calls and not choice.unfinished else None
            return ()
        completed = await asyncio.to_thread(rest_of_arguments, self._plan, call.name, call.arguments)
        if completed is None:
            return ()
        (text, added), index = completed, choice.calls - 1
        place = choice.calls - len(choice.unfinished)
        choice.truncation = Truncation(added.cut, added.filled, place)
        return [ArgumentsDelta(index, text)] * bool(text) + [ToolCallEnd(index)]


def joined_steps(step: Step | None, last: Step | None) -> Step | None:
    """Both in one, if there are both. The last has no tokens of its own."""
    if step is None or last is None:
        return step or last
    return replace(step, events=[*step.events, *last.events])
