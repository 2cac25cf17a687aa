"""`tool_choice` in every form: what the model may call then, and what an error names."""

from __future__ import annotations

from typing import Any

import pytest

from latticework import Settings, create_app
from tests.http import send
from tests.latticework.doors.responses.responding import ADD, RUN, respond, scripted, serving
from tests.latticework.doors.responses.test_tools import call
from tests.scripted import says
from tests.turngrammar.laws import generates

SPACES = [
    {"type": "namespace", "name": "a", "description": "A.", "tools": [ADD, RUN]},
    {"type": "namespace", "name": "b", "description": "B.", "tools": [ADD]},
]
TOOLS: list[Any] = [ADD, RUN, *SPACES, {"type": "local_shell"}, {"type": "web_search"}]
CALLS = {
    "add": call("add", n=1),
    "run": call("run", input="x"),
    "a__add": call("a__add", n=1),
    "a__run": call("a__run", input="x"),
    "b__add": call("b__add", n=1),
    "local_shell": call("local_shell", command=["ls"]),
}
# The choice, the tools that may be called, and whether text may be the answer.
MEANT: dict[str, tuple[Any, set[str], bool]] = {
    "none": ("none", set(), True),
    "auto": ("auto", set(CALLS), True),
    "null": (None, set(CALLS), True),
    "required": ("required", set(CALLS), False),
    "a function, in any namespace": ({"type": "function", "name": "add"}, {"add", "a__add", "b__add"}, False),
    "a function of one": ({"type": "function", "name": "add", "namespace": "b"}, {"b__add"}, False),
    "by its long name": ({"type": "function", "name": "a__add"}, {"a__add"}, False),
    "a custom tool": ({"type": "custom", "name": "run", "namespace": "a"}, {"a__run"}, False),
    "one that the client runs": ({"type": "local_shell"}, {"local_shell"}, False),
    "a namespace": ({"type": "namespace", "name": "a"}, {"a__add", "a__run"}, False),
    "allowed": (
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "namespace", "name": "b"}, RUN]},
        {"run", "a__run", "b__add"},
        True,
    ),
    "allowed and required": (
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "local_shell"}]},
        {"local_shell"},
        False,
    ),
    "allowed beside one that this server lacks": (
        {"type": "allowed_tools", "mode": "required", "tools": [{"type": "web_search"}, {"type": "local_shell"}]},
        {"local_shell"},
        False,
    ),
}


@pytest.mark.parametrize("choice", MEANT, ids=str)
def test_what_may_be_called(choice: str) -> None:
    given, names, text = MEANT[choice]
    assert _enforced(given) == (names, text)


def _enforced(choice: Any) -> tuple[set[str], bool]:
    """The tools whose calls fit the grammar, and whether it leaves room for text."""
    engine = scripted(says("x", finish="length"))
    app = create_app(engine, settings=Settings(compile_timeout=60))
    body = {"model": "scripted", "input": "hi", "tools": TOOLS, "tool_choice": choice}
    assert send(app, "POST", "/v1/responses", json=body).status_code == 200
    grammar = engine.asked[0].grammar
    if grammar is None:
        return set(), True
    return {name for name, text in CALLS.items() if generates(grammar, text)}, generates(grammar, "Hello there.")


WRONG: dict[str, tuple[Any, str]] = {
    "an unknown mode": ({"type": "allowed_tools", "mode": "wrong", "tools": [ADD]}, "tool_choice.mode"),
    "no allowed tool": ({"type": "allowed_tools", "mode": "auto", "tools": []}, "tool_choice.tools"),
    "the form of chats": ({"type": "function", "function": {"name": "add"}}, "tool_choice.name"),
    "that form among allowed ones": (
        {"type": "allowed_tools", "mode": "auto", "tools": [RUN, {"type": "function"}]},
        "tool_choice.tools[1].name",
    ),
    "no type": ({"name": "add"}, "tool_choice.type"),
    "a tool that this server lacks": ({"type": "mcp", "server_label": "x"}, "tool_choice"),
    "only such a tool": (
        {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]},
        "tool_choice.tools[0]",
    ),
    "an unknown namespace": ({"type": "namespace", "name": "c"}, "tool_choice"),
    "a word": ("any", "tool_choice"),
    "a number": (5, "tool_choice"),
    "a list": ([], "tool_choice"),
}


@pytest.mark.parametrize("choice", WRONG, ids=str)
def test_the_error_names_the_choice(choice: str) -> None:
    given, param = WRONG[choice]
    response = respond(serving("x"), tools=TOOLS, tool_choice=given)
    assert (response.status_code, response.json()["error"]["param"]) == (400, param), response.text


def test_what_is_left_out_is_named() -> None:
    choice = {
        "type": "allowed_tools",
        "mode": "auto",
        "tools": [{"type": "web_search"}, {"type": "function", "name": "add"}],
    }
    response = respond(serving("x"), tools=[ADD, {"type": "web_search"}], tool_choice=choice)
    assert response.headers["x-latticework-ignored"] == "tools[1], tool_choice.tools[0]"


def test_required_needs_a_tool_to_call() -> None:
    for tools in ([], [{"type": "web_search"}]):
        error = respond(serving("x"), tools=tools, tool_choice="required").json()["error"]
        assert error["param"] == "tool_choice"
