"""Requests for confidence that can't be met: a 400 if the request asks, a warning if the model's default does."""

from __future__ import annotations

import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import send
from tests.latticework.doors.responses import responding
from tests.scripted import ScriptedEngine, says
from turngrammar.formats import FORMATS
from turngrammar.render import Call, render

PARAMETERS = responding.NUMBER
FUNCTION = {"name": "add", "parameters": PARAMETERS}
ASKED = [{"role": "user", "content": "Hi"}]
# Of each API: a request with a tool.
APIS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": ASKED, "tools": [{"type": "function", "function": FUNCTION}]},
    "/v1/responses": {"input": "Hi", "tools": [{"type": "function", "strict": False, **FUNCTION}]},
    "/v1/messages": {"messages": ASKED, "max_tokens": 99, "tools": [{"name": "add", "input_schema": PARAMETERS}]},
}
# Its calls' arguments are not JSON.
FORMAT = "qwen3_coder"


def post(path: str, *, by_default: bool, format: str = FORMAT, **fields: Any) -> Any:
    engine = ScriptedEngine(says(render(FORMATS[format], [Call("add", '{"n": 1}')])))
    app = create_app(engine, settings=Settings(compile_timeout=60, tool_format=format, confidence=by_default))
    return send(app, "POST", path, content=json.dumps({"model": "scripted", **APIS[path], **fields})).json()


@pytest.mark.parametrize("path", APIS)
def test_calls_in_a_notation_of_their_own(path: str) -> None:
    answer = post(path, by_default=True)
    assert [(warning["code"], warning["param"]) for warning in answer["warnings"]] == [("no_confidence", "confidence")]
    assert "warnings" not in post(path, by_default=True, confidence=False)
    refused = post(path, by_default=False, confidence=True)["error"]
    assert "'confidence' needs calls with arguments in JSON" in refused["message"]


def test_text_has_no_values_to_warn_of() -> None:
    path = "/v1/chat/completions"
    assert "warnings" not in post(path, by_default=True, tools=None)
    assert post(path, by_default=False, tools=None, confidence=True)["error"]["param"] == "confidence"
