"""Cost of a request above the engine: milliseconds of the server's CPU, HTTP included.

    python -m benchmarks.request_cost [--json] [--quick]

A real server answers over a real socket; its engines have the answers in memory and return them at once, one token per
piece. New schemas were never sent before, so each is compiled, and the compile processes' time is included. Each figure
is the best of several rounds.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any

import httpx
import psutil

from benchmarks.chunk_cost import AS_NOTE, ITEM, SAVE_NOTE, FromMemory, note, text, tokens
from benchmarks.options import parse, say
from benchmarks.results import machine, table

AT_ONCE = 16
ROUNDS = 5
PATIENCE = 60
SHORT, LONG = 8, 400  # as `note` and `text` count, about as many tokens


@dataclass(frozen=True)
class Kind:
    """The name of a model, its answer, and a function that makes the fields of its next request."""

    name: str
    answer: str
    fields: Callable[[], Mapping[str, Any]]
    stream: bool = False


_NUMBERS = count(1000)


def _new_schema() -> Mapping[str, Any]:
    """The fields of a request whose schema was never sent before."""
    items = {"type": "array", "items": ITEM, "maxItems": next(_NUMBERS)}
    schema = {"type": "object", "properties": {"text": {"type": "string"}, "items": items}}
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "note", "schema": schema}}}


def _call(length: int) -> str:
    return f'<tool_call>\n{{"name": "save_note", "arguments": {note(length)}}}\n</tool_call>'


REQUESTS: Mapping[str, tuple[Callable[[int], str], Callable[[], Mapping[str, Any]]]] = {
    "free text": (text, dict),
    "document": (note, lambda: {"response_format": AS_NOTE}),
    "tool call": (_call, lambda: {"tools": [SAVE_NOTE]}),
    "document, new schema": (note, _new_schema),
}
KINDS = tuple(
    Kind(f"{name}, {'streamed' if stream else 'whole'}, {length}", answer(length), fields, stream)
    for name, (answer, fields) in REQUESTS.items()
    for stream in (False, True)
    for length in (SHORT, LONG)
)


def serve(port: int) -> None:
    from latticework import Settings, create_app
    from latticework.serving import server

    app = create_app(*(FromMemory(tokens(kind.answer), model_ids=(kind.name,)) for kind in KINDS))
    with server.bind("127.0.0.1", port) as listener:
        server.run(app, listener, Settings(compile_timeout=60), lambda: None)  # the machine may be busy


@contextmanager
def served() -> Iterator[tuple[str, psutil.Process]]:
    """The address of a server, and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "benchmarks.request_cost", "--serve", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            _wait_until_healthy(f"http://127.0.0.1:{port}/health")
            yield f"http://127.0.0.1:{port}", psutil.Process(process.pid)
        finally:
            process.terminate()


def _wait_until_healthy(url: str) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            httpx.get(url).raise_for_status()
            return
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)


def cpu_seconds(process: psutil.Process) -> float:
    """Of the server and its compiler processes."""
    times = [part.cpu_times() for part in (process, *process.children(recursive=True))]
    return float(sum(time.user + time.system for time in times))


async def ask(client: httpx.AsyncClient, kind: Kind) -> int:
    """One request; its completion tokens."""
    messages = [{"role": "user", "content": "Hello."}]
    options = {"stream": True, "stream_options": {"include_usage": True}} if kind.stream else {}
    body = {"model": kind.name, "messages": messages, **options, **kind.fields()}
    response = await client.post("/v1/chat/completions", json=body)
    assert response.is_success, response.text
    last = response.text.split("data: ")[-2] if kind.stream else response.text
    return int(json.loads(last)["usage"]["completion_tokens"])


async def measured(url: str, process: psutil.Process, kind: Kind, requests: int) -> tuple[float, int]:
    """Milliseconds of CPU per request in the best round, and the tokens of an answer."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE) as client:
        length = await ask(client, kind)  # warms the cache, unless every schema is new
        took = [await _round(client, process, kind, requests) for _ in range(ROUNDS)]
        return min(took) / requests * 1000, length


async def _round(client: httpx.AsyncClient, process: psutil.Process, kind: Kind, requests: int) -> float:
    """Seconds of CPU for all requests."""
    left = iter(range(requests))
    before = cpu_seconds(process)

    async def some() -> None:
        for _ in left:
            await ask(client, kind)

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return cpu_seconds(process) - before


def main() -> None:
    if "--serve" in sys.argv[1:2]:
        serve(int(sys.argv[2]))
        return
    options = parse(__doc__)
    figures: dict[str, dict[str, float]] = {}
    with served() as (url, process):
        for kind in KINDS:
            say(kind.name)
            took, length = asyncio.run(measured(url, process, kind, options.of(10, 200)))
            figures[kind.name] = {"ms": round(took, 3), "tokens": length}
    if options.json:
        print(json.dumps(figures))
        return
    rows = [(name, f"{cost['tokens']:g}", f"{cost['ms']:.2f}") for name, cost in figures.items()]
    print(table(("", "tokens", "ms of CPU per request"), rows))
    print(f"\n{machine()}")


if __name__ == "__main__":
    main()
