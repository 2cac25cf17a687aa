"""A connection of uvicorn with a read timeout, a write timeout, and a limit on the size of request heads.

uvicorn itself has a timeout for idle connections between two requests, and no others.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from latticework.doors.openai import envelope
from latticework.errors import ApiError, BadRequest, HeadTooLarge

# Of the request line and the headers together.
MAX_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class Timeouts:
    """In seconds: for a request head to arrive; for a client to read something of its response."""

    read: float
    write: float


class Connection(HttpToolsProtocol):
    """One connection, with a timer for reading and one for writing."""

    def __init__(self, *args: Any, timeouts: Timeouts, **options: Any) -> None:
        super().__init__(*args, **options)
        self._timeouts = timeouts
        self._head_bytes = 0  # so far
        self._in_head = True
        self._head_error: ApiError | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_read_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._read_timer, self._write_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(_head_too_large())
        elif self._read_timer is None and not self._responding:
            self._start_read_timer()  # uvicorn has cancelled its timer for idle connections

    # Callbacks of the parser
    def on_headers_complete(self) -> None:
        self._in_head, self._head_bytes = False, 0
        if len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > MAX_HEAD_BYTES:
            self._head_error = _head_too_large()
            raise self._head_error  # reaches send_400_response through the parser and data_received
        super().on_headers_complete()
        self._stop_read_timer()  # the app has the read timeout for bodies, and answers with an error

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._stop_read_timer()

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._head_error or BadRequest(msg))

    def _refuse(self, error: ApiError) -> None:
        """Closes the connection, after an error response unless another response has begun."""
        if self.transport.is_closing():
            return
        if not self._responding:
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
        self._restart_write_timer()

    # Reading
    @property
    def _responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _start_read_timer(self) -> None:
        self._stop_read_timer()
        self._read_timer = self.loop.call_later(self._timeouts.read, self._read_timed_out)

    def _stop_read_timer(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _read_timed_out(self) -> None:
        self._read_timer = None
        self.transport.close()
        self._restart_write_timer()

    # Writing
    def pause_writing(self) -> None:
        super().pause_writing()
        self._restart_write_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._restart_write_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._restart_write_timer()

    def eof_received(self) -> None:
        """The client has closed its side, and counts as disconnected. It can still read what is buffered."""
        super().eof_received()
        self._restart_write_timer()

    def _restart_write_timer(self) -> None:
        """Needed wherever writing waits for the client: while the buffer is full, and while a connection closes."""
        if self._write_timer is not None:
            self._write_timer.cancel()
        unsent = self.transport.get_write_buffer_size()
        self._write_timer = (
            self.loop.call_later(self._timeouts.write, self._check_write_progress, unsent) if unsent else None
        )

    def _check_write_progress(self, unsent: int) -> None:
        self._write_timer = None
        if self._responding and not self.flow.write_paused and not self.transport.is_closing():
            return  # not waiting for the client; the timer restarts when it does
        if self.transport.get_write_buffer_size() < unsent:
            self._restart_write_timer()
        else:
            self.transport.abort()


def _head_too_large() -> ApiError:
    return HeadTooLarge(f"The request's head is larger than {MAX_HEAD_BYTES} bytes.")
