"""Calls, notes and pieces between two ends of a link, in one event loop."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import wraps
from types import MappingProxyType
from typing import Any

import pytest

from latticework.engines.base import Piece, PromptRefused
from latticework.errors import BadRequest, RateLimited
from latticework.fronts.link import PIECE, Link, LinkLost, PlainPiece, first_note


def looped(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Runs a test in an event loop."""

    @wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))

    return run


@dataclass
class Ends:
    """Of a link; `frames` has the pieces that came together, `heard` all else."""

    ours: Link
    theirs: Link
    frames: list[Sequence[PlainPiece]]
    heard: list[Any] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)


@asynccontextmanager
async def linked(handlers: Mapping[str, Callable[..., Any]]) -> AsyncIterator[Ends]:
    """`handlers` are those of the other end."""
    here, there = socket.socketpair()
    frames: list[Sequence[PlainPiece]] = []
    lost = asyncio.Event()
    ours = Link({}, lost.set)
    heard: list[Any] = []
    theirs = Link(
        {"hear": heard.append, PIECE: lambda number, piece: heard.append((number, piece)), **handlers},
        lambda: None,
        frames.append,
    )
    for link, end in ((ours, here), (theirs, there)):
        end.setblocking(False)
        await link.connect(end)
    yield Ends(ours, theirs, frames, heard, lost)
    ours.close()
    theirs.close()


@looped
async def test_a_call_returns_what_the_other_end_does() -> None:
    async def doubled(number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    async with linked({"now": lambda number: number + 1, "later": doubled}) as ends:
        later, now = await asyncio.gather(ends.ours.call("later", 21), ends.ours.call("now", 1))
        assert (later, now) == (42, 2)


@pytest.mark.parametrize(
    "error",
    [RateLimited("Wait.", retry_after=7), BadRequest("No.", param="n", code="why"), PromptRefused("No.", "prompt")],
)
@looped
async def test_an_error_arrives_with_all_that_it_has(error: Exception) -> None:
    def fail() -> None:
        raise error

    async def fail_later() -> None:
        raise error

    async with linked({"now": fail, "later": fail_later}) as ends:
        for name in ("now", "later"):
            with pytest.raises(type(error)) as raised:
                await ends.ours.call(name)
            assert (str(raised.value), vars(raised.value)) == (str(error), vars(error))


@looped
async def test_what_cannot_be_sent_fails_its_call() -> None:
    def fail() -> None:
        error = PromptRefused("No.")
        error.param = lambda: None  # type: ignore[assignment]
        raise error

    async with linked({"value": lambda: MappingProxyType({}), "error": fail}) as ends:
        with pytest.raises(TypeError, match="mappingproxy"):
            await ends.ours.call("value")
        with pytest.raises(PromptRefused, match=r"No\."):
            await ends.ours.call("error")


@looped
async def test_pieces_of_one_step_are_one_frame_and_nothing_overtakes_another() -> None:
    async with linked({}) as ends:
        last = Piece("", (3,), finish="stop")
        for piece in (Piece("a", (1,)), Piece("é", (2,)), last):
            ends.ours.piece(7, piece)
        ends.ours.note("hear", "end")
        ends.ours.piece(8, Piece("b", (4, 5)))
        await ends.ours.call("hear", "done")
        assert ends.frames == [[(7, "a", (1,)), (7, "é", (2,))], [(8, "b", (4, 5))]]
        assert ends.heard == [(7, last), "end", "done"]


@looped
async def test_large_frames_arrive_whole() -> None:
    async with linked({"size": len}) as ends:
        assert await ends.ours.call("size", "x" * 3_000_000) == 3_000_000


@looped
async def test_the_end_of_one_end_ends_calls_and_their_work() -> None:
    ended: list[str] = []

    async def forever() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async with linked({"forever": forever}) as ends:
        call = asyncio.ensure_future(ends.ours.call("forever"))
        await asyncio.sleep(0)
        ends.theirs.close()
        with pytest.raises(LinkLost):
            await call
        await ends.lost.wait()
        with pytest.raises(LinkLost):
            await ends.ours.call("forever")
        ends.ours.note("hear", "nobody")
        assert ended in ([], ["cancelled"])  # it may not have begun


@looped
async def test_the_first_note_is_read_without_a_loop() -> None:
    here, there = socket.socketpair()
    with there:
        here.setblocking(False)
        link = Link({}, lambda: None)
        await link.connect(here)
        link.note("hello", {"large": "x" * 100_000})
        assert await asyncio.to_thread(first_note, there) == ({"large": "x" * 100_000},)
        link.close()
        await asyncio.sleep(0)
        with pytest.raises(EOFError):
            await asyncio.to_thread(first_note, there)
