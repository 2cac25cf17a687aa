"""Tools that can't be compiled fail a request of `/v1/messages`, or are left out and named."""

from __future__ import annotations

from latticework import Settings, create_app
from tests.latticework.doors.messages.messaging import ADD, post, scripted, whole
from tests.scripted import says

IMPOSSIBLE = {
    "name": "odd",
    "description": "No number.",
    "input_schema": {
        "type": "object",
        "properties": {"n": {"type": "integer", "minimum": 3, "maximum": 2}},
        "required": ["n"],
    },
}
CALL = '<tool_call>\n{"name": "add", "arguments": {"n": 12}}\n</tool_call>'


def test_a_bad_tool_is_left_out_of_grammar_and_prompt() -> None:
    engine = scripted(says(CALL))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    message = whole(app, tools=[ADD, IMPOSSIBLE], on_bad_tool="skip")
    assert [(block["name"], block["input"]) for block in message["content"]] == [("add", {"n": 12})]
    assert [(one["code"], one["tool"]) for one in message["warnings"]] == [("skipped_tool", "odd")]
    assert "Adds." in engine.prompts[-1]
    assert "No number." not in engine.prompts[-1]
    counted = post(app, path="/v1/messages/count_tokens", max_tokens=..., tools=[ADD, IMPOSSIBLE], on_bad_tool="skip")
    assert counted.json() == {"input_tokens": message["usage"]["input_tokens"]}


def test_a_bad_tool_fails_a_request() -> None:
    app = create_app(scripted(says(CALL)), settings=Settings(compile_timeout=60))
    for response in (
        post(app, tools=[ADD, IMPOSSIBLE]),
        post(app, tools=[ADD, IMPOSSIBLE], on_bad_tool="error"),
    ):
        assert response.status_code == 400
        assert response.json()["error"]["details"]["param"] == "tools[1].input_schema.properties.n"
