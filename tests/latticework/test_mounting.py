"""Mounted in other apps: what hosts do to it, and what it must not do to them. The usual ways are tests/examples'."""

from __future__ import annotations

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from fastapi import FastAPI
from openai import AsyncOpenAI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from latticework import Settings, create_app, lifespan
from latticework.doors import openapi
from latticework.engines.base import Piece, Sampling
from tests.hosting import hosted
from tests.http import USER, chat, send
from tests.scripted import ScriptedEngine, says

ROOT = Path(__file__).parents[2]


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


@pytest.mark.parametrize("http", [httpx, httpx2])
def test_the_openai_client_in_process(http: Any) -> None:
    async def once() -> str | None:
        transport = http.ASGITransport(create_app(ScriptedEngine(says("hello"))))
        async with AsyncOpenAI(
            base_url="http://in-process/v1", api_key="none", http_client=http.AsyncClient(transport=transport)
        ) as client:
            answer = await client.chat.completions.create(
                model="scripted", messages=[{"role": "user", "content": "hi"}]
            )
            return answer.choices[0].message.content

    assert asyncio.run(once()) == "hello"


def test_each_app_has_its_own_settings() -> None:
    tools = [{"type": "function", "function": {"name": name}} for name in ("a", "b")]
    strict = create_app(ScriptedEngine(says("1")), settings=Settings(api_keys=("key",), max_tools=1, playground="on"))
    free = create_app(ScriptedEngine(says("2")), settings=Settings(requests_per_minute=1))
    host = Starlette(routes=[Mount("/strict", strict), Mount("/free", free)])
    asked = {"model": "scripted", "messages": [USER], "tools": tools}

    def ask(path: str, **headers: str) -> httpx.Response:
        return send(host, "POST", f"{path}/v1/chat/completions", content=json.dumps(asked), headers=headers)

    assert ask("/strict").status_code == 401
    assert "tools" in ask("/strict", authorization="Bearer key").json()["error"]["message"]
    assert [ask("/free").status_code for _ in range(2)] == [200, 429]
    counted = [send(host, "GET", f"{path}/metrics").text for path in ("/strict", "/free")]
    assert ['outcome="stop"' in text for text in counted] == [False, True]


def test_what_the_host_keeps_of_a_request_stays_its_own() -> None:
    async def keeps(request: Request, call_next: RequestResponseEndpoint) -> Response:
        request.state.request_id, request.state.record = 7, "mine"
        response = await call_next(request)
        assert (request.state.request_id, request.state.record) == (7, "mine")
        return response

    host = Starlette(
        routes=[Mount("/", create_app(ScriptedEngine(says("hello"))))],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=keeps)],
    )
    answer = chat(host, headers={"x-request-id": "theirs"})
    assert (answer.status_code, answer.headers["x-request-id"]) == (200, "theirs")


async def _hosts_own(request: Request, error: Exception | None = None) -> Response:
    return PlainTextResponse("The host failed.", 500)


@pytest.mark.parametrize("handlers", [{}, {Exception: _hosts_own}, {500: _hosts_own}])
def test_a_bug_is_told_to_the_client_by_the_app_and_to_the_server_by_its_traceback(handlers: dict[Any, Any]) -> None:
    engine = ScriptedEngine(None)  # type: ignore[arg-type] # a bug, as good as any
    host = Starlette(routes=[Mount("/llm", create_app(engine))], exception_handlers=handlers)
    asked = {"model": "scripted", "messages": [USER]}
    answer = send(host, "POST", "/llm/v1/chat/completions", json=asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "internal_error")

    async def once() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(host), base_url="http://test") as client:
            await client.post("/llm/v1/chat/completions", json=asked)

    with pytest.raises(TypeError):
        asyncio.run(once())


def test_a_path_outside_ascii_is_a_url_in_the_document() -> None:
    host = Starlette(routes=[Mount("/modèles", create_app(ScriptedEngine(says("hello"))))])
    assert send(host, "GET", "/modèles/openapi.json").json()["servers"] == [{"url": "/mod%C3%A8les"}]


def test_paths_that_clients_choose_are_not_kept_for_ever() -> None:
    host = Starlette(routes=[Mount("/{tenant}/llm", create_app(ScriptedEngine(says("hello"))))])
    for tenant in range(2 * openapi.ROOTS):
        told = send(host, "GET", f"/{tenant}/llm/openapi.json").json()
        assert told["servers"] == [{"url": f"/{tenant}/llm"}]
    assert openapi.openapi_document.cache_info().currsize <= openapi.ROOTS


def test_fastapis_own_root_path_hides_whatever_is_mounted() -> None:
    """Not only us: docs/mounting.md warns of it. Once this fails, it need not any more."""
    host = FastAPI(root_path="/ai")
    host.mount("/llm", create_app(ScriptedEngine(says("hello"))))
    host.mount("/theirs", Starlette(routes=[Route("/", _hosts_own)]))
    assert send(host, "GET", "/llm/v1/models").status_code == send(host, "GET", "/theirs/").status_code == 404


ASKED_FIRST = {"origin": "https://a.example", "access-control-request-method": "POST"}


@pytest.mark.parametrize("settings", [Settings(), Settings(api_keys=("key",))])
def test_what_a_browser_asks_first_is_the_hosts_to_answer(settings: Settings) -> None:
    llm = create_app(ScriptedEngine(says("hello")), settings=settings)
    cors = Middleware(CORSMiddleware, allow_origins=["https://a.example"], allow_methods=["POST"])
    alone = Starlette(routes=[Mount("/llm", llm)])
    host = Starlette(routes=[Mount("/llm", llm)], middleware=[cors])
    url = "/llm/v1/chat/completions"
    assert send(alone, "OPTIONS", url, headers=ASKED_FIRST).status_code == (401 if settings.guarded else 405)
    allowed = send(host, "OPTIONS", url, headers=ASKED_FIRST)
    assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (200, "https://a.example")


