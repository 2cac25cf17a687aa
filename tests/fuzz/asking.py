"""The HTTP surface: requests that the server's own document makes, right ones and wrong ones, by schemathesis; and
requests that are almost right. An app with a free engine answers them, and has to answer as its document says.
"""

from __future__ import annotations

import asyncio
import json
import random
from functools import cache
from typing import Any

import httpx
import schemathesis
from hypothesis import reject
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.errors import InvalidSchema
from starlette.applications import Starlette

from latticework import create_app
from tests import described
from tests.free import free_engine
from tests.fuzz.target import Target
from tests.latticework.test_mutations import REQUEST
from tests.mutation import mutated

MODEL = "scripted"
# What a model at random does to keywords that can only be checked. It is told, and no answer is passed on.
CHECKED = {"schema_violation"}
# An answer may be asked for 128 times, with no end.
TOKENS = 200
PATHS = ("/v1/chat/completions", "/v1/grammars")


@cache
def app() -> Starlette:
    return create_app(free_engine(most=TOKENS))


@cache
def runner() -> asyncio.Runner:
    """One loop for all: an app's compiles belong to it."""
    return asyncio.Runner()


def asks(value: tuple[str, bytes]) -> str:
    path, content = value
    response = runner().run(_answer(path, content))
    described.check(response)
    if response.status_code >= 500:
        assert response.json()["error"]["code"] in CHECKED, response.text
    return str(response.status_code)


def refuses(value: tuple[str, bytes]) -> str:
    """What the document rules out."""
    status = asks(value)
    assert status in ("400", "404"), status
    return status


async def _answer(path: str, content: bytes) -> httpx.Response:
    transport = httpx.ASGITransport(app(), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.post(path, content=content, headers={"content-type": "application/json"})


@st.composite
def _made(draw: st.DrawFn, mode: GenerationMode) -> tuple[str, bytes]:
    try:
        return draw(_strategy(draw(st.sampled_from(PATHS)), mode))
    except InvalidSchema:  # what schemathesis makes of a right schema is not always one
        reject()


@cache
def _strategy(path: str, mode: GenerationMode) -> st.SearchStrategy[tuple[str, bytes]]:
    operation = schemathesis.openapi.from_dict(described.DOCUMENT)[path]["POST"]
    cases = operation.as_strategy(generation_mode=mode)
    return cases.filter(lambda case: case.media_type == "application/json").map(
        lambda case: (path, _content(case.body))
    )


def _content(body: Any) -> bytes:
    """As JSON; where it could be a request, one of a model that there is."""
    if isinstance(body, dict) and isinstance(body.get("model"), str):
        body = {**body, "model": MODEL}
    return json.dumps(body, default=repr).encode()


def _almost(number: int) -> tuple[str, bytes]:
    rng = random.Random(number)
    asked = {**REQUEST, "tool_choice": rng.choice(["none", "auto", "required"]), "stream": rng.random() < 0.5}
    del asked["n"], asked["stop"]
    return rng.choice(PATHS), json.dumps(mutated({**asked, "max_tokens": 60}, rng)).encode()


RIGHT = Target("requests by the document", _made(GenerationMode.POSITIVE), asks)
WRONG = Target("requests against the document", _made(GenerationMode.NEGATIVE), asks)
ALMOST = Target("almost requests", st.integers(0, 2**64 - 1).map(_almost), asks)
