"""Probes: a HEAD is answered as the GET, without its body, and needs no key."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from latticework import Settings, create_app
from latticework.app import OPERATIONS
from latticework.doors.models import hello
from latticework.engines.base import EngineDead
from tests.http import send
from tests.scripted import ScriptedEngine, says

GUARDED = [Settings(), Settings(playground="off"), Settings(api_keys=("sk",))]


@pytest.mark.parametrize("settings", GUARDED)
@pytest.mark.parametrize("path", hello.PATHS)
def test_a_probe_needs_nothing(path: str, settings: Settings) -> None:
    engine = ScriptedEngine(says("hello"))
    app = create_app(engine, settings=settings)
    assert send(app, "GET", path).json() == {"message": "hello"}
    assert send(app, "HEAD", path).status_code == 200
    assert send(app, "POST", path).status_code == 405
    assert engine.starts == 0  # no model is loaded for it


def test_a_probe_finds_a_server_whose_model_is_down() -> None:
    class Lame(ScriptedEngine):
        async def start(self) -> None:
            raise EngineDead("no memory left")

    assert send(create_app(Lame(says("hello"))), "HEAD", "/").status_code == 200


def test_a_mounted_app_is_probed_at_its_prefix() -> None:
    host = Starlette(routes=[Mount("/llm", create_app(ScriptedEngine(says("hello"))))])
    assert [send(host, "HEAD", f"/llm{path}").status_code for path in hello.PATHS] == [200, 200]
    assert send(host, "HEAD", "/").status_code == 404


@pytest.mark.parametrize("path", [operation.path for operation in OPERATIONS if operation.method == "get"])
def test_every_get_has_a_head_of_the_same_status_and_headers(path: str) -> None:
    app = create_app(ScriptedEngine(says("hello")))
    path = path.replace("{name}", "scripted").replace("{id}", "resp_none")
    get, head = (_sent(app, method, path) for method in ("GET", "HEAD"))
    assert head[0] == get[0]
    assert {name for name, _ in head[1]} == {name for name, _ in get[1]}


def _sent(app: Starlette, method: str, path: str) -> tuple[int, list[Any]]:
    response = send(app, method, path)
    assert method == "GET" or response.content == b""
    return response.status_code, response.headers.raw
