"""A stream of chunks as server-sent events."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping

import msgspec
from starlette.types import Send

from middleware.errors import ServerFault, as_api_error
from middleware.responses import Chunk

logger = logging.getLogger(__name__)

DONE = b"data: [DONE]\n\n"
HEADERS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache", "x-accel-buffering": "no"}

_encode = msgspec.json.Encoder().encode


def event(data: bytes) -> bytes:
    """One event. JSON holds no line break, so one `data` line is enough."""
    return b"data: " + data + b"\n\n"


async def send_stream(
    send: Send, chunks: AsyncGenerator[Chunk, None], headers: Mapping[str, str], *, usage: bool
) -> None:
    """Sends all chunks, the usage only if asked for.

    Nothing is sent before the first chunk is there: until then an error is an ordinary response. A later one is an
    event of its own, and the stream ends without [DONE], so that no client takes it for complete.
    """
    first = await anext(chunks)
    await start(send, 200, {**HEADERS, **headers})
    try:
        await _body(send, _encoded(first, usage=usage))
        async for chunk in chunks:
            if chunk.choices or usage:
                await _body(send, _encoded(chunk, usage=usage))
        await _body(send, DONE)
    except Exception as error:  # noqa: BLE001 - the outermost boundary of a response that has started
        await _body(send, event(_explained(error)))
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def start(send: Send, status: int, headers: Mapping[str, str]) -> None:
    """The head of a response."""
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


def _encoded(chunk: Chunk, *, usage: bool) -> bytes:
    """Where usage was asked for, all other chunks have it as null; else none has it."""
    return event(_encode(chunk if usage else msgspec.structs.replace(chunk, usage=msgspec.UNSET)))


def _explained(error: Exception) -> bytes:
    known = as_api_error(error)
    if known is None:
        logger.error("A stream broke", exc_info=error)
        known = ServerFault("The server failed while it streamed the answer.")
    return known.encode()


async def _body(send: Send, data: bytes) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": True})
