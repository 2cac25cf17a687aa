"""A stream of chunks as server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing

import msgspec
from starlette.types import Message, Send

from latticework.errors import ServerFault, as_api_error
from latticework.http.deadline import Deadline
from latticework.responses import Chunk, ChunkChoice

logger = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no"}
# Where a chunk's choices stand. No string of a chunk can hold these bytes: its own quotes are escaped.
NO_CHOICES = b'"choices":[]'

_encode = msgspec.json.Encoder().encode


def event(data: bytes) -> bytes:
    """One event. JSON holds no line break, so one `data` line is enough."""
    return b"data: " + data + b"\n\n"


class Frame:
    """The bytes that all chunks of a stream share, so that a token costs no more than what is new about it."""

    def __init__(self, chunk: Chunk) -> None:
        """`chunk` is any of the stream, without its choices."""
        before, after = event(_encode(chunk)).split(NO_CHOICES)
        self._before, self._after = before + NO_CHOICES[:-1], NO_CHOICES[-1:] + after
        self._between = self._after + self._before

    def events(self, choices: Sequence[ChunkChoice]) -> bytes:
        """An event for each of one or more, as if its whole chunk were encoded."""
        return self._before + self._between.join(map(_encode, choices)) + self._after


async def send_stream(
    send: Send,
    frame: Chunk,
    choices: AsyncGenerator[Sequence[ChunkChoice], None],
    end: Callable[[], Chunk] | None,
    headers: Mapping[str, str],
    deadline: Deadline,
) -> Exception | None:
    """Sends a chunk for each of the choices, and one from `end` where the client asked for the usage.

    Nothing is sent before the first choice is there: until then an error is an ordinary response. A later one is an
    event of its own, and the stream ends without [DONE], so that no client takes it for complete; it is returned.
    """
    failed = None
    async with deadline.kept():
        first = await anext(choices)
    await start(send, 200, {**HEADERS, **headers})
    # Where usage was asked for, all other chunks have it as null; else none has it.
    framed = Frame(frame if end else msgspec.structs.replace(frame, usage=msgspec.UNSET)).events
    try:
        # The work ends before the last event is sent, which a client may be slow to take.
        async with deadline.kept(), aclosing(choices):
            await send(_body(framed(first)))
            async for added in choices:
                await send(_body(framed(added)))
        last = (event(_encode(end())) if end else b"") + DONE
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a response that has started
        failed, last = error, event(_explained(error))
    await send(_body(last, more=False))
    return failed


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """The head of a response."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def _explained(error: Exception) -> bytes:
    known = as_api_error(error)
    if known is None:
        logger.error("A stream broke", exc_info=error)
        known = ServerFault("The server failed while it streamed the answer.")
    return known.encode()


def _body(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
