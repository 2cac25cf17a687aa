"""Streams and whole answers of both servers, read by the one client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.client import Answer, Failed, read_stream, read_whole

USAGE = {"choices": [], "usage": {"completion_tokens": 7}}


def event(value: Any) -> bytes:
    return b"data: " + json.dumps(value).encode() + b"\n\n"


def chunk(delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def call(index: int, **function: str) -> dict[str, Any]:
    return chunk({"tool_calls": [{"index": index, "function": function}]})


def arriving(data: bytes, size: int) -> list[tuple[float, bytes]]:
    """So many bytes a second."""
    return [(at / size, data[at : at + size]) for at in range(0, len(data), size)]


@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_stream_is_read_at_any_chunking(size: int) -> None:
    deltas = [chunk({"role": "assistant", "content": ""}), chunk({"content": "né"}), chunk({"content": "e"})]
    data = b"".join(map(event, [*deltas, chunk({}, "stop"), USAGE])) + b"data: [DONE]\n\n"
    answer = read_stream(arriving(data, size))
    assert answer.output == ("née", ())
    assert (answer.chunks, answer.tokens, answer.finish) == (2, 7, "stop")
    assert 0 <= answer.first <= answer.elapsed


def test_calls_are_put_together() -> None:
    data = [call(0, name="a", arguments="{"), call(0, arguments="}"), call(1, name="b"), chunk({}, "tool_calls"), USAGE]
    answer = read_stream([(1.0, b"".join(map(event, data)))])
    assert answer.output == ("", (("a", "{}"), ("b", "")))
    assert answer.chunks == 3


def test_raw_completions_are_read_too() -> None:
    data: list[Any] = [{"choices": [{"index": 0, "text": "a", "finish_reason": None}]}]
    data += [{"choices": [{"index": 0, "text": "", "finish_reason": "length"}]}, USAGE]
    answer = read_stream([(1.0, event(data[0])), (2.0, event(data[1]) + event(data[2]))])
    assert answer == Answer("a", (), 1, 7, "length", 1.0, 2.0)


@pytest.mark.parametrize("data", [event({"error": {"message": "it broke"}}), event(chunk({"content": "cut"})), b""])
def test_a_broken_stream_is_no_answer(data: bytes) -> None:
    with pytest.raises(Failed):
        read_stream([(1.0, data)])


def test_a_whole_answer() -> None:
    message = {"content": None, "tool_calls": [{"function": {"name": "a", "arguments": "{}"}}]}
    whole = {"choices": [{"message": message, "finish_reason": "tool_calls"}], "usage": {"completion_tokens": 5}}
    answer = read_whole([(3.0, json.dumps(whole).encode())])
    assert answer == Answer("", (("a", "{}"),), 1, 5, "tool_calls", 3.0, 3.0)
