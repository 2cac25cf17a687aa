"""Reads server-sent events out of a body that arrives in any pieces."""

from __future__ import annotations


class EventReader:
    """The events of one body, each with a single line of data, as OpenAI's and vLLM's are."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, body: bytes) -> list[bytes]:
        """The data of all events that this part completes; comments and other fields have none."""
        *complete, self._rest = (self._rest + body).split(b"\n\n")
        return [event[6:] for event in complete if event.startswith(b"data: ")]
