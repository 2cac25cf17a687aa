"""The connection of two processes of one server: calls, notes, and the pieces of answers.

A frame is its length, its kind and its content. What is not a piece is pickled: both processes are one program, of one
user. Pieces are sent once for each turn of the event loop, so that a step of an engine is one frame.
"""

from __future__ import annotations

import asyncio
import inspect
import itertools
import logging
import pickle
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, cast

import msgspec

from latticework.engines.base import Piece

logger = logging.getLogger(__name__)

_HEAD = struct.Struct("!IB")
_PIECES, _CALL, _REPLY, _NOTE = range(4)

# Of an answer, by its number: nearly every piece has a text and tokens only.
PlainPiece = tuple[int, str, tuple[int, ...]]
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[PlainPiece]).decode

PIECE, ENDED = "piece", "ended"


# What pickle raises for a value that can't leave its process.
UNSENDABLE = (pickle.PicklingError, TypeError, AttributeError)


class LinkLost(ConnectionError):
    """The other process has ended."""


class Link(asyncio.Protocol):
    """One end. It is used in one event loop."""

    loop: asyncio.AbstractEventLoop

    def __init__(
        self,
        handlers: Mapping[str, Callable[..., Any]],
        lost: Callable[[], object],
        pieces: Callable[[Sequence[PlainPiece]], object] = lambda pieces: None,
    ) -> None:
        """`handlers`: by name, what calls and notes of the other end do here; coroutine functions run as tasks.

        `lost` is called once, when the other end is closed.
        """
        self._handlers = handlers
        self._lost = lost
        self._pieces = pieces
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._numbers = itertools.count()
        self._calls: dict[int, asyncio.Future[Any]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unsent: list[PlainPiece] = []

    async def connect(self, end: socket.socket) -> None:
        self.loop = asyncio.get_running_loop()
        await self.loop.create_unix_connection(lambda: self, sock=end)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    # Sending
    async def call(self, name: str, *args: Any) -> Any:
        """What the other end returns. Raises what it raises, and LinkLost."""
        number = next(self._numbers)
        reply = self._calls[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(_CALL, (number, name, args))
            return await reply
        finally:
            del self._calls[number]

    def note(self, name: str, *args: Any) -> None:
        """Nothing comes back. Whoever hears it does so after all that was sent before."""
        with suppress(LinkLost):
            self._send(_NOTE, (name, args))

    def piece(self, number: int, piece: Piece) -> None:
        """The next one of an answer."""
        if piece == Piece(piece.text, piece.token_ids):  # nothing else is set
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append((number, piece.text, piece.token_ids))
        else:
            self.note(PIECE, number, piece)

    def _flush(self) -> None:
        if self._unsent:
            unsent, self._unsent = self._unsent, []
            with suppress(LinkLost):
                self._write(_PIECES, _encode(unsent))

    def _send(self, kind: int, content: Any) -> None:
        self._flush()
        self._write(kind, pickle.dumps(content, 5))

    def _write(self, kind: int, content: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            raise LinkLost
        self._transport.write(_HEAD.pack(len(content), kind) + content)

    # Receiving
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # which uvloop's do not derive from

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        for reply in self._calls.values():
            if not reply.done():
                reply.set_exception(LinkLost())
        for task in self._tasks:
            task.cancel()
        self._lost()

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        begin = 0
        while len(buffer) - begin >= _HEAD.size:
            size, kind = _HEAD.unpack_from(buffer, begin)
            end = begin + _HEAD.size + size
            if len(buffer) < end:
                break
            self._receive(kind, bytes(memoryview(buffer)[begin + _HEAD.size : end]))
            begin = end
        del buffer[:begin]

    def _receive(self, kind: int, content: bytes) -> None:
        if kind == _PIECES:
            self._pieces(_decode(content))
        elif kind == _REPLY:
            self._resolve(*pickle.loads(content))
        elif kind == _NOTE:
            name, args = pickle.loads(content)
            self._handle(self._handlers[name](*args), None)
        else:
            number, name, args = pickle.loads(content)
            self._answer(number, name, args)

    def _resolve(self, number: int, value: Any, error: BaseException | None) -> None:
        reply = self._calls.get(number)
        if reply is not None and not reply.done():
            if error is None:
                reply.set_result(value)
            else:
                reply.set_exception(error)

    def _answer(self, number: int, name: str, args: tuple[Any, ...]) -> None:
        try:
            result = self._handlers[name](*args)
        except Exception as error:  # noqa: BLE001 - it is the caller's
            self._reply(number, None, error)
        else:
            self._handle(result, number)

    def _handle(self, result: Any, number: int | None) -> None:
        """`number`: of the call that it answers."""
        if inspect.isawaitable(result):
            task = asyncio.ensure_future(self._reply_later(result, number))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif number is not None:
            self._reply(number, result, None)

    async def _reply_later(self, result: Awaitable[Any], number: int | None) -> None:
        value, failure = None, None
        try:
            value = await result
        except Exception as error:  # the outermost boundary of this task
            if number is None:
                logger.exception("A note to this process failed")
            failure = error
        if number is not None:
            self._reply(number, value, failure)

    def _reply(self, number: int, value: Any, error: BaseException | None) -> None:
        with suppress(LinkLost):
            try:
                self._send(_REPLY, (number, value, error and Sent(error)))
            except UNSENDABLE as failure:  # or the caller would wait forever
                logger.exception("What a call returned can't be sent")
                self._send(_REPLY, (number, None, Sent(TypeError(f"it can't be sent: {failure}"))))


def first_note(end: socket.socket) -> tuple[Any, ...]:
    """The arguments of the first note, read before there is an event loop. Raises EOFError."""
    size, _ = _HEAD.unpack(_exactly(end, _HEAD.size))
    _, args = pickle.loads(_exactly(end, size))
    return tuple(args)


def _exactly(end: socket.socket, size: int) -> bytes:
    content = bytearray()
    while len(content) < size:
        part = end.recv(size - len(content))
        if not part:
            raise EOFError
        content += part
    return bytes(content)


class Sent:
    """An error on its way: it arrives with its attributes, whatever its class' own `__init__` takes.

    Of what can't leave its process it has the text.
    """

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def __reduce__(self) -> tuple[Any, ...]:
        error = self._error
        attributes = {name: _sendable(value) for name, value in error.__dict__.items()}
        return _restored, (type(error), tuple(map(_sendable, error.args)), attributes)


def _sendable(value: Any) -> Any:
    try:
        pickle.dumps(value, 5)
    except UNSENDABLE:
        return str(value)
    return value


def _restored(kind: type[BaseException], args: tuple[Any, ...], attributes: Mapping[str, Any]) -> BaseException:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(attributes)
    return error
