"""Names of tools, in every wire format: what it can carry is generated and read back, all else is refused by name."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.turngrammar.laws import chunkings, generates, placed, read
from turngrammar.errors import InvalidTools
from turngrammar.formats import FORMATS
from turngrammar.names import unwritable
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Tool, Turn

# What MCP servers and gateways send (SEP-986 allows letters, digits, `_`, `-`, `.` and `/`), and what no one should.
EVERYWHERE = (
    "files.read",
    "github/issues/list",
    "a/b_c-d.e",
    "größe",
    "天気",
    "a😀b",
    "x" * 256,
    "é/" * 128,
    "a#b@c+d%e,f;g",
)
SOMEWHERE = (
    "mcp:search",
    "get weather",
    "a(b)",
    "Page[User]",
    "a{b}",
    "a<b>",
    "a&b='c'",
    'say"so"',
    "a\\b",
    "a>>>b",
    "a<|b|>",
)
NOWHERE = ("", " a", "a\n", "a\nb", "a\x7fb", "a\u2028b", "y" * 257)
NAMES = (*EVERYWHERE, *SOMEWHERE)

# The formats in which a character ends the name, and can't be a part of it.
KEYED = {"glm45", "glm47", "ling3", "iquest", "hy4", "k2_horizon", "longcat2"}
ENDS: dict[str, set[str]] = {
    ":": {"kimi_k2"},
    " ": {"deepseek_v3", "harmony", *KEYED},
    "(": {"pythonic", "olmo3", "lfm2"},
    "[": {"mistral_v11"},
    "{": {"gemma4", "functiongemma"},
    "<": {"deepseek_v31", "harmony", *KEYED, "hy3", "muse_glimmer", "inkling", "solar_open", "plamo3"},
    ">": {"qwen3_coder", "seed_oss", "functionary"},
    "/": set(),
    ".": set(),
    "'": set(),
    "=": set(),
}


def turn(format: str, *names: str, **fields: Any) -> Turn:
    return Turn(FORMATS[format], placed(*(Tool(name) for name in names)), **fields)


@pytest.mark.parametrize("format", FORMATS)
def test_a_name_is_generated_and_read_back_at_any_chunking(format: str) -> None:
    carried = [name for name in NAMES if unwritable(name, FORMATS[format], {}) is None]
    plan = compile_turn(turn(format, "a", *carried, "b"))
    assert plan.grammar is not None
    rng = random.Random(1)
    for name in carried:
        calls = [Call(name, "{}")]
        text = render(FORMATS[format], calls)
        assert generates(plan.grammar, text), name
        for pieces in chunkings(text, rng):
            message = read(plan, pieces)
            assert [(call.name, call.arguments) for call in message.calls] == [(name, "{}")], pieces
            assert (message.content, message.malformed, message.ended) == ("", [], [0]), pieces


@pytest.mark.parametrize("character", ENDS)
def test_which_formats_refuse_a_character(character: str) -> None:
    name = f"a{character}b"
    assert {format for format in FORMATS if unwritable(name, FORMATS[format], {})} == ENDS[character]


@pytest.mark.parametrize("format", FORMATS)
def test_quotes_and_backslashes_are_refused_where_they_would_be_escaped(format: str) -> None:
    sample = render(FORMATS[format], [Call("name_of_it", "{}")])
    quoted = '"name_of_it"' in sample
    attribute = '="name_of_it"' in sample
    assert (unwritable('a"b', FORMATS[format], {}) is not None) == quoted
    assert (unwritable("a\\b", FORMATS[format], {}) is not None) == (quoted and not attribute)


@pytest.mark.parametrize("format", [format for format in FORMATS if FORMATS[format].alone])
def test_text_does_not_begin_as_a_call_of_that_name(format: str) -> None:
    plan = compile_turn(turn(format, "github/issues"))
    call = render(FORMATS[format], [Call("github/issues", "{}")])
    begun = call[: call.rindex("{}") + 1] if "{}" in call else call[: call.index("(") + 1]
    assert plan.grammar is not None
    assert generates(plan.grammar, call)
    assert not generates(plan.grammar, f"{begun}?!")


@pytest.mark.parametrize("name", ["github/issues", "größe", "a😀b", "a{b}"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_document_may_be_in_the_place_of_the_call(format: str, name: str) -> None:
    if unwritable(name, FORMATS[format], {}):
        return
    schema = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    plan = compile_turn(turn(format, name, content=JsonContent({**schema, "additionalProperties": False})))
    text = render(FORMATS[format], [Call(name, "{}")])
    assert plan.grammar is not None
    assert generates(plan.grammar, text)
    assert [call.name for call in read(plan, list(text)).calls] == [name]


def test_the_error_names_tool_place_format_and_character() -> None:
    with pytest.raises(InvalidTools) as raised:
        compile_turn(turn("pythonic", "a", "b(c)"))
    assert raised.value.pointer == "/tools/1/name"
    problem = "The wire format pythonic can't write '(' in the name of a tool. Rename the tool."
    assert raised.value.message == f"Tool 'b(c)', /tools/1/name: {problem}"


def test_such_a_tool_can_be_left_out() -> None:
    plan = compile_turn(turn("pythonic", "a", "b(c)", "y" * 257, skips_bad_tools=True))
    assert [error.tool for error in plan.skipped] == ["b(c)", "y" * 257]
    assert [tool.name for tool in plan.tools] == ["a"]


def test_a_special_token_of_the_format_is_no_part_of_a_name() -> None:
    hermes = FORMATS["hermes"]
    assert unwritable("a</tool_call>b", hermes, {}) is None
    why = unwritable("a</tool_call>b", hermes, {"</tool_call>": 7, "<|end|>": 8})
    assert why == "The name contains '</tool_call>', which is markup of the wire format hermes."
    assert unwritable("a<|end|>b", hermes, {"</tool_call>": 7, "<|end|>": 8}) is None


def test_a_name_that_another_begins_with_is_told_apart() -> None:
    names = ["a", "a/b", "a/b c", "a/b c/d", "a/b_c"]
    plan = compile_turn(turn("hermes", *names))
    for name in names:
        text = render(FORMATS["hermes"], [Call(name, "{}"), Call("a", "{}")])
        for pieces in chunkings(text, random.Random(2)):
            assert [call.name for call in read(plan, pieces).calls] == [name, "a"]


@pytest.mark.parametrize("name", EVERYWHERE)
def test_what_gateways_send_is_a_name_in_every_format(name: str) -> None:
    assert [why for format in FORMATS.values() if (why := unwritable(name, format, {}))] == []


@pytest.mark.parametrize("name", NOWHERE)
def test_what_no_format_carries(name: str) -> None:
    assert all(unwritable(name, format, {}) for format in FORMATS.values())
