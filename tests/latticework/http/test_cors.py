"""Pages of other origins: preflights, and the headers of every response."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from latticework import Settings, create_app
from latticework.engines.base import EngineFailed
from latticework.http.cors import EXPOSED
from tests.docs.api import RESPONSE_HEADERS
from tests.http import chat, events, send
from tests.scripted import ScriptedEngine, says

PAGE = "https://page.example"
KEY = {"authorization": "Bearer sk-a"}


def served(**settings: Any) -> Starlette:
    allowed = {"allowed_origins": (PAGE,), "api_keys": ("sk-a",), **settings}
    return create_app(ScriptedEngine(says("hello")), settings=Settings(**allowed))


def preflight(app: Starlette, origin: str = PAGE, method: str = "POST") -> httpx.Response:
    headers = {
        "origin": origin,
        "access-control-request-method": method,
        "access-control-request-headers": "authorization,content-type,x-stainless-lang",
    }
    return send(app, "OPTIONS", "/v1/chat/completions", headers=headers)


def test_a_preflight_needs_no_key() -> None:
    response = preflight(served())
    assert response.status_code == 200
    assert response.headers["access-control-allow-origin"] == PAGE
    assert "x-stainless-lang" in response.headers["access-control-allow-headers"]
    assert "POST" in response.headers["access-control-allow-methods"]
    assert "access-control-allow-credentials" not in response.headers


def test_what_is_not_allowed_is_refused() -> None:
    assert preflight(served(), origin="https://other.example").status_code == 400
    assert preflight(served(allowed_methods=("GET",))).status_code == 400
    assert preflight(served(allowed_headers=("authorization",))).status_code == 400
    assert "access-control-allow-origin" not in chat(served(), {"origin": "https://other.example", **KEY}).headers


def test_without_the_setting_there_is_no_cors() -> None:
    app = served(allowed_origins=())
    assert preflight(app).status_code == 401
    assert "access-control-allow-origin" not in chat(app, {"origin": PAGE, **KEY}).headers


@pytest.mark.parametrize(
    ("headers", "fields", "status"),
    [
        (KEY, {}, 200),
        (KEY, {"stream": True}, 200),
        (KEY, {"n": 0}, 400),
        ({}, {}, 401),
        (KEY, {"model": "other"}, 404),
    ],
)
def test_every_response_has_the_headers(headers: dict[str, str], fields: dict[str, Any], status: int) -> None:
    response = chat(served(), {"origin": PAGE, **headers}, **fields)
    assert response.status_code == status
    assert response.headers["access-control-allow-origin"] == PAGE
    assert set(response.headers["access-control-expose-headers"].split(", ")) == set(EXPOSED)
    if fields.get("stream"):
        assert events(response)[-1] == "[DONE]"


@pytest.mark.parametrize("error", [RuntimeError, EngineFailed])
def test_a_failure_has_them_too(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    engine = ScriptedEngine(says("hello"))

    async def fails() -> None:
        raise error("broken")

    monkeypatch.setattr(engine, "check_health", fails)
    app = create_app(engine, settings=Settings(allowed_origins=("*",)))
    response = chat(app, {"origin": PAGE})
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "internal_error"
    assert response.headers["access-control-allow-origin"] == "*"


def test_all_of_our_headers_are_shown_to_pages() -> None:
    assert set(EXPOSED) == set(RESPONSE_HEADERS) - {"www-authenticate"}


def test_credentials_are_for_named_origins() -> None:
    response = preflight(served(allow_credentials=True))
    assert response.headers["access-control-allow-credentials"] == "true"
