"""A client for both servers: the output, its chunks, and their times.

Bytes are stored as they arrive and parsed afterwards, so that parsing takes no CPU time from the server.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

DATA = "data: "
DONE = "[DONE]"


# Content and calls: names with arguments as JSON text.
Output = tuple[str, tuple[tuple[str, str], ...]]


class Failed(Exception):
    """The server refused a request, or interrupted its response."""


@dataclass(frozen=True)
class Answer:
    """Attributes:

    chunks: the number of chunks with content or calls.
    first: when the first of them arrived, in seconds since the request was sent.
    elapsed: when the response ended.
    """

    content: str
    calls: tuple[tuple[str, str], ...]
    chunks: int
    tokens: int
    finish: str
    first: float
    elapsed: float

    @property
    def output(self) -> Output:
        return self.content, self.calls


def connected() -> httpx.AsyncClient:
    """A client without limits on connections and time."""
    return httpx.AsyncClient(timeout=None, limits=httpx.Limits(max_connections=None), trust_env=False)


async def ask(http: httpx.AsyncClient, url: str, body: Mapping[str, Any], *, stream: bool = True) -> Answer:
    """One request. Raises Failed."""
    options = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    content = json.dumps({**body, **options})
    started = time.perf_counter()
    async with http.stream("POST", url, content=content, headers={"content-type": "application/json"}) as response:
        arrived = [(time.perf_counter() - started, raw) async for raw in response.aiter_raw()]
    if response.status_code != 200:
        raise Failed(b"".join(raw for _, raw in arrived).decode(errors="replace")[:500])
    return read_stream(arrived) if stream else read_whole(arrived)


def read_stream(arrived: Sequence[tuple[float, bytes]]) -> Answer:
    """The events of a stream as one answer. Raises Failed for an error event, or without a finish_reason."""
    content, calls, finish, tokens = [], _CallDeltas(), "", 0
    arrivals = []
    for at, chunk in _events(arrived):
        if "error" in chunk:
            raise Failed(json.dumps(chunk["error"])[:500])
        tokens = (chunk.get("usage") or {}).get("completion_tokens", tokens)
        for choice in chunk["choices"]:
            delta = choice.get("delta", choice)
            text = delta.get("content") or choice.get("text") or ""
            finish = choice.get("finish_reason") or finish
            content.append(text)
            calls.add(delta.get("tool_calls") or ())
            if text or delta.get("tool_calls"):
                arrivals.append(at)
    if not finish:
        raise Failed("the stream ended without a finish_reason")
    ended = arrived[-1][0]
    first = arrivals[0] if arrivals else ended
    return Answer("".join(content), calls.joined(), len(arrivals), tokens, finish, first, ended)


def read_whole(arrived: Sequence[tuple[float, bytes]]) -> Answer:
    """An answer that was not streamed."""
    whole = json.loads(b"".join(raw for _, raw in arrived))
    choice, ended = whole["choices"][0], arrived[-1][0]
    message = choice.get("message", choice)
    calls = _CallDeltas()
    calls.add({**call, "index": index} for index, call in enumerate(message.get("tool_calls") or ()))
    content = message.get("content") or choice.get("text") or ""
    return Answer(
        content, calls.joined(), 1, whole["usage"]["completion_tokens"], choice["finish_reason"], ended, ended
    )


def _events(arrived: Sequence[tuple[float, bytes]]) -> Iterator[tuple[float, dict[str, Any]]]:
    """Every event of the stream, and when its last byte arrived."""
    pending = b""
    for at, raw in arrived:
        *lines, pending = (pending + raw).split(b"\n")
        for line in lines:
            text = line.decode().rstrip("\r")
            if text.startswith(DATA) and text != DATA + DONE:
                yield at, json.loads(text[len(DATA) :])


class _CallDeltas:
    """Joins the deltas of tool calls."""

    def __init__(self) -> None:
        self._joined: dict[int, list[str]] = {}

    def add(self, deltas: Any) -> None:
        for delta in deltas:
            name_and_arguments = self._joined.setdefault(delta["index"], ["", ""])
            name_and_arguments[0] += delta["function"].get("name") or ""
            name_and_arguments[1] += delta["function"].get("arguments") or ""

    def joined(self) -> tuple[tuple[str, str], ...]:
        return tuple((name, arguments) for _, (name, arguments) in sorted(self._joined.items()))
