"""Which API's envelope an error has."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from latticework import Settings, create_app
from tests.http import send
from tests.scripted import ScriptedEngine, says

USER = {"role": "user", "content": "hi"}
# Errors of routing, of the body, of a field, and of what is found while the prompt is written.
FAILING: tuple[dict[str, Any], ...] = (
    {"model": "another", "max_tokens": 9, "messages": [USER]},
    {"model": "scripted", "max_tokens": 9, "messages": []},
    {"model": "scripted", "max_tokens": 9, "messages": [{"role": "user", "content": "hi" * 60_000}]},
)


def error(app: Starlette, path: str, body: Any, headers: dict[str, str] | None = None) -> dict[str, Any]:
    response = send(app, "POST", path, content=json.dumps(body), headers=headers)
    assert response.status_code >= 400
    answer: dict[str, Any] = response.json()
    return answer


@pytest.mark.parametrize("body", [*FAILING, None])
@pytest.mark.parametrize("path", ["/v1/messages", "/v1/messages/count_tokens", "/v1/messages/batches"])
def test_errors_of_the_messages_api_have_its_envelope_by_the_path_alone(path: str, body: Any) -> None:
    app = create_app(ScriptedEngine(says("hello")))
    if path.endswith("count_tokens") and body == FAILING[2]:
        return  # it counts prompts of any length
    assert error(app, path, body)["type"] == "error"


def test_a_key_and_a_mount_change_nothing() -> None:
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("key",)))
    assert error(app, "/v1/messages", FAILING[1])["type"] == "error"
    app = create_app(ScriptedEngine(says("hello")))
    host = Starlette(routes=[Mount("/llm", app)])
    assert error(host, "/llm/v1/messages", FAILING[1])["type"] == "error"


def test_errors_of_others_have_it_if_the_client_is_anthropics() -> None:
    app = create_app(ScriptedEngine(says("hello")))
    assert "type" not in error(app, "/v1/chat/completions", FAILING[1])
    version = {"anthropic-version": "2023-06-01"}
    assert error(app, "/v1/chat/completions", FAILING[1], version)["type"] == "error"
