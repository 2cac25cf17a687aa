"""Items in the forms that clients send them: with nulls, twice, without ids, and as answers had them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import send
from tests.latticework.doors.responses.responding import ADD, NUMBER, RUN, respond, scripted, serving, whole
from tests.latticework.doors.responses.test_tools import call
from tests.scripted import says

USER = {"role": "user", "content": "hi"}
SAID = f"<think>\nhm\n</think>\n\n{call('add', n=1)}\n{call('run', input='ls')}"


def _replayed(item: dict[str, Any], form: str) -> dict[str, Any]:
    """As a client of this form sends an item of an answer."""
    match form:
        case "without ids":
            item = {key: value for key, value in item.items() if key not in ("id", "status")}
        case "with nulls":
            item = {"namespace": None, "phase": None, "encrypted_content": None, **item, "status": None}
            if item["type"] == "message":
                parts = [{**part, "annotations": [], "logprobs": []} for part in item["content"]]
                item = {**item, "content": parts}
        case "written anew":
            item = {key: value for key, value in item.items() if key not in ("id", "status")}
            if "arguments" in item:
                item["arguments"] = json.dumps(json.loads(item["arguments"]), separators=(",", ":"))
        case "references":
            item = {"type": "item_reference", "id": item["id"]}
        case "references without a type":
            item = {"id": item["id"]}
    return item


FORMS = ["as it came", "without ids", "with nulls", "written anew", "references", "references without a type"]


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_that_is_sent_back(form: str) -> None:
    """Each client's form gives the prompt of the stored conversation."""
    engine = scripted(says(SAID))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    tools = [ADD, RUN]
    first = whole(app, [USER], tools=tools)
    calls = [item for item in first["output"] if "call_id" in item]
    types = {"function_call": "function_call_output", "custom_tool_call": "custom_tool_call_output"}
    outputs = [{"type": types[item["type"]], "call_id": item["call_id"], "output": "2"} for item in calls]
    whole(app, outputs, tools=tools, previous_response_id=first["id"])
    whole(app, [USER, *(_replayed(item, form) for item in first["output"]), *outputs], tools=tools)
    stored, sent = engine.prompts[-2:]
    assert sent.replace(" ", "") == stored.replace(" ", "") if form == "written anew" else sent == stored


def test_references_need_a_store() -> None:
    app = serving("hello")
    unstored = whole(app, store=False)["output"][0]["id"]
    error = respond(app, [USER, {"type": "item_reference", "id": unstored}]).json()["error"]
    assert (error["param"], error["code"]) == ("input[1].id", "item_not_found")


def test_a_stored_reference_is_its_item() -> None:
    """Whatever else the reference has, and whatever other items have its id."""
    app = serving("hello")
    item = whole(app)["output"][0]
    again = [USER, {"type": "item_reference", "id": item["id"], "role": "user"}, {**USER, "id": item["id"]}]
    listed = send(app, "GET", f"/v1/responses/{whole(app, again)['id']}/input_items?order=asc").json()["data"]
    assert [one["type"] for one in listed] == ["message"] * 3
    assert listed[1] == item
    assert listed[2]["content"][0]["text"] == "hi"


def test_ids_of_listed_items_differ() -> None:
    app = serving("hello")
    name = whole(app, [{**USER, "id": "m"}, {**USER, "id": "m", "content": "more"}])["id"]
    listed = send(app, "GET", f"/v1/responses/{name}/input_items?order=asc&limit=1").json()
    assert (listed["last_id"], listed["has_more"]) == ("m", True)
    rest = send(app, "GET", f"/v1/responses/{name}/input_items?order=asc&after=m").json()
    assert [item["content"][0]["text"] for item in rest["data"]] == ["more"]


def test_a_patch_that_failed() -> None:
    """Its output has no text but its status."""
    engine = scripted(says("x"))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    patch = {"type": "apply_patch_call", "call_id": "a", "operation": {"type": "delete_file", "path": "x"}}
    failed = {"type": "apply_patch_call_output", "call_id": "a", "status": "failed", "output": None}
    whole(app, [USER, patch, failed])
    assert "failed" in engine.prompts[0]


def test_reasoning_in_several_items() -> None:
    """They are one turn, and those without text are none."""
    engine = scripted(says("x"))
    app = create_app(engine)
    summary = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "one"}], "encrypted_content": None}
    content = {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "two"}]}
    answer = {"role": "assistant", "content": "hello"}
    joined = {**content, "content": [{"type": "reasoning_text", "text": "one\ntwo"}]}
    empty: dict[str, Any] = {"type": "reasoning", "summary": [], "content": None, "status": None}
    whole(app, [USER, summary, empty, content, answer, USER])
    whole(app, [USER, joined, answer, USER])
    assert engine.prompts[0] == engine.prompts[1]


