"""A client's connection: uvicorn's own, but it waits for nothing without an end.

uvicorn bounds how long a connection may be idle between two requests. It does not bound how long a request may take to
arrive, how large its head may be, or how long a client may leave an answer where it is.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from latticework.doors.openai import envelope
from latticework.errors import ApiError, BadRequest, HeadTooLarge

# The bytes of a request line and its headers.
MOST_HEAD = 1 << 16


@dataclass(frozen=True)
class Timeouts:
    """In seconds: for a head to arrive, or what nobody reads; for a client to take something of an answer."""

    read: float
    write: float


class Connection(HttpToolsProtocol):
    """What is read of a request has a deadline, and so has what is written until the client takes it."""

    def __init__(self, *args: Any, timeouts: Timeouts, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timeouts = timeouts
        self._head = 0  # bytes so far
        self._in_head = True
        self._fault: ApiError | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._taking: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._await_more()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._deadline, self._taking, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
        super().data_received(data)
        if self._in_head and self._head > MOST_HEAD:
            self._refuse(_head_too_large())
        elif self._deadline is None and not self._answering:
            self._await_more()  # uvicorn has taken the timer of an idle connection away

    # The parser's callbacks
    def on_headers_complete(self) -> None:
        self._in_head, self._head = False, 0
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MOST_HEAD:
            self._fault = _head_too_large()
            raise self._fault  # the parser tells data_received, which calls send_400_response
        super().on_headers_complete()
        self._await_nothing()  # the app waits for the body, and answers where it is late

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._await_nothing()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._fault or BadRequest(msg))

    def _refuse(self, error: ApiError) -> None:
        """Ends the connection; with an answer, unless that would come in the middle of another."""
        if self.transport.is_closing():
            return
        if not self._answering:
            body = envelope(error)
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self.transport.close()
        self._watch_taking()

    # Reading
    @property
    def _answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _await_more(self) -> None:
        self._await_nothing()
        self._deadline = self.loop.call_later(self._timeouts.read, self._late)

    def _await_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _late(self) -> None:
        self._deadline = None
        self.transport.close()
        self._watch_taking()

    # Writing
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_taking()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._watch_taking()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch_taking()

    def eof_received(self) -> None:
        """The client's end of the connection is closed: it counts as gone. What it was sent, it may still take."""
        super().eof_received()
        self._watch_taking()

    def _watch_taking(self) -> None:
        """Closing a connection waits until all was taken, and so does an answer that is far ahead of its client."""
        if self._taking is not None:
            self._taking.cancel()
        left = self.transport.get_write_buffer_size()
        self._taking = self.loop.call_later(self._timeouts.write, self._check_taking, left) if left else None

    def _check_taking(self, before: int) -> None:
        self._taking = None
        if self._answering and not self.flow.write_paused and not self.transport.is_closing():
            return  # the answer goes on; it will be looked at again when it has to wait
        if self.transport.get_write_buffer_size() < before:
            self._watch_taking()
        else:
            self.transport.abort()


def _head_too_large() -> ApiError:
    return HeadTooLarge(f"The request's head is larger than {MOST_HEAD} bytes.")
