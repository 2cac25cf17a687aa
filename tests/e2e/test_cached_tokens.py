"""The tokens of a prompt that the engine's prefix cache has, in the usage of every API, whole and streamed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import ENGINE, MODEL

TEXT = "Count from one to three hundred in words, slowly. " * 40
MESSAGES = [{"role": "user", "content": f"Chat. {TEXT}"}]
# Of each API: its path, a request, and the place of the count in its usage.
APIS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "/v1/chat/completions": ({"messages": MESSAGES, "max_tokens": 1}, ("prompt_tokens_details", "cached_tokens")),
    "/v1/completions": ({"prompt": f"Text. {TEXT}", "max_tokens": 1}, ("prompt_tokens_details", "cached_tokens")),
    "/v1/responses": ({"input": f"Items. {TEXT}", "max_output_tokens": 1}, ("input_tokens_details", "cached_tokens")),
    "/v1/messages": (
        {"messages": [{"role": "user", "content": f"Blocks. {TEXT}"}], "max_tokens": 1},
        ("cache_read_input_tokens",),
    ),
}
WITH_USAGE = {"stream_options": {"include_usage": True}}


def streamed_usage(text: str) -> dict[str, Any]:
    """The last usage of a stream, wherever its API has it."""
    data = [line.removeprefix("data: ") for line in text.splitlines() if line.startswith("data: {")]
    usages = [event.get("usage") or (event.get("response") or {}).get("usage") for event in map(json.loads, data)]
    found: dict[str, Any] = [usage for usage in usages if usage][-1]
    return found


@pytest.mark.skipif(ENGINE != "vllm", reason="the portable engine has no prefix cache")
@pytest.mark.parametrize("path", APIS)
def test_a_prompt_that_is_cached(http: httpx.Client, path: str) -> None:
    """The second time, all of it but the last block is; and as much the third time, streamed."""
    fields, place = APIS[path]
    counts = []
    for number in range(3):
        streams = number == 2
        options = {"stream": True, **(WITH_USAGE if "completions" in path else {})} if streams else {}
        response = http.post(path, json={"model": MODEL, "temperature": 0, **fields, **options})
        assert response.status_code == 200, response.text
        usage: Any = streamed_usage(response.text) if streams else response.json()["usage"]
        for part in place:
            usage = usage.get(part) or {}
        counts.append(usage or 0)
    before, whole, streamed = counts
    assert before < whole == streamed
    assert whole > 300
