"""Behind a proxy that takes a path off: all that a client is text must hold outside."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from openai import OpenAI

from examples import behind_proxy
from latticework import Settings, create_app
from latticework.app import OPERATIONS
from latticework.engines.base import Piece, Sampling
from tests.browser import browsing, chromium
from tests.examples.proxy import proxy
from tests.free import free_engine
from tests.hosting import hosted
from tests.scripted import ScriptedEngine
from tests.serving import served

AI = "/ai"


@pytest.fixture
def outside(engine: ScriptedEngine) -> Iterator[str]:
    """What the proxy's address is to clients."""
    with hosted(behind_proxy.app(), root_path=AI) as inner, hosted(proxy(AI, inner.url)) as outer:
        yield outer.url


def test_the_document_leads_to_what_it_describes(outside: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_ALLOW_RUNTIME_LORA_UPDATING", "1")  # without it, the paths of adapters are not there
    document = httpx.get(f"{outside}{AI}/openapi.json").json()
    (server,) = document["servers"]
    assert server == {"url": AI}
    for operation in OPERATIONS:
        url = urljoin(outside, server["url"] + operation.path.replace("{name}", "scripted"))
        response = httpx.request(operation.method, url, json=None if operation.method in ("get", "delete") else {})
        if "{id}" in operation.path:
            assert response.json()["error"]["code"] == "response_not_found", url
        else:
            assert response.status_code == (200 if operation.method == "get" else 400), url


def test_redirects_and_errors_speak_of_the_path_outside(outside: str) -> None:
    moved = httpx.get(f"{outside}{AI}/playground/")
    assert moved.status_code == 307
    assert httpx.URL(moved.headers["location"]).path == f"{AI}/playground"
    assert f"GET {AI}/v1/nowhere: " in httpx.get(f"{outside}{AI}/v1/nowhere").json()["error"]["message"]


def test_a_stream_comes_as_it_is_made(outside: str, engine: ScriptedEngine) -> None:
    """The engine goes on only when the client has what it made first."""
    loops: list[asyncio.AbstractEventLoop] = []
    seen = asyncio.Event()

    async def waits(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        loops.append(asyncio.get_running_loop())
        yield Piece("first", (0,))
        await seen.wait()
        yield Piece(" and last", (0,), finish="stop")

    engine.script = waits
    text = ""
    with OpenAI(base_url=f"{outside}{AI}/v1", api_key="none", max_retries=0) as client:
        request = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}
        for chunk in client.chat.completions.create(**request, stream=True):  # type: ignore[call-overload]
            text += chunk.choices[0].delta.content or ""
            if text == "first":
                loops[0].call_soon_threadsafe(seen.set)
    assert text == "first and last"


def test_the_playground_asks_under_the_same_path(outside: str, tmp_path: Path) -> None:
    program = chromium()
    if program is None:
        pytest.skip("there is no Chromium on the PATH")
    with browsing(program, tmp_path) as tab:
        tab.look(1400, 860)
        tab.open(f"{outside}{AI}/playground")
        tab.until("document.querySelector('#counts').textContent")
        assert [url.removeprefix(outside) for url in tab.requested] == [
            f"{AI}/playground",
            f"{AI}/v1/models",
            f"{AI}/v1/grammars",
        ]
        assert f"{outside}{AI}/v1/chat/completions" in str(tab.evaluate("document.querySelector('#code').textContent"))
        tab.open("about:blank")


def test_latticework_serve_has_the_same_option() -> None:
    settings = Settings(root_path=AI)
    with served(create_app(free_engine(), settings=settings), settings) as inner:
        document = httpx.get("http://{}:{}/openapi.json".format(*inner.address)).text
    assert json.loads(document)["servers"] == [{"url": AI}]
