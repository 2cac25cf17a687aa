"""Server-sent events that have names: each is an object whose type is the name too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

_encode = msgspec.json.Encoder().encode


def named_event(name: bytes, data: bytes) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name, data)


class EventEncoder:
    """Encodes the events of one API."""

    def __init__(self, kinds: Iterable[type[msgspec.Struct]]) -> None:
        """`kinds`: all types of events."""
        self._names: Mapping[type[msgspec.Struct], bytes] = {
            kind: str(kind.__struct_config__.tag).encode() for kind in kinds
        }

    def encode(self, event: msgspec.Struct) -> bytes:
        return named_event(self._names[type(event)], _encode(event))

    def encode_all(self, events: Iterable[msgspec.Struct]) -> bytes:
        return b"".join(map(self.encode, events))
