"""Bodies: bounded, and JSON as RFC 8259 means it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from starlette.requests import ClientDisconnect

from latticework import Settings
from latticework.errors import ApiError, BadRequest, TooLarge
from latticework.http.body import decode, decode_object, read_body
from turngrammar.scan import load_json


def receiving(*messages: dict[str, Any]) -> Any:
    waiting = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(waiting)

    return receive


def test_a_body_in_pieces_is_joined() -> None:
    pieces: list[dict[str, Any]] = [
        {"type": "http.request", "body": b"ab", "more_body": True},
        {"type": "http.request", "body": b"c"},
    ]
    assert asyncio.run(read_body(receiving(*pieces), 3)) == b"abc"


def test_a_large_body_is_refused_before_it_is_all_there() -> None:
    first = {"type": "http.request", "body": b"abcd", "more_body": True}
    with pytest.raises(TooLarge, match=r"larger than max_body_bytes \(3 bytes\)"):
        asyncio.run(read_body(receiving(first), 3))


def test_a_number_of_too_many_digits_is_refused_in_words_of_ours() -> None:
    with pytest.raises(BadRequest, match=r"a number has too many digits$"):
        decode_object(b'{"a": 1' + b"0" * 5000 + b"}")


def test_a_client_that_goes_away_while_sending_is_noticed() -> None:
    with pytest.raises(ClientDisconnect):
        asyncio.run(read_body(receiving({"type": "http.disconnect"}), 3))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b"\xff\xfe", "must be UTF-8, and byte 0xff at 0 is not"),
        (b'{"a": "\xed\xa0\x80"}', "must be UTF-8, and byte 0xed at 7 is not"),
        (b'{"a": "\xed\xa0\xbd\xed\xb8\x80"}', "must be UTF-8"),
        (b'{"a": "\xc0\xaf"}', "must be UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "must be UTF-8"),
        ('{"a": 1}'.encode("utf-16-le"), "not valid JSON"),
        ('{"a": 1}'.encode("utf-32-be"), "not valid JSON"),
        (b'{"a": "\0"}', "Invalid control character"),
        (b"[1]", "must be a JSON object"),
        (b'"text"', "must be a JSON object"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "not valid JSON"),
    ],
)
def test_what_is_no_json_object_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadRequest, match=message):
        decode_object(body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (rb'{"messages": [{"content": "a\ud800"}]}', "messages[0].content"),
        (rb'{"messages": [{"\uDFFF": 1}]}', "messages[0]"),
        (rb'{"\ud800": 1}', None),
    ],
)
def test_lone_surrogates_are_found_wherever_they_are(body: bytes, param: str | None) -> None:
    with pytest.raises(ApiError) as raised:
        decode_object(body)
    assert raised.value.param == param


@pytest.mark.parametrize("padding", [0, 100_000])
def test_half_a_pair_in_a_text_is_replaced(padding: int) -> None:
    body = rb'{"pad": "%s", "texts": [{"a": "x\ud83d"}, "\ude00\ud83d", "\ud83d\ude00"], "text": "a"}' % (
        b" " * padding
    )
    decoded = asyncio.run(decode(body, Settings(), ("texts", "text", "absent")))
    assert decoded.value["texts"] == [{"a": "x\ufffd"}, "\ufffd\ufffd", "😀"]
    assert decoded.replaced == ("/texts/0/a", "/texts/1")


@pytest.mark.parametrize("body", [rb'{"texts": [{"\ud800": 1}]}', rb'{"texts": ["\ud800"], "tools": ["\ud800"]}'])
def test_half_a_pair_elsewhere_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest, match="lone surrogate"):
        asyncio.run(decode(body, Settings(), ("texts",)))


def test_a_byte_order_mark_is_ignored() -> None:
    assert decode_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_surrogate_pairs_are_text() -> None:
    assert decode_object(rb'{"a": "\ud83d\ude00"}') == {"a": "😀"}


def test_large_bodies_are_decoded_too() -> None:
    value = {"a": "x" * 1_000_000}
    assert asyncio.run(decode(json.dumps(value).encode(), Settings())).value == value


@pytest.mark.parametrize(
    "text",
    ["1" + "0" * 40, "-0", "-0.0", "1e5", "1E400", "0.1234567890123456789", '{"a": 1, "a": 2}', '"\\u0000"', "2E-400"],
)
def test_values_are_those_of_load_json(text: str) -> None:
    """Though another decoder makes them."""
    value = decode_object(b'{"a": %s}' % text.encode())["a"]
    assert (type(value), repr(value)) == (type(load_json(text)), repr(load_json(text)))
