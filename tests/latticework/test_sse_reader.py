"""Events out of a body, however it is cut."""

from __future__ import annotations

from latticework.sse_reader import EventReader

BODY = b': hello\n\ndata: {"a": 1}\n\ndata: {"b": "\xc3\xbc"}\n\nevent: x\n\ndata: [DONE]\n\n'
DATA = [b'{"a": 1}', b'{"b": "\xc3\xbc"}', b"[DONE]"]


def test_they_are_the_same_at_every_chunking() -> None:
    for size in range(1, len(BODY) + 1):
        events = EventReader()
        pieces = [BODY[place : place + size] for place in range(0, len(BODY), size)]
        assert [data for piece in pieces for data in events.feed(piece)] == DATA


def test_what_is_not_complete_is_kept_back() -> None:
    events = EventReader()
    assert events.feed(b'data: {"a": 1}\n') == []
    assert events.feed(b"\n") == [b'{"a": 1}']