# --- On a server ----------------------------------------------------------------------------------------------------


@dataclass
class Gated:
    """An engine's script: it says one thing, and the other once the gate is open. `starts`: the engine's, by then."""

    engine: ScriptedEngine = field(init=False)
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    loop: asyncio.AbstractEventLoop = field(init=False)
    starts: int | None = None

    def __post_init__(self) -> None:
        self.engine = ScriptedEngine(self.script)

    async def script(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        self.loop = asyncio.get_running_loop()
        yield Piece("first", (0,))
        await self.gate.wait()
        self.starts = self.engine.starts
        yield Piece(" and last", (0,), finish="stop")

    def open(self) -> None:
        self.loop.call_soon_threadsafe(self.gate.set)


class PassedOn:
    """A host's middleware that looks at every message and changes none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


async def _dispatch(request: Request, call_next: RequestResponseEndpoint) -> Response:
    return await call_next(request)


MIDDLEWARE = [
    Middleware(PassedOn),
    Middleware(BaseHTTPMiddleware, dispatch=_dispatch),
    Middleware(CORSMiddleware, allow_origins=["*"]),
    Middleware(GZipMiddleware),
]


def gated_host(gated: Gated, *middleware: Middleware) -> Starlette:
    llm = create_app(gated.engine)
    return Starlette(routes=[Mount("/llm", llm)], lifespan=lifespan(llm), middleware=middleware)


def lines(url: str) -> Iterator[str]:
    """Of a stream, as they come."""
    asked = {"model": "scripted", "messages": [USER], "stream": True}
    with httpx.stream("POST", f"{url}/llm/v1/chat/completions", json=asked, timeout=60) as response:
        yield from response.iter_lines()


def until_first(stream: Iterator[str]) -> None:
    assert any("first" in line for line in stream)


@pytest.mark.parametrize("middleware", MIDDLEWARE)
def test_streams_pass_a_hosts_middleware_as_they_are_made(middleware: Middleware) -> None:
    gated = Gated()
    with hosted(gated_host(gated, middleware)) as host:
        stream = lines(host.url)
        until_first(stream)
        gated.open()
        assert [line for line in stream if line][-1] == "data: [DONE]"


@pytest.mark.parametrize("middleware", MIDDLEWARE)
def test_a_client_that_goes_away_ends_the_work_through_a_hosts_middleware(middleware: Middleware) -> None:
    gated = Gated()
    with hosted(gated_host(gated, middleware)) as host:
        stream = lines(host.url)
        until_first(stream)
        assert gated.engine.open == 1
        stream.close()  # type: ignore[attr-defined]
        # Its going away is heard before the next request of another is answered, or soon after.
        while gated.engine.open:
            assert httpx.get(f"{host.url}/llm/health").status_code == 200
    assert gated.starts is None


def test_a_host_that_stops_lets_a_stream_end_before_it_stops_the_engine() -> None:
    gated = Gated()
    with hosted(gated_host(gated)) as host:
        stream = lines(host.url)
        until_first(stream)
        host.server.should_exit = True
        while _accepts(host.url):
            pass
        gated.open()
        assert [line for line in stream if line][-1] == "data: [DONE]"
    assert gated.starts == 1
    assert gated.engine.starts == 0


def test_a_host_that_waits_no_longer_cuts_a_stream_off_and_no_client_takes_it_for_whole() -> None:
    gated = Gated()
    with hosted(gated_host(gated), timeout_graceful_shutdown=1) as host:
        stream = lines(host.url)
        until_first(stream)
        host.server.should_exit = True
        rest = "\n".join(stream)
    assert "data: [DONE]" not in rest
    assert "The server was stopped" in rest
    assert gated.starts is None
    assert (gated.engine.open, gated.engine.starts) == (0, 0)


def _accepts(url: str) -> bool:
    try:
        httpx.get(url)
    except httpx.ConnectError:
        return False
    return True


WITHOUT_LIFESPAN = """
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from latticework import create_app
from tests.free import free_engine

def make():
    return Starlette(routes=[Mount("/llm", create_app(free_engine()))])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="how to see its processes depends on the system")
def test_a_host_without_a_lifespan_ends_and_leaves_no_process_behind(tmp_path: Path) -> None:
    (tmp_path / "careless.py").write_text(WITHOUT_LIFESPAN)
    command = [sys.executable, "-m", "uvicorn", "--factory", "careless:make", "--port", "0", "--app-dir", str(tmp_path)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        told = next(line for line in process.stderr if "running on" in line)
        url = re.findall(r"http://[\w.:]+", told)[0]
        asked = {"model": "scripted", "messages": [USER], "response_format": {"type": "json_object"}}
        answer = httpx.post(f"{url}/llm/v1/chat/completions", json={**asked, "max_tokens": 20}, timeout=60)
        assert answer.status_code == 200
        started = [os.pidfd_open(child) for child in children(process.pid)]
        assert started  # those that compile
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
        assert process.returncode in {0, -signal.SIGTERM}  # uvicorn ends by the signal that it was sent
    for child in started:
        assert select.select([child], [], [], 60)[0]  # it has ended
        os.close(child)


def children(pid: int) -> list[int]:
    """The processes that a process has started, whichever of its threads did."""
    told = " ".join(file.read_text() for file in Path(f"/proc/{pid}/task").glob("*/children"))
    return [int(child) for child in told.split()]
