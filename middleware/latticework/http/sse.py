"""A stream of chunks as server-sent events."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import msgspec
from starlette.types import Message, Send

from latticework.errors import ApiError, ServerFault, Unavailable, as_api_error
from latticework.generate import Step
from latticework.http.lifetime import Deadline

logger = logging.getLogger(__name__)

STOPPED = "The server was stopped before the answer was complete."
DONE = b"data: [DONE]\n\n"
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no"}
# The place of a chunk's choices. No string in a chunk can contain these bytes, because its quotes are escaped.
NO_CHOICES = b'"choices":[]'

_encode = msgspec.json.Encoder().encode


def event(data: bytes) -> bytes:
    """An event. JSON has no line breaks, so one `data` line is enough."""
    return b"data: " + data + b"\n\n"


class ChunkFrame:
    """The bytes that all chunks of a stream share, so that only a token's choices are encoded."""

    def __init__(self, chunk: msgspec.Struct) -> None:
        """`chunk`: any chunk of the stream, with an empty list of choices."""
        before, after = event(_encode(chunk)).split(NO_CHOICES)
        self._before, self._after = before + NO_CHOICES[:-1], NO_CHOICES[-1:] + after
        self._between = self._after + self._before

    def events(self, choices: Sequence[msgspec.Struct]) -> bytes:
        """An event for each of the choices, at least one, as if its whole chunk were encoded."""
        if len(choices) == 1:  # the usual case
            return b"%b%b%b" % (self._before, _encode(choices[0]), self._after)
        return self._before + self._between.join(map(_encode, choices)) + self._after


class OpeningFrame(ChunkFrame):
    """The same, with a first event that has more fields."""

    def __init__(self, opening: msgspec.Struct, chunk: msgspec.Struct) -> None:
        """`opening`: the first chunk, with an empty list of choices. `chunk`: any later one."""
        super().__init__(chunk)
        self._opening: ChunkFrame | None = ChunkFrame(opening)

    def events(self, choices: Sequence[msgspec.Struct]) -> bytes:
        if self._opening is None:
            return super().events(choices)
        first, self._opening = self._opening.events(choices[:1]), None
        return first + (super().events(choices[1:]) if len(choices) > 1 else b"")


class StreamedResponse(Protocol):
    """A response as a stream: steps in, the chunks of an API and the bytes of their events out."""

    def chunks(self, steps: Sequence[Step]) -> Sequence[Any]: ...

    def events(self, chunks: Sequence[Any]) -> bytes:
        """Of one or more chunks."""

    def end(self) -> bytes:
        """The events after the last chunk."""

    def failed(self, error: ApiError) -> bytes:
        """The events instead of that end."""


async def send_stream(
    send: Send,
    response: StreamedResponse,
    steps: AsyncGenerator[Sequence[Step], None],
    headers: Mapping[str, str],
    deadline: Deadline,
) -> Exception | None:
    """Sends the events of all steps, and the end.

    Nothing is sent before the first step: until then an error is an ordinary response. After a later error the stream
    has `failed` instead of its end, so that no client treats it as complete; the error is returned.
    """
    failed = None
    async with deadline.kept():
        first = await anext(steps)
    await start(send, 200, {**HEADERS, **headers})
    try:
        # The work ends before the last event is sent, because a client may be slow to read it.
        async with deadline.kept(), aclosing(steps):
            if chunks := response.chunks(first):
                await send(_body_message(response.events(chunks)))
            async for added in steps:
                if chunks := response.chunks(added):
                    await send(_body_message(response.events(chunks)))
        last = response.end()
    except asyncio.CancelledError:
        # The server is stopping; or the client has gone, and gets nothing of this.
        await send(_body_message(response.failed(Unavailable(STOPPED)), more=False))
        raise
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a response that has started
        failed, last = error, response.failed(_api_error(error))
    await send(_body_message(last, more=False))
    return failed


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """The head of a response."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def _api_error(error: Exception) -> ApiError:
    known = as_api_error(error)
    if known is None:
        logger.error("A stream failed", exc_info=error)
        return ServerFault("The server failed while streaming the answer.")
    return known


def _body_message(data: bytes, *, more: bool = True) -> Message:
    return {"type": "http.response.body", "body": data, "more_body": more}
