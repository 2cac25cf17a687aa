"""A connection of uvicorn that waits for nothing without an end, keeps nothing without a bound, and sees clients leave.

uvicorn itself has a timeout for idle connections between two requests, and no others. It parses whatever arrives, and
stops reading where a second request follows a first, so that it does not notice when such a client leaves.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from latticework.doors.openai import envelope
from latticework.errors import ApiError, BadRequest
from latticework.serving.framing import BodyReader, HeadReader, body_of

# A client may send so much of its next requests before it has the response to the last one. Beyond it, nothing is read
# for so many seconds: then the connection is closed, because nobody can tell whether the client is still there.
AHEAD_BYTES = 1 << 16
AHEAD_SECONDS = 0.5
# Read and dropped of a refused request.
LINGER_BYTES = 1 << 24
# Once so much of a body was read, the app takes it before more is read.
PIECE_BYTES = 1 << 16


@dataclass(frozen=True)
class Timeouts:
    """In seconds: for a request head to arrive; for a client to read something of its response."""

    read: float
    write: float


class Connection(HttpToolsProtocol):
    """One connection: reads a request, waits for its response, reads the next."""

    def __init__(
        self, *args: Any, timeouts: Timeouts, closed: Callable[[], object] = lambda: None, **options: Any
    ) -> None:
        """`closed` is called when the connection is lost."""
        super().__init__(*args, **options)
        self._timeouts = timeouts
        self._closed = closed
        self._context = contextvars.copy_context()
        self._head = HeadReader()
        self._body: BodyReader | None = None
        self._ahead = b""  # what follows the request
        self._keep_alive = False  # of the current request
        self._linger_left = -1  # bytes; negative while the connection is in use
        self._ahead_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._start_read_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._read_timer, self._write_timer, self._ahead_timer, self.timeout_keep_alive_task):
            if timer is not None:
                timer.cancel()
        self._ahead = b""
        super().connection_lost(exc)
        self._closed()

    # Reading
    def data_received(self, data: bytes) -> None:
        self._unset_keepalive_if_required()
        data, self._ahead = self._ahead + data, b""
        try:
            while data:
                data = self._read(data)
        except ApiError as error:
            self._refuse(error)
        if self._read_timer is None and not self._responding:
            self._start_read_timer()  # uvicorn has cancelled its timer for idle connections

    def _read(self, data: bytes) -> bytes:
        """Reads what belongs together, and returns the rest. Raises BadRequest and HeadTooLarge."""
        if self._lingering:
            self._drop(data)
        elif self._body is not None:
            return self._read_body(self._body, data)
        elif self._responding:
            self._hold(data)
        else:
            return self._read_head(data)
        return b""

    def _read_head(self, data: bytes) -> bytes:
        rest = self._head.feed(data)
        if rest is None:
            return b""
        head, self._head = self._head, HeadReader()
        self._body = body_of(head)
        self._begin(head)
        return rest

    def _begin(self, head: HeadReader) -> None:
        """Starts the app on a request, as if uvicorn's own parser had read its head."""
        self.parser = head.parser
        self.on_message_begin()
        self.on_url(head.url)
        for name, value in head.headers:
            self.on_header(name, value)
        self.on_headers_complete()
        self.cycle.transport = _ResponseTransport(self)  # type: ignore[assignment]  # it uses three methods
        self._stop_read_timer()  # the app has the read timeout for bodies, and answers with an error
        self._keep_alive = head.keep_alive
        # A response to half a request ends the connection.
        self.cycle.keep_alive = self._keep_alive and self._body is None
        if self._body is None:
            self.on_message_complete()

    def _read_body(self, body: BodyReader, data: bytes) -> bytes:
        content, rest = body.feed(data)
        if content:
            self.on_body(content)
        if len(data) >= PIECE_BYTES:
            self.flow.pause_reading()
        if rest is None:
            return b""
        self._body = None
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive
        self.on_message_complete()
        return rest

    def _hold(self, data: bytes) -> None:
        """Keeps the next requests until the response is complete. Reading on is how the client is seen to leave."""
        self._ahead = data
        if len(data) > AHEAD_BYTES:
            self.flow.pause_reading()
            if self._ahead_timer is None:
                self._ahead_timer = self.loop.call_later(AHEAD_SECONDS, self._refuse, _too_far_ahead())

    def _go_on(self) -> None:
        if self._ahead and not self.transport.is_closing():
            self.data_received(b"")

    def eof_received(self) -> None:
        """The client has closed its side, and counts as disconnected. It can still read what is buffered."""
        super().eof_received()
        self._disconnect()
        self._restart_write_timer()

    @property
    def _responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # Ending
    def _refuse(self, error: ApiError) -> None:
        """Ends the connection, and the request that it has; after an error response, unless another has begun."""
        if self.transport.is_closing() or self._lingering:
            return
        if not self._responding or not self.cycle.response_started:
            body = envelope(error)
            headers = [
                *self.server_state.default_headers,
                (b"content-type", b"application/json"),
                (b"content-length", b"%d" % len(body)),
                (b"connection", b"close"),
            ]
            lines = b"".join(name + b": " + value + b"\r\n" for name, value in headers)
            self.transport.write(STATUS_LINE[error.status] + lines + b"\r\n" + body)
        self._disconnect()
        self._linger()

    def _disconnect(self) -> None:
        """Ends the work for the current request, as uvicorn does when a connection is lost."""
        if self._responding:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
            self.flow.resume_writing()

    def end(self) -> None:
        """Closes the connection, once the whole request was read."""
        if self._body is None:
            self.transport.close()
        else:
            self._linger()
        self._restart_write_timer()

    def _linger(self) -> None:
        """Closes the connection once the client has stopped sending.

        A connection that is closed while the client sends is reset, and the client may lose the response.
        """
        if self._lingering:
            return
        self._linger_left = LINGER_BYTES
        self._ahead = b""
        try:
            if self.transport.can_write_eof():
                self.transport.write_eof()
        except OSError:  # the client has reset the connection, which was not read since
            self.transport.abort()
        self.flow.resume_reading()
        self._start_read_timer()
        self._restart_write_timer()

    def _drop(self, data: bytes) -> None:
        self._linger_left = max(0, self._linger_left - len(data))
        if not self._linger_left:
            self.transport.close()

    @property
    def _lingering(self) -> bool:
        return self._linger_left >= 0

    def shutdown(self) -> None:
        self._keep_alive = False
        super().shutdown()
        if self._lingering:
            self.transport.close()

    # Timers
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

    def pause_writing(self) -> None:
        super().pause_writing()
        self._restart_write_timer()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._restart_write_timer()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._ahead_timer is not None:
            self._ahead_timer.cancel()
            self._ahead_timer = None
        self._restart_write_timer()
        if self._ahead:
            # Not in the context of the request that ends here.
            self.loop.call_soon(self._go_on, context=self._context)

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


class _ResponseTransport:
    """What a response writes to: the connection's transport, which it does not close while its request arrives."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.write = connection.transport.write
        self.is_closing = connection.transport.is_closing

    def close(self) -> None:
        self._connection.end()


def _too_far_ahead() -> ApiError:
    return BadRequest(
        f"More than {AHEAD_BYTES} bytes follow the request: send the next one when this one has its response."
    )
