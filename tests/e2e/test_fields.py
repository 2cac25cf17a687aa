"""vLLM's fields over a real engine: excluded words, allowed tokens, ids."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from transformers import AutoTokenizer

from latticework import embedded
from tests.e2e.conftest import ENGINE, MODEL

GREEDY: dict[str, Any] = {"model": MODEL, "max_tokens": 8, "temperature": 0}
PROMPT = "The capital of France is"
CHAT = {**GREEDY, "messages": [{"role": "user", "content": "What is the capital of France?"}]}

needs_vllm = pytest.mark.skipif(ENGINE == "portable", reason="the portable engine refuses it by name")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(embedded.model_path()))


def completed(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = http.post("/v1/completions", json={**GREEDY, "prompt": PROMPT, **fields})
    assert response.status_code == 200, response.text
    choice: dict[str, Any] = response.json()["choices"][0]
    return choice


@needs_vllm
def test_a_bad_word_is_never_generated(http: httpx.Client) -> None:
    assert " Paris" in completed(http)["text"]
    assert "Paris" not in completed(http, bad_words=["Paris"])["text"]


@needs_vllm
def test_only_allowed_tokens_are_generated(http: httpx.Client, tokenizer: Any) -> None:
    allowed = tokenizer(" yes no").input_ids
    ids = completed(http, allowed_token_ids=allowed, return_token_ids=True)["token_ids"]
    assert len(ids) == GREEDY["max_tokens"]
    assert set(ids) <= set(allowed)


def test_the_ids_are_those_of_the_text(http: httpx.Client, tokenizer: Any) -> None:
    choice = completed(http, return_token_ids=True)
    assert choice["prompt_token_ids"] == tokenizer(PROMPT).input_ids
    assert tokenizer.decode(choice["token_ids"]) == choice["text"]
    body = http.post("/v1/chat/completions", json={**CHAT, "return_token_ids": True}).json()
    assert tokenizer.decode(body["prompt_token_ids"]).endswith("<|im_start|>assistant\n")
    text = tokenizer.decode(body["choices"][0]["token_ids"], skip_special_tokens=True)
    assert text == body["choices"][0]["message"]["content"]


@needs_vllm
def test_the_prompt_of_a_chat_has_log_probabilities(http: httpx.Client) -> None:
    body = http.post("/v1/chat/completions", json={**CHAT, "prompt_logprobs": 2, "return_token_ids": True}).json()
    first, *others = body["prompt_logprobs"]
    assert first is None
    for token, position in zip(body["prompt_token_ids"][1:], others, strict=True):
        assert str(token) in position
        assert {1, 2} <= {entry["rank"] for entry in position.values()}


def test_a_priority_needs_a_policy(http: httpx.Client) -> None:
    response = http.post("/v1/completions", json={**GREEDY, "prompt": PROMPT, "priority": 1})
    assert (response.status_code, response.json()["error"]["param"]) == (400, "priority")


@needs_vllm
def test_a_salt_changes_no_answer(http: httpx.Client) -> None:
    assert completed(http, cache_salt="a")["text"] == completed(http)["text"]
