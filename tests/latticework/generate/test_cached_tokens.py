"""How many tokens of a prompt were in the engine's prefix cache, in the usage of every API."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence

from latticework import create_app
from latticework.engines.base import Piece, Sampling
from tests.http import chat, events, send
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
