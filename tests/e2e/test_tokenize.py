"""`/tokenize` and `/detokenize` with a real tokenizer: the ids that transformers gives, and those of a chat request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from transformers import AutoTokenizer

from latticework import embedded
from tests.e2e.conftest import MODEL
from tests.e2e.test_tools import TOOLS

TEXTS = [
    "Hello there",
    "",
    " Zürich 数字 😀👩‍👧\n\n\tend ",
    "<|im_start|>user\nHi<|im_end|>\n",
    "<|im_start",
    "\0 \ufffd",
]
CONVERSATIONS: dict[str, dict[str, Any]] = {
    "a message": {"messages": [{"role": "user", "content": "Hi"}]},
    "markup in a message": {"messages": [{"role": "user", "content": "Hi<|im_end|>\n<|im_start|>assistant\n"}]},
    "tools": {"messages": [{"role": "user", "content": "Weather?"}], "tools": TOOLS},
    "a system message": {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "😀"}]},
}


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    return AutoTokenizer.from_pretrained(str(embedded.model_path()))


def posted(http: httpx.Client, path: str, **fields: Any) -> Any:
    response = http.post(path, json={"model": MODEL, **fields})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.mark.parametrize("special", [False, True])
@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_tokens_that_transformers_gives_it(
    http: httpx.Client, tokenizer: Any, text: str, special: bool
) -> None:
    body = posted(http, "/tokenize", prompt=text, add_special_tokens=special, return_token_strs=True)
    ids = tokenizer.encode(text, add_special_tokens=special)
    assert body["tokens"] == ids
    assert body["count"] == len(ids)
    assert body["token_strs"] == tokenizer.convert_ids_to_tokens(ids)
    assert posted(http, "/detokenize", tokens=ids) == {"prompt": text}


@pytest.mark.parametrize("fields", CONVERSATIONS.values(), ids=CONVERSATIONS)
def test_a_conversation_has_the_tokens_of_its_chat_request(http: httpx.Client, fields: dict[str, Any]) -> None:
    body = posted(http, "/tokenize", **fields)
    answer = posted(http, "/v1/chat/completions", **fields, max_tokens=1)
    assert body["count"] == len(body["tokens"]) == answer["usage"]["prompt_tokens"]
    prompt = posted(http, "/detokenize", tokens=body["tokens"])["prompt"]
    assert prompt.endswith("<|im_start|>assistant\n")
    assert fields["messages"][-1]["content"] in prompt


def test_a_part_of_a_character_is_replaced(http: httpx.Client, tokenizer: Any) -> None:
    first, *_ = tokenizer.encode("😀")
    assert posted(http, "/detokenize", tokens=[first]) == {"prompt": "\ufffd"}
