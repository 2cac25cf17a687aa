"""Server-sent events, out of a body that comes in any pieces."""

from __future__ import annotations


class Events:
    """Those of one body. Only data that is a JSON object counts: no comments, and no [DONE]."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, body: bytes) -> list[bytes]:
        """The data of all events that are complete with this."""
        *whole, self._rest = (self._rest + body).split(b"\n\n")
        return [event[6:] for event in whole if event.startswith(b"data: {")]
