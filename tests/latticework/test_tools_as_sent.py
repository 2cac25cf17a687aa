"""What clients send as a tool's `input_schema` is compiled, enforced, and written into the prompt as it is read."""

from __future__ import annotations

import json

import pytest

from latticework.prompt.system_prompt import normalized_tool
from tests.latticework.tools_as_sent import SENT_TOOLS, SentTool
from tests.turngrammar.laws import generates
from turngrammar.formats import HERMES
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.schema import compile_schema
from turngrammar.turn import Tool, ToolChoice, Turn

each = pytest.mark.parametrize("sent", SENT_TOOLS, ids=lambda sent: sent.name)


@each
def test_calls_that_fit_and_no_others_are_generated(sent: SentTool) -> None:
    tool = Tool(sent.name, parameters=sent.input_schema)
    plan = compile_turn(Turn(HERMES, (tool,), ToolChoice("required"), open_objects=True))
    assert plan.grammar is not None
    for arguments in (*sent.valid, *sent.invalid):
        call = Call(sent.name, json.dumps(arguments))
        passes = generates(plan.grammar, render(HERMES, [call])) and not plan.violations(None, [call])
        assert passes == (arguments in sent.valid), arguments


@each
def test_the_prompt_has_the_same_schema(sent: SentTool) -> None:
    """A model that reads it finds the definitions, and no null."""
    shown = normalized_tool({"type": "function", "function": {"name": sent.name, "parameters": sent.input_schema}})
    plan = compile_schema(shown["function"]["parameters"])
    assert [row.keyword for row in plan.report if "is read as" in row.reason] == []
    for arguments in sent.valid:
        assert plan.violations(arguments) == ()
    for arguments in sent.invalid:
        assert plan.violations(arguments) != ()
