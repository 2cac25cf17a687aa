"""A turn that skips bad tools has the plan of a turn without them, and the errors that it would else have raised."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from tests.turngrammar.laws import placed
from turngrammar.errors import GrammarError
from turngrammar.formats import FORMATS, HERMES
from turngrammar.plan import Plan, compile_turn
from turngrammar.turn import JsonContent, TextInput, Tool, ToolChoice, Turn

GOOD = (Tool("one"), Tool("two", parameters={"properties": {"a": {"type": "integer"}}}))
BAD = (
    Tool("impossible", parameters={"properties": {"a": False}, "required": ["a"]}),
    Tool("invalid", parameters={"properties": {"a": {"type": "strng"}}}),
    Tool("no_object", parameters={"type": "array"}),
    Tool("no_regex", input=TextInput("regex", "(")),
    Tool("no_lark", input=TextInput("lark", "start: x")),
    Tool("no\nname"),
)
UNWRITABLE = Tool("unwritable", parameters={"properties": {"a>\n": {}}})


def skipping(*tools: Tool, **fields: Any) -> Plan:
    return compile_turn(Turn(fields.pop("format", HERMES), placed(*tools), skips_bad_tools=True, **fields))


@pytest.mark.parametrize("bad", BAD, ids=lambda tool: tool.name)
@pytest.mark.parametrize("place", [0, 1, 2])
def test_the_plan_is_that_without_the_tool_and_has_its_error(bad: Tool, place: int) -> None:
    tools = (*GOOD[:place], bad, *GOOD[place:])
    plan, without = skipping(*tools), compile_turn(Turn(HERMES, GOOD))
    assert plan.grammar == without.grammar
    assert [tool.name for tool in plan.tools] == ["one", "two"]
    with pytest.raises(GrammarError) as caught:
        compile_turn(Turn(HERMES, placed(*tools)))
    (error,) = plan.skipped
    assert (type(error), error.message, error.pointer) == (
        type(caught.value),
        caught.value.message,
        caught.value.pointer,
    )
    assert (plan.report[-1].pointer, plan.report[-1].status) == (error.pointer, "refused")


def test_all_of_them_are_skipped_in_their_order() -> None:
    plan = skipping(GOOD[0], *BAD, GOOD[1])
    assert [error.tool for error in plan.skipped] == [tool.name for tool in BAD]
    copy = pickle.loads(pickle.dumps(plan))
    assert [error.message for error in copy.skipped] == [error.message for error in plan.skipped]


def test_a_tool_that_only_this_format_cannot_write_is_skipped() -> None:
    assert not skipping(GOOD[0], UNWRITABLE).skipped
    assert [error.tool for error in skipping(GOOD[0], UNWRITABLE, format=FORMATS["qwen3_coder"]).skipped] == [
        "unwritable"
    ]


def test_a_good_turn_skips_nothing() -> None:
    assert skipping(*GOOD) == compile_turn(Turn(HERMES, placed(*GOOD)))


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": BAD[:1]},
        {"tools": BAD[:3]},
        {"tools": (*GOOD, BAD[0]), "choice": ToolChoice("required", ("impossible",))},
        {"tools": (*GOOD, BAD[0], BAD[1]), "choice": ToolChoice("auto", ("invalid", "impossible"))},
    ],
)
def test_an_error_stays_if_nothing_to_call_is_left(fields: dict[str, Any]) -> None:
    with pytest.raises(GrammarError) as caught:
        skipping(*fields.pop("tools"), **fields)
    assert caught.value.tool in {"impossible", "invalid", "no_object"}


@pytest.mark.parametrize(
    "fields",
    [
        {"content": JsonContent({"type": "strng"}, "/schema")},
        {"choice": ToolChoice("required", ("nobody",), pointer="/choice")},
        {"tools": (GOOD[0], GOOD[0])},
    ],
)
def test_errors_that_name_no_tool_stay(fields: dict[str, Any]) -> None:
    with pytest.raises(GrammarError) as caught:
        skipping(*GOOD, *fields.pop("tools", ()), **fields)
    assert not caught.value.tool


def test_the_remaining_names_may_be_called() -> None:
    plan = skipping(*GOOD, BAD[0], choice=ToolChoice("required", ("impossible", "two")))
    assert [tool.name for tool in plan.tools] == ["two"]
