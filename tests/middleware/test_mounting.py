"""Mounted in other apps: in FastAPI beside the host's own routes, behind a prefix and a proxy."""

from __future__ import annotations

import asyncio

import httpx
import httpx2
from fastapi import FastAPI
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.routing import Mount

from middleware import create_app, lifespan
from tests.http import send
from tests.scripted import ScriptedEngine, says


def test_in_fastapi_beside_its_own_routes() -> None:
    engine = ScriptedEngine(says("hello"))
    llm = create_app(engine)
    host = FastAPI(lifespan=lifespan(llm))
    host.mount("/llm", llm)

    @host.get("/mine")
    def mine() -> str:
        return "mine"

    async def once() -> tuple[str, str | None]:
        async with (
            host.router.lifespan_context(host),
            httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://test") as client,
        ):
            assert engine.starts == 1
            own = (await client.get("/mine")).json()
            body = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}
            answer = await client.post("/llm/v1/chat/completions", json=body)
            return own, answer.json()["choices"][0]["message"]["content"]

    assert asyncio.run(once()) == ("mine", "hello")
    assert engine.starts == 0


def test_mounted_with_its_lifespan() -> None:
    engine = ScriptedEngine(says("hello"))
    llm = create_app(engine)
    host = Starlette(routes=[Mount("/llm", llm)], lifespan=lifespan(llm))

    async def once() -> httpx.Response:
        async with host.router.lifespan_context(host):
            assert engine.starts == 1
            transport = httpx.ASGITransport(host)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.get("/llm/v1/models")

    assert asyncio.run(once()).json()["data"][0]["id"] == "scripted"
    assert engine.starts == 0


def test_mounted_without_a_lifespan_the_first_requests_load_the_engine_once() -> None:
    engine = ScriptedEngine(says("hello"))
    host = Starlette(routes=[Mount("/llm", create_app(engine))])

    async def many() -> list[int]:
        transport = httpx.ASGITransport(host)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            answers = await asyncio.gather(*(client.get("/llm/v1/models") for _ in range(8)))
            return [answer.status_code for answer in answers]

    assert asyncio.run(many()) == [200] * 8
    assert engine.starts == 1


def test_two_apps_in_one_process_know_nothing_of_each_other() -> None:
    one, two = ScriptedEngine(says("one"), ("m1",)), ScriptedEngine(says("two"), ("m2",))
    host = Starlette(routes=[Mount("/1", create_app(one)), Mount("/2", create_app(two))])
    assert send(host, "GET", "/1/v1/models").json()["data"][0]["id"] == "m1"
    assert send(host, "GET", "/2/v1/models").json()["data"][0]["id"] == "m2"
    assert send(host, "GET", "/2/v1/models/m1").status_code == 404


def test_the_openai_client_in_process() -> None:
    async def once() -> str | None:
        transport = httpx2.ASGITransport(create_app(ScriptedEngine(says("hello"))))
        async with AsyncOpenAI(
            base_url="http://in-process/v1", api_key="none", http_client=httpx2.AsyncClient(transport=transport)
        ) as client:
            answer = await client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "hi"}]
            )
            return answer.choices[0].message.content

    assert asyncio.run(once()) == "hello"
