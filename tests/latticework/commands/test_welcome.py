"""What is printed when the server is ready can be pasted as it stands."""

from __future__ import annotations

import ast
import json
import shlex

import pytest

from latticework.commands.serve import welcome


@pytest.mark.parametrize("guarded", [False, True])
def test_the_curl_is_a_request(guarded: bool) -> None:
    text = welcome("http://127.0.0.1:8000", ["org/model"], guarded=guarded)
    words = shlex.split(text[text.index("curl") : text.index("From Python")])
    assert words[2] == "http://127.0.0.1:8000/v1/chat/completions"
    assert ("Authorization: Bearer YOUR-API-KEY" in words) is guarded
    body = json.loads(words[-1])
    assert body["model"] == "org/model"
    assert body["response_format"]["json_schema"]["schema"]["required"] == ["name", "age"]


def test_several_models_are_named_and_the_first_is_asked() -> None:
    text = welcome("http://127.0.0.1:8000", ["one", "two", "three"], guarded=False)
    assert text.startswith("\none, two and three are served at http://127.0.0.1:8000/v1\n")
    assert '"model": "one"' in text


def test_the_python_is_python() -> None:
    text = welcome("http://127.0.0.1:8000", ["org/model"], guarded=False)
    code = text[text.index("from openai") :].replace("A tool call:", "")
    called = {ast.unparse(node.func) for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Call)}
    assert {"OpenAI", "client.chat.completions.parse", "pydantic_function_tool"} <= called
