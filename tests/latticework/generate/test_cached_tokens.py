"""How many tokens of a prompt were in the engine's prefix cache, in the usage of every API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from latticework import create_app
from latticework.engines.base import Piece, Sampling
from tests.http import USER, chat, events, send
from tests.scripted import ScriptedEngine

CACHED = 3


async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    yield Piece("a", (0,), cached=CACHED)
    yield Piece("b", (0,), finish="stop")


def test_a_prompt_counts_once_for_all_of_its_answers() -> None:
    app = create_app(ScriptedEngine(script))
    details = {"cached_tokens": CACHED}
    for n in (1, 2):
        assert chat(app, n=n).json()["usage"]["prompt_tokens_details"] == details
    *_, last, _ = events(chat(app, stream=True, stream_options={"include_usage": True}))
    assert last["usage"]["prompt_tokens_details"] == details
    body = {"model": "scripted", "prompt": ["a", "b"]}
    completion = send(app, "POST", "/v1/completions", content=json.dumps(body)).json()
    assert completion["usage"]["prompt_tokens_details"] == {"cached_tokens": 2 * CACHED}


# Of each API: a request of its own, and the part of the usage that has the count.
APIS: dict[str, tuple[dict[str, Any], str]] = {
    "/v1/chat/completions": ({"messages": [USER]}, "prompt_tokens_details"),
    "/v1/completions": ({"prompt": "a"}, "prompt_tokens_details"),
    "/v1/responses": ({"input": "a"}, "input_tokens_details"),
    "/v1/messages": ({"messages": [USER], "max_tokens": 9}, "cache_read_input_tokens"),
}


@pytest.mark.parametrize("path", APIS)
def test_every_api_has_the_count_whole_and_streamed(path: str) -> None:
    fields, part = APIS[path]
    body = {"model": "scripted", **fields}
    whole = send(create_app(ScriptedEngine(script)), "POST", path, content=json.dumps(body)).json()["usage"]
    options = {"stream": True, **({"stream_options": {"include_usage": True}} if "completions" in path else {})}
    streamed = send(create_app(ScriptedEngine(script)), "POST", path, content=json.dumps({**body, **options}))
    data = [json.loads(line[6:]) for line in streamed.text.splitlines() if line.startswith("data: {")]
    usages = [event.get("usage") or (event.get("response") or {}).get("usage") for event in data]
    last = [usage for usage in usages if usage][-1]
    assert last[part] == whole[part]
    assert whole[part] == CACHED or whole[part]["cached_tokens"] == CACHED