def test_a_tool_that_is_added_again() -> None:
    """The last definition counts; that of the request counts most."""
    engine = scripted(says("x", finish="length"))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    added = {"type": "additional_tools", "role": "developer", "tools": [{**ADD, "description": "old"}]}
    found = {"type": "tool_search_output", "call_id": "a", "tools": [{**ADD, "description": "new"}]}
    searched = {"type": "tool_search_call", "call_id": "a", "arguments": {"query": "x"}}
    assert respond(app, [added, USER, searched, found]).status_code == 200
    assert "new" in engine.prompts[0] and "old" not in engine.prompts[0]
    assert respond(app, [added, USER], tools=[{**ADD, "description": "own"}]).status_code == 200
    assert "own" in engine.prompts[1] and "old" not in engine.prompts[1]
    error = respond(app, tools=[ADD, ADD]).json()["error"]
    assert error["param"] == "tools[1].name"


HOSTILE: dict[str, list[Any]] = {
    "many empty items": [{"type": "reasoning", "summary": []}] * 3000 + [USER],
    "an id of a megabyte": [{**USER, "id": "x" * 500_000}],
    "an odd id": [{**USER, "id": "'; DROP TABLE responses; --\x00\u2028é"}],
    "large numbers": [{**USER, "more": 2**70, "less": -(2**64), "much": 1e308}],
    "objects within objects": [{**USER, "more": json.loads("[" * 200 + "]" * 200)}],
}


@pytest.mark.parametrize("case", HOSTILE, ids=str)
def test_what_no_sdk_sends(case: str) -> None:
    """It is answered, stored and continued like anything else."""
    app = serving("hello")
    name = whole(app, HOSTILE[case])["id"]
    assert send(app, "GET", f"/v1/responses/{name}/input_items").status_code == 200
    assert respond(app, previous_response_id=name).status_code == 200


FIELDS = [
    "input",
    "instructions",
    "previous_response_id",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "structured_outputs",
    "max_output_tokens",
    "max_tool_calls",
    "stream",
    "store",
    "include",
    "top_logprobs",
    "metadata",
    "user",
    "safety_identifier",
    "prompt_cache_key",
    "service_tier",
    "truncation",
    "max_reasoning_tokens",
    "tool_call_streaming",
    "background",
    "conversation",
    "prompt",
    "temperature",
    "top_p",
    "seed",
    "stop",
    "logit_bias",
]
ODD: list[Any] = [0, -1, 2**70, 1.5, True, False, "", "x", [], [None], [[]], [{}], {}, {"type": None}, {"type": []}]


@pytest.mark.parametrize("field", FIELDS)
def test_wrong_types_are_told(field: str) -> None:
    """Whatever a field has, the request works, or an error says which field it was."""
    app = serving("x")
    for value in ODD:
        response = respond(app, **{"input": "hi", field: value})
        assert response.status_code in (200, 400), (value, response.text)
        if response.status_code == 400:
            param = response.json()["error"]["param"]
            assert param is not None and param.startswith(field), (value, response.text)


ITEM_FIELDS: dict[str, dict[str, Any]] = {
    "message": {"role": "user", "content": "x"},
    "function_call": {"call_id": "a", "name": "f", "arguments": "{}"},
    "custom_tool_call": {"call_id": "a", "name": "f", "input": "x"},
    "function_call_output": {"call_id": "c", "output": "x"},
    "reasoning": {"summary": [], "content": [], "encrypted_content": None},
    "item_reference": {"id": "x"},
    "additional_tools": {"role": "developer", "tools": [ADD]},
    "tool_search_output": {"call_id": "c", "tools": [ADD]},
    "local_shell_call": {"call_id": "a", "action": {"type": "exec", "command": ["x"], "env": {}}},
    "shell_call": {"call_id": "a", "action": {"commands": ["x"]}},
    "apply_patch_call": {"call_id": "a", "operation": {"type": "delete_file", "path": "x"}},
    "tool_search_call": {"call_id": "a", "arguments": NUMBER},
    "shell_call_output": {"call_id": "c", "output": []},
}
BEFORE = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}


@pytest.mark.parametrize("kind", ITEM_FIELDS, ids=str)
def test_wrong_types_within_items_are_told(kind: str) -> None:
    app = serving("x")
    for field in (*ITEM_FIELDS[kind], "id", "status"):
        for value in ODD:
            item = {"type": kind, **ITEM_FIELDS[kind], field: value}
            response = respond(app, [USER, BEFORE, item])
            assert response.status_code in (200, 400), (item, response.text)
            if response.status_code == 400:
                assert response.json()["error"]["param"].startswith("input[2]"), (item, response.text)
