"""`on_bad_tool`: a tool that can't be compiled is an error that names it, or is left out of the turn and the prompt."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from starlette.applications import Starlette

from latticework import Settings, create_app
from tests.http import USER, chat, events, send
from tests.scripted import Script, ScriptedEngine, says

IMPOSSIBLE = {
    "type": "object",
    "properties": {"domain": {"type": "string", "minLength": 9, "maxLength": 3}},
    "required": ["domain"],
}
AT_DOMAIN = "tools[3].function.parameters.properties.domain"
HEADER = "x-latticework-skipped-tools"
CALL = '<tool_call>\n{"name": "tool_1", "arguments": {}}\n</tool_call>'


def function(name: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"type": "function", "function": {"name": name, "parameters": parameters or {"type": "object"}}}


def custom(name: str, definition: str, syntax: str = "lark") -> dict[str, Any]:
    grammar = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
    return {"type": "custom", "custom": {"name": name, "format": grammar}}


def tools(*bad: dict[str, Any], size: int = 26) -> list[dict[str, Any]]:
    """`size` tools, the bad ones from index 3 on."""
    good = [function(f"tool_{index}") for index in range(size - len(bad))]
    return [*good[:3], *bad, *good[3:]]


SEARCH = function("search_domains", IMPOSSIBLE)


def served(script: Script | None = None, **settings: Any) -> tuple[Starlette, ScriptedEngine]:
    engine = ScriptedEngine(script or says("hello"))
    return create_app(engine, settings=Settings(**settings)), engine


def error_of(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 400
    error: dict[str, Any] = response.json()["error"]
    return error


@pytest.mark.parametrize("fields", [{}, {"on_bad_tool": "error"}, {"on_bad_tool": None}])
def test_by_default_a_bad_tool_is_an_error_that_names_it(fields: dict[str, Any]) -> None:
    error = error_of(chat(served()[0], tools=tools(SEARCH), **fields))
    assert error["param"] == AT_DOMAIN
    assert error["message"] == (
        "Tool 'search_domains', /properties/domain: minLength 9 exceeds maxLength 3, "
        "so no document can fit this schema. Change one of them."
    )


def test_an_agent_with_26_tools_works_on_with_25() -> None:
    app, engine = served(says(CALL))
    response = chat(app, tools=tools(SEARCH), on_bad_tool="skip")
    body = response.json()
    assert response.headers[HEADER] == "search_domains"
    (warning,) = body["warnings"]
    assert (warning["code"], warning["tool"], warning["param"]) == ("skipped_tool", "search_domains", AT_DOMAIN)
    assert "minLength 9 exceeds maxLength 3" in warning["message"]
    assert body["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "tool_1"
    assert "search_domains" not in engine.prompts[0]
    assert all(f'"tool_{index}"' in engine.prompts[0] for index in range(25))
    assert "search_domains" not in (engine.asked[0].grammar or "")


def test_the_prompt_is_that_of_a_request_without_the_tool() -> None:
    app, engine = served()
    first = chat(app, tools=tools(SEARCH), on_bad_tool="skip")
    again = chat(app, tools=tools(SEARCH), on_bad_tool="skip")
    without = chat(app, tools=tools(size=25))
    assert len(set(engine.prompts)) == 1
    assert first.json()["usage"] == again.json()["usage"] == without.json()["usage"]
    assert HEADER not in without.headers
    assert "warnings" not in without.json()


def test_a_stream_names_the_tool_in_its_first_event() -> None:
    app, _ = served(says("hel", "lo"))
    response = chat(app, tools=tools(SEARCH), on_bad_tool="skip", stream=True, stream_options={"include_usage": True})
    *chunks, _ = events(response)
    assert response.headers[HEADER] == "search_domains"
    assert [warning["tool"] for warning in chunks[0]["warnings"]] == ["search_domains"]
    assert all("warnings" not in chunk for chunk in chunks[1:])
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)


def test_sdks_show_the_warnings() -> None:
    fields: dict[str, Any] = {"tools": tools(SEARCH), "on_bad_tool": "skip"}
    whole = ChatCompletion.model_validate(chat(served()[0], **fields).json())
    state = ChatCompletionStreamState()
    *chunks, _ = events(chat(served()[0], **fields, stream=True))
    for chunk in chunks:
        list(state.handle_chunk(ChatCompletionChunk.model_validate(chunk)))
    folded = state.get_final_completion()
    for completion in (whole, folded):
        assert completion.model_extra is not None
        assert [warning["tool"] for warning in completion.model_extra["warnings"]] == ["search_domains"]


BAD: dict[str, dict[str, Any]] = {
    "impossible": function("bad", IMPOSSIBLE),
    "invalid": function("bad", {"type": "objekt"}),
    "no object": function("bad", {"type": "string"}),
    "a remote reference": function("bad", {"$ref": "https://example.com/schema"}),
    "over a limit": function("bad", {"properties": {"a": {"enum": list(range(50_001))}}}),
    "an invalid grammar": custom("bad", "start: nowhere"),
    "an invalid regex": custom("bad", "(", "regex"),
    "nested too deeply": function("bad", {"properties": {"a": json.loads('{"items":' * 150 + "{}" + "}" * 150)}}),
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_whatever_is_bad_about_a_tool_can_be_skipped(bad: dict[str, Any]) -> None:
    app, engine = served()
    error = error_of(chat(app, tools=[function("good"), bad]))
    assert error["param"].startswith("tools[1].")
    assert error["message"].startswith("Tool 'bad'")
    response = chat(app, tools=[function("good"), bad], on_bad_tool="skip")
    assert response.headers[HEADER] == "bad"
    assert response.json()["warnings"][0]["param"] == error["param"]
    assert '"bad"' not in engine.prompts[0]


def test_what_a_wire_format_cannot_write_is_skipped_too() -> None:
    bad = function("bad", {"type": "object", "properties": {"a>\n": {}}})
    response = chat(served()[0], tools=[bad, function("good")], tool_format="qwen3_coder", on_bad_tool="skip")
    assert response.headers[HEADER] == "bad"


def test_several_bad_tools_are_named_in_their_order() -> None:
    bad = [function(f"bad_{index}", {"type": index}) for index in range(4)]
    response = chat(served()[0], tools=tools(*bad), on_bad_tool="skip")
    assert response.headers[HEADER] == "bad_0, bad_1, bad_2, bad_3"
    assert [warning["param"][:8] for warning in response.json()["warnings"]] == [f"tools[{i}]" for i in range(3, 7)]


def named(*names: str) -> dict[str, Any]:
    listed = [{"type": "function", "function": {"name": name}} for name in names]
    return {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": listed}}


ONE = {"type": "function", "function": {"name": "search_domains"}}
NOTHING_LEFT = {
    "the only tool": {"tools": [SEARCH]},
    "all tools": {"tools": [SEARCH, function("other", IMPOSSIBLE)]},
    "the tool that must be called": {"tools": tools(SEARCH), "tool_choice": ONE},
    "the only tool that may be called": {"tools": tools(SEARCH), "tool_choice": named("search_domains")},
}


@pytest.mark.parametrize("fields", NOTHING_LEFT.values(), ids=NOTHING_LEFT)
def test_where_no_tool_is_left_it_is_an_error(fields: dict[str, Any]) -> None:
    error = error_of(chat(served()[0], on_bad_tool="skip", **fields))
    assert error["param"].endswith("function.parameters.properties.domain")
    assert "minLength 9 exceeds maxLength 3" in error["message"]


def test_others_of_the_allowed_tools_may_still_be_called() -> None:
    app, engine = served(says(CALL))
    response = chat(app, tools=tools(SEARCH), tool_choice=named("search_domains", "tool_1"), on_bad_tool="skip")
    assert response.headers[HEADER] == "search_domains"
    assert "tool_1" in (engine.asked[0].grammar or "")


def test_equal_names_are_an_error_even_if_one_of_the_tools_is_bad() -> None:
    error = error_of(chat(served()[0], tools=[SEARCH, function("search_domains"), function("f")], on_bad_tool="skip"))
    assert error["param"] == "tools[1].function.name"


def test_a_skipped_tool_in_the_history_is_no_problem() -> None:
    called = {"id": "1", "type": "function", "function": {"name": "search_domains", "arguments": '{"domain": "a.com"}'}}
    history = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "1", "content": "free"},
    ]
    app, engine = served()
    response = chat(app, messages=history, tools=tools(SEARCH), on_bad_tool="skip")
    assert (response.status_code, response.headers[HEADER]) == (200, "search_domains")
    assert "a.com" in engine.prompts[0]


def test_the_setting_is_the_default_of_requests() -> None:
    app, _ = served(on_bad_tool="skip")
    assert chat(app, tools=tools(SEARCH)).headers[HEADER] == "search_domains"
    assert chat(app, tools=tools(SEARCH), on_bad_tool="skip").headers[HEADER] == "search_domains"
    assert error_of(chat(app, tools=tools(SEARCH), on_bad_tool="error"))["param"] == AT_DOMAIN


def test_a_reasoning_limit_and_a_document_go_with_it() -> None:
    answer = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
    fields: dict[str, Any] = {"tools": tools(SEARCH), "on_bad_tool": "skip", "response_format": answer, "n": 2}
    response = chat(served(says("{}"))[0], **fields, max_reasoning_tokens=5)
    assert response.headers[HEADER] == "search_domains"
    assert len(response.json()["choices"]) == 2


def test_the_grammar_of_the_request_is_explained_without_the_tool() -> None:
    body = {"model": "scripted", "tools": tools(SEARCH), "on_bad_tool": "skip"}
    explained = send(served()[0], "POST", "/v1/grammars", content=json.dumps(body)).json()
    assert explained["skipped_tools"] == ["search_domains"]
    assert "search_domains" not in explained["grammar"]
    refused = [row for row in explained["report"] if row["status"] == "refused"]
    assert [(row["pointer"], row["keyword"]) for row in refused] == [
        ("/tools/3/function/parameters/properties/domain", "minLength")
    ]
    assert send(served()[0], "POST", "/v1/grammars", content=json.dumps({**body, "on_bad_tool": "error"})).is_error


def test_its_tokens_are_those_of_the_chat_request() -> None:
    app, engine = served()
    chat(app, tools=tools(SEARCH), on_bad_tool="skip")
    body = {"messages": [USER], "tools": tools(SEARCH), "on_bad_tool": "skip"}
    response = send(app, "POST", "/tokenize", json=body)
    assert bytes(response.json()["tokens"]).decode() == engine.prompts[0]
    assert response.headers[HEADER] == "search_domains"
    with_all = send(app, "POST", "/tokenize", json={**body, "on_bad_tool": None})
    assert with_all.json()["count"] > response.json()["count"]
    assert HEADER not in with_all.headers
