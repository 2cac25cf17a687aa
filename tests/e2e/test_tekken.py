"""A model whose tokenizer is Mistral's own, in vLLM: random weights, a real tekken vocabulary. Takes a minute."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import ENGINE, KEY, RunningServer, serving
from tests.tekken import ENTRIES, SPECIAL, write_tekken

pytestmark = pytest.mark.skipif(
    os.environ.get("FAMILIES") != "all" or ENGINE != "vllm", reason="only with FAMILIES=all, and for vLLM"
)

ROOT = Path(__file__).parents[2]
# Before version 13 there are no thoughts, which a model of random weights never ends.
VERSION = 11
TOOL_CALLS = 9
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string", "enum": ["Oslo", "Rome"]}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "description": "The weather", "parameters": CITY}}


@pytest.fixture(scope="module", params=["auto", "off"])
def drafts(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def tekken_model(drafts: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM

    directory = tmp_path_factory.mktemp("tekken")
    write_tekken(directory, VERSION)
    torch.manual_seed(0)
    config = LlamaConfig(
        # More logits than tokens: vLLM's own backend, which stands where drafts are off, leaves those unmasked.
        vocab_size=ENTRIES + SPECIAL + (40 if drafts == "auto" else 0),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=32,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        bos_token_id=1,
        eos_token_id=2,
    )
    LlamaForCausalLM(config).save_pretrained(directory)
    GenerationConfig(eos_token_id=[2], bos_token_id=1).save_pretrained(directory)
    return directory


@pytest.fixture(scope="module")
def tekken_server(drafts: str, tekken_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    start = "import sys; from latticework.cli import main; sys.exit(main())"
    arguments = ["--model", str(tekken_model), "--tokenizer-mode", "mistral", "--served-model-name", "tekken"]
    arguments += ["--enforce-eager", "--dtype", "float32", "--port", "0", "--drafts", drafts]
    environ = {"LATTICEWORK_API_KEYS": KEY, "VLLM_CPU_KVCACHE_SPACE": "1", "PYTHONPATH": str(ROOT)}
    log = tmp_path_factory.getbasetemp() / f"tekken-{drafts}.log"
    with serving([sys.executable, "-c", start, "serve", *arguments], environ, log) as server:
        yield server


ASKED: list[dict[str, Any]] = [
    {"tools": [TOOL], "tool_choice": "required"},
    {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
    {"tools": [TOOL], "logit_bias": {str(TOOL_CALLS): 100}},
]


@pytest.mark.parametrize("asked", ASKED)
def test_a_tool_is_called(tekken_server: RunningServer, asked: dict[str, Any]) -> None:
    with tekken_server.http() as http:
        message = answer(http, {**asked, "parallel_tool_calls": False})
    (call,) = message["tool_calls"]
    assert call["function"]["name"] == "get_weather"
    assert json.loads(call["function"]["arguments"])["city"] in ("Oslo", "Rome")


def test_a_document_is_written(tekken_server: RunningServer) -> None:
    asked = {"response_format": {"type": "json_schema", "json_schema": {"name": "city", "schema": CITY}}}
    with tekken_server.http() as http:
        assert json.loads(answer(http, asked)["content"])["city"] in ("Oslo", "Rome")


def answer(http: httpx.Client, asked: dict[str, Any]) -> dict[str, Any]:
    messages = [{"role": "system", "content": "Be terse."}, {"role": "user", "content": "What's the weather in Oslo?"}]
    body = {"model": "tekken", "messages": messages, "max_tokens": 100, "temperature": 0, **asked}
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    return dict(response.json()["choices"][0]["message"])
