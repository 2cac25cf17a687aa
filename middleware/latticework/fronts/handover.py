"""Connections of clients, on their way from the process that accepts them to the one that serves them."""

from __future__ import annotations

import socket
import sys

# One byte carries one descriptor.
_NOTE = b"."


class ConnectionDropped(Exception):
    """The process that gets it has no descriptor left for it; the kernel has closed it."""


if sys.platform == "win32":

    def handed(channel: socket.socket, connection: socket.socket) -> bool:
        """Windows has no such messages; `serving.refuse_fronts` says so at start."""
        raise NotImplementedError

    def taken(channel: socket.socket) -> socket.socket | None:
        """As above."""
        raise NotImplementedError

else:

    def handed(channel: socket.socket, connection: socket.socket) -> bool:
        """Whether the channel, which does not block, has room for it. Raises OSError if its other end is closed."""
        try:
            socket.send_fds(channel, [_NOTE], [connection.fileno()])
        except BlockingIOError:
            return False
        return True

    def taken(channel: socket.socket) -> socket.socket | None:
        """The next connection that was handed over; None where there is none yet. Raises EOFError if none will be.

        Raises ConnectionDropped, and then there may be more.
        """
        try:
            note, descriptors, _, _ = socket.recv_fds(channel, len(_NOTE), 1)
        except BlockingIOError:
            return None
        if not note:
            raise EOFError
        if not descriptors:
            raise ConnectionDropped
        connection = socket.socket(fileno=descriptors[0])
        connection.setblocking(False)
        return connection
