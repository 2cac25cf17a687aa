"""Requests with hundreds of tools, over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import chat, send
from tests.scripted import ScriptedEngine, says


def tools(size: int) -> list[dict[str, Any]]:
    def parameters(number: int) -> dict[str, Any]:
        properties = {"path": {"type": "string"}, f"count_{number}": {"type": "integer"}}
        return {"type": "object", "properties": properties, "required": ["path"]}

    functions = ({"name": f"tool_{number}", "parameters": parameters(number), "strict": True} for number in range(size))
    return [{"type": "function", "function": function} for function in functions]


@pytest.mark.parametrize("size", [128, 250, 512])
def test_the_last_of_many_tools_is_called(size: int) -> None:
    name, arguments = f"tool_{size - 1}", f'{{"path": "a", "count_{size - 1}": 7}}'
    engine = ScriptedEngine(says(f'<tool_call>\n{{"name": "{name}", "arguments": {arguments}}}\n</tool_call>'))
    response = chat(create_app(engine), tools=tools(size), tool_choice="required")
    assert response.status_code == 200, response.text
    (choice,) = response.json()["choices"]
    assert choice["finish_reason"] == "tool_calls"
    (call,) = choice["message"]["tool_calls"]
    assert call["function"] == {"name": name, "arguments": arguments}


@pytest.mark.parametrize(("size", "status"), [(250, 200), (513, 400)])
def test_so_are_those_of_the_messages_api(size: int, status: int) -> None:
    listed = [{**tool["function"], "input_schema": tool["function"]["parameters"]} for tool in tools(size)]
    for tool in listed:
        del tool["parameters"]
    body = {"model": "scripted", "max_tokens": 1000, "messages": [{"role": "user", "content": "Go."}], "tools": listed}
    call = f'{{"name": "tool_{size - 1}", "arguments": {{"path": "a"}}}}'
    app = create_app(ScriptedEngine(says(f"<tool_call>\n{call}\n</tool_call>")))
    response = send(app, "POST", "/v1/messages", content=json.dumps({**body, "tool_choice": {"type": "any"}}))
    assert response.status_code == status, response.text
    answer = response.json()
    if status == 200:
        assert [(block["name"], block["input"]) for block in answer["content"]] == [("tool_249", {"path": "a"})]
    else:
        assert answer["error"]["type"] == "invalid_request_error"
        assert "max_tools (512)" in answer["error"]["message"]


def test_beyond_the_limit_the_error_names_it_and_the_setting_moves_it() -> None:
    engine = ScriptedEngine(says("hello"))
    response = chat(create_app(engine), tools=tools(513))
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["param"] == "tools"
    assert "max_tools" in error["message"]
    assert "512" in error["message"]
    assert chat(create_app(engine, settings=Settings(max_tools=513)), tools=tools(513)).status_code == 200
