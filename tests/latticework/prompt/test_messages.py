"""Messages, adapted to templates with different capabilities."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from latticework.prompt import adapt_messages
from latticework.prompt.capabilities import CallShape, Capabilities, Message
from latticework.prompt.messages import Adaptation
from latticework.prompt.tool_messages import arguments_json, arguments_object, arguments_text
from turngrammar.formats import HERMES

PLAIN = Capabilities(
    tool_input=None,
    no_tools=None,
    calls=CallShape("object"),
    tool_role=True,
    system="anywhere",
    alternating=False,
    empty_answer="",
    content_parts=False,
    reasoning_key="reasoning_content",
    reasoning_with_text=True,
)


def said(role: str, content: Any, **more: Any) -> Message:
    return {"role": role, "content": content, **more}


def call(identity: str, arguments: Any = "{}", name: str = "f") -> Message:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*listed: Message, content: str | None = "") -> Message:
    return said("assistant", content, tool_calls=list(listed))


def result(identity: str, content: str, **more: Any) -> Message:
    return said("tool", content, tool_call_id=identity, **more)


def shaped(*listed: Message, content: str | None = "") -> Message:
    return calls(*[call(c["id"], {}, c["function"]["name"]) for c in listed], content=content)


S, T = said("system", "s"), said("system", "t")
U, V, A = said("user", "u"), said("user", "v"), said("assistant", "a")
HERMES_CALL = '<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>'

CASES: dict[str, tuple[Capabilities, list[Message], list[Message]]] = {
    "nothing to do": (PLAIN, [S, T, U, A, T, V], [S, T, U, A, T, V]),
    "developer": (PLAIN, [said("developer", "s")], [S]),
    "nulls": (PLAIN, [said("assistant", None, refusal=None, tool_calls=[])], [said("assistant", "")]),
    "no content": (PLAIN, [{"role": "user"}], [said("user", "")]),
    "parts": (
        PLAIN,
        [said("user", [{"type": "text", "text": "u"}, {"type": "refusal", "refusal": "v"}])],
        [said("user", "u\nv")],
    ),
    "parts that the template joins": (
        replace(PLAIN, content_parts=True),
        [said("user", [{"type": "text", "text": "u", "cache_control": {}}])],
        [said("user", [{"type": "text", "text": "u"}])],
    ),
    "one system message": (
        replace(PLAIN, system="first"),
        [S, T, U, A, S],
        [said("system", "s\n\nt"), U, A, said("user", "<system>\ns\n</system>")],
    ),
    "system alone": (replace(PLAIN, system="first"), [S], [said("user", "s")]),
    "system while the user speaks last": (replace(PLAIN, system="last"), [S, U, A, V], [S, U, A, V]),
    "system while a tool does": (
        replace(PLAIN, system="last"),
        [S, U, A, V, calls(call("x")), result("x", "r")],
        [U, A, said("user", "s\n\nv"), shaped(call("x")), result("x", "r", name="f")],
    ),
    "no system": (replace(PLAIN, system="never"), [S, U, A], [said("user", "s\n\nu"), A]),
    "no system, no user": (replace(PLAIN, system="never"), [S, A], [said("user", "s"), A]),
    "alternation": (
        replace(PLAIN, alternating=True),
        [U, V, A, A],
        [said("user", "u\n\nv"), said("assistant", "a\n\na")],
    ),
    "alternation after a result": (
        replace(PLAIN, alternating=True),
        [U, calls(call("x")), result("x", "r"), V],
        [U, shaped(call("x")), result("x", "r", name="f"), said("assistant", ""), V],
    ),
    "empty answer": (replace(PLAIN, empty_answer=" "), [U, said("assistant", None)], [U, said("assistant", " ")]),
    "results in the order of calls": (
        PLAIN,
        [calls(call("x"), call("y", name="g")), result("y", "2"), result("x", "1"), result("z", "3")],
        [
            shaped(call("x"), call("y", name="g")),
            result("x", "1", name="f"),
            result("y", "2", name="g"),
            result("z", "3"),
        ],
    ),
    "one call at a time": (
        replace(PLAIN, calls=CallShape("object", parallel=False)),
        [calls(call("x"), call("y"), content="a"), result("x", "1"), result("y", "2"), U],
        [
            shaped(call("x"), content="a"),
            result("x", "1", name="f"),
            shaped(call("y")),
            result("y", "2", name="f"),
            U,
        ],
    ),
    "one call at a time, results missing": (
        replace(PLAIN, calls=CallShape("object", parallel=False)),
        [calls(call("x"), call("y"), call("z")), result("x", "1")],
        [shaped(call("x")), result("x", "1", name="f"), shaped(call("y")), shaped(call("z"))],
    ),
    "short ids": (
        replace(PLAIN, calls=CallShape("object", short_ids=True)),
        [calls(call("x"), call("abcdefgh9")), result("x", "1"), result("abcdefgh9", "2")],
        [
            shaped(call("2d711642b"), call("abcdefgh9")),
            result("2d711642b", "1", name="f"),
            result("abcdefgh9", "2", name="f"),
        ],
    ),
    "arguments as text": (
        replace(PLAIN, calls=CallShape("string", empty_content=None)),
        [calls(call("x", ""), call("y", "oops")), calls(call("z", "[1]"), content="a")],
        [calls(call("x", "{}"), call("y", "oops"), content=None), calls(call("z", "[1]"), content="a")],
    ),
    "calls written out": (
        replace(PLAIN, calls=None, tool_role=False),
        [U, calls(call("x"), content="a"), result("x", "1"), result("x", "2"), V],
        [
            U,
            said("assistant", f"a\n{HERMES_CALL}"),
            said("user", "<tool_response>\n1\n</tool_response>\n<tool_response>\n2\n</tool_response>"),
            V,
        ],
    ),
    "calls written out beside text": (
        replace(PLAIN, calls=CallShape("object", with_text=False)),
        [calls(call("x"), content="a"), calls(call("x"))],
        [said("assistant", f"a\n{HERMES_CALL}"), shaped(call("x"))],
    ),
    "reasoning": (
        replace(PLAIN, reasoning_key="thinking"),
        [said("assistant", "a", reasoning="r"), said("assistant", "a", reasoning_content="r", reasoning="r")],
        [said("assistant", "a", thinking="r")] * 2,
    ),
    "reasoning or text": (
        replace(PLAIN, reasoning_with_text=False),
        [calls(call("x"), content="a") | {"reasoning": "r"}, A | {"reasoning": "r"}],
        [shaped(call("x"), content="r\n\na"), A | {"reasoning_content": "r"}],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_adapt(case: str) -> None:
    capabilities, given, expected = CASES[case]
    before = copy.deepcopy(given)
    assert adapt_messages(given, Adaptation(capabilities, HERMES)) == expected
    assert given == before


ADDED: dict[str, tuple[list[Message], list[Message]]] = {
    "anywhere": ([S, T, U], [said("system", "s\n\nadded"), T, U]),
    "first": ([U], [said("system", "added"), U]),
    "last": ([S, U], [said("system", "s\n\nadded"), U]),
    "never": ([U], [said("user", "added\n\nu")]),
}


@pytest.mark.parametrize("position", ADDED)
def test_the_position_of_the_system_text(position: Any) -> None:
    given, expected = ADDED[position]
    assert adapt_messages(given, Adaptation(replace(PLAIN, system=position), HERMES, "added")) == expected


ARGUMENTS: list[tuple[Any, Any, str, str]] = [
    # given, as an object, as a string, as JSON
    ('{"a":1.50}', {"a": 1.5}, '{"a":1.50}', '{"a":1.50}'),
    ("", {}, "{}", "{}"),
    ({"a": "é"}, {"a": "é"}, '{"a": "é"}', '{"a": "é"}'),
    ("oops", {"invalid_arguments": "oops"}, "oops", '{"invalid_arguments": "oops"}'),
    ("[1]", {"invalid_arguments": "[1]"}, "[1]", '{"invalid_arguments": "[1]"}'),
    ('{"a": NaN}', {"invalid_arguments": '{"a": NaN}'}, '{"a": NaN}', '{"invalid_arguments": "{\\"a\\": NaN}"}'),
]


@pytest.mark.parametrize(("given", "mapping", "string", "text"), ARGUMENTS)
def test_arguments(given: Any, mapping: Any, string: str, text: str) -> None:
    assert (arguments_object(given), arguments_text(given), arguments_json(given)) == (mapping, string, text)


@pytest.mark.parametrize("given", ['{"a": "\\udc00"}', "[" * 100_000, '{"a": ' + "1" * 5_000 + "}"])
def test_arguments_that_no_prompt_can_hold(given: str) -> None:
    assert arguments_object(given) == {"invalid_arguments": given}
