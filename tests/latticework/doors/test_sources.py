"""How each token came, from the engine's word to the client."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest
from starlette.applications import Starlette

from latticework import create_app
from latticework.engines.base import Piece, Sampling, TokenSource
from tests.http import chat, events
from tests.scripted import ScriptedEngine

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
AS_SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
DOCUMENT = (("forced", '{"n": '), ("sampled", "4"), ("copied", "2"), ("forced", "}"), ("forced", ""))


def told(text: str, source: Any) -> TokenSource:
    return TokenSource(text, source)


async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """Tells it where it is asked to, as vLLM's engine does."""
    for place, (source, text) in enumerate(DOCUMENT):
        sources = (told(text, source),) if sampling.sources else ()
        last = place == len(DOCUMENT) - 1
        yield Piece(text, tuple(text.encode()), finish="stop" if last else None, sources=sources)


def app() -> Starlette:
    return create_app(ScriptedEngine(script))


def told_of(choices: Sequence[Any]) -> list[tuple[str, str]]:
    return [(one["source"], one["text"]) for choice in choices for one in choice.get("token_sources", ())]


def test_a_stream_tells_it_with_each_chunk() -> None:
    *chunks, done = events(chat(app(), stream=True, response_format=AS_SCHEMA, token_sources=True))
    assert done == "[DONE]"
    choices = [chunk["choices"][0] for chunk in chunks]
    assert told_of(choices) == list(DOCUMENT)
    for choice in choices:
        written = "".join(text for _, text in told_of([choice]))
        assert written == choice["delta"].get("content", "")


def test_the_whole_response_is_the_fold_of_it() -> None:
    answer = chat(app(), response_format=AS_SCHEMA, token_sources=True).json()
    assert told_of(answer["choices"]) == list(DOCUMENT)


@pytest.mark.parametrize("asked", [{}, {"token_sources": False}, {"token_sources": None}])
def test_nobody_else_is_told(asked: dict[str, Any]) -> None:
    engine = ScriptedEngine(script)
    streamed = events(chat(create_app(engine), stream=True, **asked))
    assert all("token_sources" not in chunk["choices"][0] for chunk in streamed[:-1])
    assert "token_sources" not in chat(create_app(engine), **asked).json()["choices"][0]
    assert not any(sampling.sources for sampling in engine.asked)


def test_a_wrong_value_is_refused() -> None:
    error = chat(app(), token_sources="yes").json()["error"]
    assert error["param"] == "token_sources"


def test_a_document_that_is_closed_tells_it_of_what_the_model_wrote() -> None:
    async def cut(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        text = '{"n": 1234567'
        yield Piece(text, tuple(text.encode()), sources=tuple(told(letter, "sampled") for letter in text))
        yield Piece("8", (ord("8"),), finish="length", sources=(told("8", "copied"),))

    asked: dict[str, Any] = {
        "response_format": AS_SCHEMA,
        "token_sources": True,
        "truncation": "close",
        "max_tokens": 14,
    }
    (choice,) = chat(create_app(ScriptedEngine(cut)), **asked).json()["choices"]
    content = choice["message"]["content"]
    assert content.endswith("}")
    assert "".join(text for _, text in told_of([choice])) == content.removesuffix("}")
