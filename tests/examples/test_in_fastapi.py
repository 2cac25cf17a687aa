"""The host's users, and nobody else, reach the model; a browser app of another origin may ask."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Sequence

import httpx
import openai
import pytest
from openai import OpenAI

from examples import in_fastapi
from latticework.engines.base import Piece, Sampling
from latticework.errors import RateLimited, ServerFault
from tests.hosting import Hosted, hosted
from tests.scripted import ScriptedEngine

ADA, GRACE = ({"authorization": f"Bearer token-of-{user}"} for user in ("ada", "grace"))
BODY = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}
PATHS = ("/v1/models", "/v1/chat/completions", "/health", "/metrics", "/openapi.json", "/playground", "/nowhere")
ASKED_FIRST = {
    "origin": in_fastapi.FRONT_END,
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization,content-type,x-stainless-lang",
}


@pytest.fixture
def host(engine: ScriptedEngine) -> Iterator[Hosted]:
    with hosted(in_fastapi.app()) as host:
        assert engine.starts == 1
        yield host
    assert engine.starts == 0


@pytest.fixture
def http(host: Hosted) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=host.url) as client:
        yield client


def client(host: Hosted, token: str) -> OpenAI:
    return OpenAI(base_url=f"{host.url}/llm/v1", api_key=token, max_retries=0)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}], ids=["nobody", "a stranger"])
def test_who_is_not_the_hosts_user_gets_nowhere(http: httpx.Client, path: str, headers: dict[str, str]) -> None:
    method = "POST" if "chat" in path else "GET"
    refused = http.request(method, f"/llm{path}", headers=headers)
    own = http.get("/me", headers=headers)
    assert (refused.status_code, refused.json()) == (own.status_code, own.json())
    assert refused.status_code == 401


def test_users_have_the_model_beside_the_hosts_own_routes(http: httpx.Client) -> None:
    assert http.get("/me", headers=ADA).json() == "ada"
    assert http.get("/llm/v1/models", headers=ADA).json()["data"][0]["id"] == "scripted"
    assert http.get("/llm/openapi.json", headers=ADA).json()["servers"] == [{"url": "/llm"}]
    assert "/llm" not in "".join(http.get("/openapi.json").json()["paths"])


def test_openai_with_the_hosts_tokens(host: Hosted) -> None:
    with client(host, "token-of-ada") as ada, client(host, "wrong") as stranger:
        with ada.chat.completions.stream(model="scripted", messages=[{"role": "user", "content": "hi"}]) as stream:
            assert stream.get_final_completion().choices[0].message.content
        with pytest.raises(openai.AuthenticationError):
            stranger.models.list()


def test_limits_are_each_users(engine: ScriptedEngine) -> None:
    begun, gate = asyncio.Semaphore(0), asyncio.Event()

    async def waits(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        begun.release()
        await gate.wait()
        yield Piece("hello", (0,), finish="stop")

    async def once() -> None:
        app = in_fastapi.app()
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://test") as http,
        ):

            async def ask(user: dict[str, str]) -> int:
                return (await http.post("/llm/v1/chat/completions", json=BODY, headers=user)).status_code

            running = [asyncio.create_task(ask(ADA)) for _ in range(in_fastapi.LIMITS.concurrent_requests or 0)]
            for _ in running:
                await begun.acquire()
            assert await ask(ADA) == RateLimited.status
            running.append(asyncio.create_task(ask(GRACE)))
            await begun.acquire()
            gate.set()
            assert await asyncio.gather(*running) == [200] * len(running)

    engine.script = waits
    asyncio.run(once())


def test_what_a_browser_asks_first_needs_no_token(http: httpx.Client) -> None:
    answer = http.options("/llm/v1/chat/completions", headers=ASKED_FIRST)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == in_fastapi.FRONT_END
    assert "x-stainless-lang" in answer.headers["access-control-allow-headers"]
    other = {**ASKED_FIRST, "origin": "https://elsewhere.example"}
    assert http.options("/llm/v1/chat/completions", headers=other).status_code == 400


def test_a_browser_shows_its_app_errors_and_our_headers(http: httpx.Client, engine: ScriptedEngine) -> None:
    browser = {"origin": in_fastapi.FRONT_END}
    engine.script = None  # type: ignore[assignment] # a bug, as good as any
    answers = {
        401: http.get("/llm/v1/models", headers=browser),
        404: http.get("/llm/v1/nowhere", headers={**browser, **ADA}),
        ServerFault.status: http.post("/llm/v1/chat/completions", json=BODY, headers={**browser, **ADA}),
    }
    for status, answer in answers.items():
        assert answer.status_code == status
        assert answer.headers["access-control-allow-origin"] == in_fastapi.FRONT_END
        assert "x-request-id" in answer.headers["access-control-expose-headers"]


def test_behind_a_proxy_the_document_tells_both_paths(engine: ScriptedEngine) -> None:
    with hosted(in_fastapi.app(), root_path="/api") as host:
        document = httpx.get(f"{host.url}/llm/openapi.json", headers=ADA).json()
    assert document["servers"] == [{"url": "/api/llm"}]


def test_the_hosts_tests_may_put_another_user_in_place(engine: ScriptedEngine) -> None:
    app = in_fastapi.app()
    app.dependency_overrides[in_fastapi.current_user] = lambda: "tester"
    with hosted(app) as host:
        assert httpx.get(f"{host.url}/llm/v1/models").status_code == 200


def test_what_a_dependency_holds_it_holds_until_the_answer_is_there(engine: ScriptedEngine) -> None:
    requests_seen: list[int] = []

    def holding() -> Iterator[str]:
        yield "tester"
        requests_seen.append(len(engine.asked))

    app = in_fastapi.app()
    app.dependency_overrides[in_fastapi.current_user] = holding
    with hosted(app) as host:
        assert httpx.post(f"{host.url}/llm/v1/chat/completions", json=BODY).status_code == 200
    assert requests_seen == [1]
