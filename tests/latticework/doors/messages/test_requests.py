"""What requests of messages mean, field by field: accepted, refused by name, or named as without effect."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import send
from tests.latticework.doors.messages.messaging import ADD, NUMBER, PATH, USER, post, scripted, serving, whole
from tests.scripted import ScriptedEngine, says

CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 12}}\n</tool_call>'
DOCUMENT = {"type": "json_schema", "schema": NUMBER}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
BASH = {"type": "bash_20250124", "name": "bash"}


def block(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, **fields}


ACCEPTED: dict[str, dict[str, Any]] = {
    "system as text": {"system": "Be brief."},
    "system as blocks": {"system": [block("text", text="Be brief.", cache_control={"type": "ephemeral", "ttl": "1h"})]},
    "no tools": {"tools": [], "tool_choice": {"type": "auto"}},
    "a choice without tools": {"tool_choice": {"type": "none"}},
    "accounting": {"metadata": {"user_id": "u"}, "service_tier": "auto", "speed": "standard", "inference_geo": "us"},
    "a cache": {"cache_control": {"type": "ephemeral"}, "context_management": {"edits": []}, "betas": ["x"]},
    "sampling": {"temperature": 0.5, "top_p": 0.9, "top_k": 5, "min_p": 0.1, "seed": 3},
    "thinking disabled": {"thinking": {"type": "disabled"}},
    "thinking adaptive": {"thinking": {"type": "adaptive", "budget_tokens": 0, "display": "summarized"}},
    "thinking between tools": {"thinking": {"type": "between_tools"}},
    "thinking enabled": {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 2000},
    "effort": {"output_config": {"effort": "xhigh"}},
    "nulls": {"system": None, "tools": None, "tool_choice": None, "thinking": None, "stop_sequences": None},
    "more tokens than the context has": {"max_tokens": 64_000},
    "no members": {"mcp_servers": [], "n": 1},
}


@pytest.mark.parametrize("case", ACCEPTED, ids=str)
def test_it_is_taken(case: str) -> None:
    response = post(serving("hello"), **ACCEPTED[case])
    assert response.status_code == 200, response.text
    assert "x-latticework-ignored" not in response.headers
    assert "warnings" not in response.json()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no limit": ({"max_tokens": ...}, "max_tokens"),
    "a limit of nothing": ({"max_tokens": 0}, "max_tokens"),
    "no messages": ({"messages": []}, "messages"),
    "system alone": ({"messages": [{"role": "system", "content": "s"}]}, "messages"),
    "a role": ({"messages": [{"role": "tool", "content": "s"}]}, "messages[0].role"),
    "an image": (
        {"messages": [{"role": "user", "content": [block("image", source={})]}]},
        "messages[0].content[0]",
    ),
    "a document": (
        {"messages": [USER, {"role": "user", "content": [block("document", source={})]}]},
        "messages[1].content[0]",
    ),
    "a result without its call": (
        {"messages": [{"role": "user", "content": [block("tool_result", tool_use_id="t")]}]},
        "messages[0].content[0].tool_use_id",
    ),
    "a call without its result": (
        {"messages": [USER, {"role": "assistant", "content": [block("tool_use", id="t", name="add", input={})]}]},
        "messages[1]",
    ),
    "a call of the user's": (
        {"messages": [{"role": "user", "content": [block("tool_use", id="t", name="add", input={})]}]},
        "messages[0].content[0]",
    ),
    "an unknown reference": (
        {
            "tools": [ADD],
            "messages": [
                USER,
                {"role": "assistant", "content": [block("tool_use", id="t", name="add", input={})]},
                {
                    "role": "user",
                    "content": [
                        block("tool_result", tool_use_id="t", content=[block("tool_reference", tool_name="no")])
                    ],
                },
            ],
        },
        "messages[2].content[0].content[0].tool_name",
    ),
    "any without tools": ({"tool_choice": {"type": "any"}}, "tool_choice"),
    "an unknown tool": ({"tools": [ADD], "tool_choice": {"type": "tool", "name": "sub"}}, "tool_choice.name"),
    "a hosted tool": ({"tools": [SEARCH], "tool_choice": {"type": "tool", "name": "web_search"}}, "tool_choice.name"),
    "a small budget": ({"thinking": {"type": "enabled", "budget_tokens": 100}}, "thinking.budget_tokens"),
    "a budget without room": (
        {"thinking": {"type": "enabled", "budget_tokens": 1024}, "max_tokens": 1024},
        "thinking.budget_tokens",
    ),
    "two formats": (
        {"output_format": DOCUMENT, "output_config": {"format": {**DOCUMENT, "schema": {"type": "object"}}}},
        "output_config.format",
    ),
    "servers": ({"mcp_servers": [{"url": "x"}]}, "mcp_servers"),
    "OpenAI's stop": ({"stop": ["x"]}, "stop"),
    "OpenAI's format": ({"response_format": {"type": "json_object"}}, "response_format"),
    "an empty stop": ({"stop_sequences": [""]}, "stop_sequences[0]"),
    "a tool without a schema": ({"tools": [{"name": "add"}]}, "tools[0].input_schema"),
}


@pytest.mark.parametrize("case", REFUSED, ids=str)
def test_it_is_refused_by_name(case: str) -> None:
    fields, param = REFUSED[case]
    response = post(serving("hello"), **fields)
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert (error["type"], error["details"]["param"]) == ("invalid_request_error", param)
    assert param.split("[")[0].split(".")[0] in error["message"]


def test_interleaved_thinking_may_have_a_larger_budget() -> None:
    beta = {"anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14"}
    for budget, status in ((5000, 200), (1023, 400)):
        thinking = {"type": "enabled", "budget_tokens": budget}
        assert post(serving("hello"), headers=beta, thinking=thinking).status_code == status


def test_threads_are_refused_so_that_clients_send_everything() -> None:
    error = post(serving("hello"), thread={"type": "create"}).json()["error"]
    assert error["details"]["error_code"] == "thread_unsupported_request"


def test_what_is_left_out_is_named() -> None:
    message = {"role": "user", "content": [block("text", text="hi"), block("container_upload", file_id="f")]}
    response = post(
        serving("hello"),
        [message],
        headers={"anthropic-beta": "structured-outputs-2025-11-13, teleport-2030-01-01"},
        tools=[SEARCH, ADD],
        nobody_knows=1,
        stop_sequences=["x"],
    )
    assert response.headers["x-latticework-ignored"] == (
        "nobody_knows, tools[0], messages[0].content[1], anthropic-beta[teleport-2030-01-01]"
    )
    assert [(one["code"], one["param"]) for one in response.json()["warnings"]] == [
        ("skipped_tool", "tools[0]"),
        ("ignored_block", "messages[0].content[1]"),
    ]


def test_a_prompt_that_is_too_long_is_refused_in_the_words_that_agents_know() -> None:
    engine = scripted(says("hello"))
    error = post(create_app(engine), [{"role": "user", "content": "x" * 100_000}]).json()["error"]
    words = error["message"].split()
    assert words[:4] == ["prompt", "is", "too", "long:"] and int(words[4]) > int(words[7])
    assert error["type"] == "invalid_request_error"


def test_an_answer_that_fills_the_context() -> None:
    message = whole(serving("hello", finish="length"), max_tokens=10**6)
    assert message["stop_reason"] == "model_context_window_exceeded"
    assert whole(serving("hello", finish="length"), max_tokens=10)["stop_reason"] == "max_tokens"


KEYS = {
    "a bearer token": ({"authorization": "Bearer right"}, 200),
    "a header": ({"x-api-key": "right"}, 200),
    "either": ({"authorization": "Bearer wrong", "x-api-key": "right"}, 200),
    "none": ({}, 401),
    "a wrong one": ({"x-api-key": "wrong"}, 401),
    "a bare token": ({"authorization": "right"}, 401),
}


@pytest.mark.parametrize("case", KEYS, ids=str)
def test_keys_of_both_kinds(case: str) -> None:
    headers, status = KEYS[case]
    response = post(serving("hello", api_keys=("right",)), headers=headers)
    assert response.status_code == status
    if status == 401:
        assert response.json()["error"]["type"] == "authentication_error"


ERRORS = {
    "a model": (PATH, {"model": "nobody"}, 404, "not_found_error"),
    "a path": (f"{PATH}/batches", {}, 404, "not_found_error"),
    "a large body": (PATH, {"system": "x" * 2000}, 413, "request_too_large"),
}


@pytest.mark.parametrize("case", ERRORS, ids=str)
def test_errors_have_anthropics_envelope(case: str) -> None:
    path, fields, status, kind = ERRORS[case]
    app = create_app(scripted(says("hello")), settings=Settings(max_body_bytes=1000))
    body = {"model": "scripted", "max_tokens": 9, "messages": [USER], **fields}
    response = send(app, "POST", path, json=body)
    assert (response.status_code, response.json()["type"]) == (status, "error")
    assert response.json()["error"]["type"] == kind
    assert response.json()["request_id"] == response.headers["request-id"]


FORMATS: dict[str, dict[str, Any]] = {
    "output_config": {"output_config": {"format": DOCUMENT}},
    "output_format": {"output_format": DOCUMENT},
    "both": {"output_config": {"format": DOCUMENT}, "output_format": DOCUMENT},
    "vLLM's": {"structured_outputs": {"json": NUMBER}},
}


def test_a_format_by_each_of_its_names_is_the_same_grammar() -> None:
    engine = scripted(says('{"n": 1}'))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    for fields in FORMATS.values():
        assert whole(app, **fields)["content"] == [{"type": "text", "text": '{"n": 1}'}]
    grammars = {sampling.grammar for sampling in engine.asked}
    assert len(grammars) == 1 and None not in grammars


def test_bounds_in_descriptions_are_enforced() -> None:
    described = {**NUMBER, "properties": {"n": {"type": "integer", "description": "A number.\n\n{maximum: 5}"}}}
    fields: dict[str, Any] = {"output_config": {"format": {**DOCUMENT, "schema": described}}}
    response = post(serving('{"n": 12}'), **fields)
    assert response.status_code == 500, "the scripted engine breaks the grammar"
    response = post(serving('{"n": 3}'), **fields)
    assert response.status_code == 200
    named = "/output_config/format/schema/properties/n/maximum"
    assert response.headers["x-latticework-described-bounds"] == named
    assert post(serving('{"n": 12}', ignore_described_bounds=True), **fields).status_code == 200


def test_choices_are_grammars() -> None:
    app = serving(CALL, CALL)
    both: dict[str, Any] = {"tools": [ADD, BASH], "repeated_calls": "allow"}
    assert len(whole(app, **both)["content"]) == 2
    for choice in ({"type": "tool", "name": "add"}, {"type": "any", "disable_parallel_tool_use": True}):
        # The scripted engine breaks the grammar, which is found out.
        response = post(app, tool_choice=choice, **both)
        assert response.status_code == 500
        assert response.json()["error"]["type"] == "api_error"


@pytest.mark.parametrize("tool", [BASH, {"type": "text_editor_20250728", "name": "str_replace_based_edit_tool"}])
def test_tools_that_anthropic_defines_have_their_schemas(tool: dict[str, Any]) -> None:
    arguments = '{"command": "view", "path": "/a"}' if "edit" in tool["name"] else '{"command": "ls"}'
    app = serving(f'<tool_call>\n{{"name": "{tool["name"]}", "arguments": {arguments}}}\n</tool_call>')
    (called,) = whole(app, tools=[tool])["content"]
    assert called["input"]["command"] in ("ls", "view")
    wrong = serving(f'<tool_call>\n{{"name": "{tool["name"]}", "arguments": {{"command": 5}}}}\n</tool_call>')
    assert post(wrong, tools=[tool]).status_code == 500


def test_counting_is_what_the_message_uses() -> None:
    app = serving("hello")
    fields: dict[str, Any] = {"system": "Be brief.", "tools": [ADD], "output_config": {"format": DOCUMENT}}
    counted = post(app, path=f"{PATH}/count_tokens", max_tokens=..., **fields)
    assert counted.status_code == 200, counted.text
    usage = whole(serving('{"n": 1}'), **fields)["usage"]
    assert counted.json() == {"input_tokens": usage["input_tokens"] + usage["cache_read_input_tokens"]}


def test_the_answer_continues_the_last_message() -> None:
    engine: ScriptedEngine = scripted(says("hello"))
    whole(create_app(engine), [USER, {"role": "assistant", "content": "It is "}])
    assert engine.prompts[-1].endswith("It is ")
