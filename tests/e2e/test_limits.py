"""Grammars that exceed a limit of llguidance in the middle of an answer: an error with a name, and only for them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.e2e.conftest import ENGINE, MODEL, RunningServer
from tests.http import USER

pytestmark = pytest.mark.skipif(ENGINE != "vllm", reason="the engine core of vLLM is what these are about")

CODE = "grammar_limit_exceeded"
# The automaton grows with each token after the 400 characters, up to its limit, which a compile does not get to.
GROWING = {"structured_outputs": {"regex": "[A-Za-z ,.]{400}.*(a|e|i).{30}"}}


@pytest.mark.parametrize("stream", [False, True])
def test_a_limit_that_is_exceeded_is_an_error_and_no_end(server: RunningServer, stream: bool) -> None:
    text = ask(server, stream=stream, max_tokens=400, temperature=1.5, **GROWING)
    assert CODE in text and "(max_lexer_states)" in text
    assert '"finish_reason":"stop"' not in text


def test_others_go_on(server: RunningServer) -> None:
    """Beside it, and behind it: of the same grammar, cut before its limit, and of another."""
    other = {"structured_outputs": {"regex": "[A-Z][a-z ]{5,20}"}}
    with ThreadPoolExecutor(3) as pool:
        exceeding = pool.submit(ask, server, max_tokens=400, temperature=1.5, **GROWING)
        beside = pool.submit(ask, server, max_tokens=60, **other)
        assert CODE in exceeding.result()
        assert '"finish_reason":"stop"' in beside.result()
    assert '"finish_reason":"length"' in ask(server, max_tokens=4, **GROWING)


def ask(server: RunningServer, **fields: Any) -> str:
    """The body of the response, whole or streamed."""
    body = {"model": MODEL, "messages": [USER], **fields}
    with server.http() as client:
        return client.post("/v1/chat/completions", json=body).text
