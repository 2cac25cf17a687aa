"""Token ids in responses: `return_token_ids`, `return_tokens_as_token_ids` and `prompt_logprobs`."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx
import msgspec
import pytest

from latticework import create_app
from latticework.doors.chat.chunks import Chunk
from latticework.doors.chat.response import fold_chunks
from latticework.engines.base import Piece, SampledToken, Sampling, TokenLogprob
from tests.http import chat, events, send
from tests.scripted import CHATML, ByteTokenizer, ScriptedEngine


def sampled(text: str, other: str) -> SampledToken:
    """A token of one letter, whose id is that letter's code, and the most likely token in its place."""
    top = TokenLogprob(other, -0.1, tuple(other.encode()), id=ord(other), rank=1)
    return SampledToken(text, -2.0, tuple(text.encode()), (top,), id=ord(text), rank=3)


async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    of_prompt = (None, *(sampled(chr(token), "x") for token in prompt[1:]))
    with_prompt = of_prompt if sampling.prompt_logprobs is not None else ()
    for text in ("a", "b"):
        logprobs = (sampled(text, "z"),) if sampling.logprobs is not None else ()
        yield Piece(text, (ord(text),), logprobs, prompt_logprobs=with_prompt)
        with_prompt = ()
    yield Piece("", (0,), finish="stop")


APP = create_app(ScriptedEngine(script))


def completion(**fields: Any) -> httpx.Response:
    body = {"model": "scripted", "prompt": "pq", "add_special_tokens": False, **fields}
    return send(APP, "POST", "/v1/completions", json=body)


def test_a_chat_has_the_ids() -> None:
    body = chat(APP, return_token_ids=True, n=2).json()
    assert bytes(body["prompt_token_ids"]).decode().endswith("<|im_start|>assistant\n")
    assert len(body["prompt_token_ids"]) == body["usage"]["prompt_tokens"]
    assert [choice["token_ids"] for choice in body["choices"]] == [[97, 98, 0]] * 2
    plain = chat(APP).json()
    assert "prompt_token_ids" not in plain
    assert "token_ids" not in plain["choices"][0]


def test_a_stream_has_them_too() -> None:
    whole = chat(APP, return_token_ids=True).json()
    *chunks, done = events(chat(APP, return_token_ids=True, stream=True, stream_options={"include_usage": True}))
    assert done == "[DONE]"
    assert [chunk.get("prompt_token_ids") is not None for chunk in chunks] == [True] + [False] * (len(chunks) - 1)
    folded = json.loads(msgspec.json.encode(fold_chunks(msgspec.convert(chunks, list[Chunk]))))
    for name in ("prompt_token_ids", "choices"):
        assert folded[name] == whole[name]


def test_a_completion_has_them() -> None:
    choice = completion(return_token_ids=True).json()["choices"][0]
    assert (choice["prompt_token_ids"], choice["token_ids"]) == ([112, 113], [97, 98, 0])
    chunks = [event["choices"][0] for event in events(completion(return_token_ids=True, stream=True))[:-1]]
    assert [token for chunk in chunks for token in chunk.get("token_ids", ())] == [97, 98, 0]
    assert [chunk.get("prompt_token_ids") for chunk in chunks][:2] == [[112, 113], None]


def test_tokens_are_named_by_their_ids() -> None:
    fields: dict[str, Any] = {"return_tokens_as_token_ids": True}
    content = chat(APP, logprobs=True, top_logprobs=1, **fields).json()["choices"][0]["logprobs"]["content"]
    assert [(token["token"], token["bytes"]) for token in content] == [("token_id:97", [97]), ("token_id:98", [98])]
    assert content[0]["top_logprobs"][0]["token"] == "token_id:122"
    logprobs = completion(logprobs=1, echo=True, **fields).json()["choices"][0]["logprobs"]
    assert logprobs["tokens"] == [f"token_id:{token}" for token in b"pqab"]
    assert logprobs["top_logprobs"][2] == {"token_id:122": -0.1, "token_id:97": -2.0}
    assert logprobs["text_offset"] == [0, 1, 2, 3]


def test_the_prompts_log_probabilities() -> None:
    """In vLLM's form."""
    body = chat(APP, prompt_logprobs=1, return_token_ids=True).json()
    first, second, *others = body["prompt_logprobs"]
    assert first is None
    token = body["prompt_token_ids"][1]
    assert second == {
        "120": {"logprob": -0.1, "rank": 1, "decoded_token": "x"},
        str(token): {"logprob": -2.0, "rank": 3, "decoded_token": chr(token)},
    }
    assert len(others) == body["usage"]["prompt_tokens"] - 2
    response = chat(APP, prompt_logprobs=1, stream=True)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "prompt_logprobs")


class WithDocuments(ByteTokenizer):
    chat_template = "{% for document in documents %}[{{ document['text'] }}]{% endfor %}" + CHATML


@pytest.mark.parametrize("shown", [True, False])
def test_documents_need_a_template_that_shows_them(shown: bool) -> None:
    engine = ScriptedEngine(script, tokenizer=WithDocuments() if shown else ByteTokenizer())
    response = chat(create_app(engine), documents=[{"text": "A fact."}])
    if shown:
        assert engine.prompts[0].startswith("[A fact.]")
    else:
        assert (response.status_code, response.json()["error"]["param"]) == (400, "documents")
    assert chat(create_app(ScriptedEngine(script)), documents=[]).status_code == 200
