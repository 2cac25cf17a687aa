"""What every call has: a text that lacks one of the pieces is not a call, in no format."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

import pytest

from tests.turngrammar.laws import sample
from tests.turngrammar.test_laws import CALLS, TOOLS, every_format
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.required_texts import GAP, Pieces, required_texts
from turngrammar.turn import Reasoning, Tool, ToolChoice, Turn


def required(format: Format, *tools: Tool, reasoning: Reasoning = "off") -> Plan:
    return compile_turn(Turn(format, tools, ToolChoice("required"), reasoning=reasoning))


def ways(plan: Plan, name: str) -> list[Pieces]:
    (tool,) = [tool for tool in plan.tools if tool.name == name]
    return required_texts(plan.tree, name, tool.parameters.lowered)


def pattern(pieces: Pieces) -> re.Pattern[str]:
    return re.compile("".join(".*" if piece is GAP else re.escape(piece) for piece in pieces), re.DOTALL)


def generated(plan: Plan) -> Iterator[str]:
    """Texts that the grammar generates."""
    assert plan.grammar is not None
    for seed in range(3):
        text, ended = sample(plan.grammar, random.Random(seed), 1500)
        if ended:
            yield text


@every_format
def test_every_call_has_them(format: Format) -> None:
    plan = required(format, *TOOLS)
    for calls in (calls for calls in CALLS if len(calls) == 1):
        try:
            text = render(format, calls)
        except ValueError:
            continue
        assert any(pattern(pieces).match(text) for pieces in ways(plan, calls[0].name)), text


@every_format
def test_whatever_is_generated_has_them(format: Format) -> None:
    plan = required(format, TOOLS[0])
    for text in generated(plan):
        assert any(pattern(pieces).match(text) for pieces in ways(plan, TOOLS[0].name)), text


@every_format
def test_they_say_what_is_called(format: Format) -> None:
    for pieces in ways(required(format, *TOOLS), "get_weather"):
        texts = [piece for piece in pieces if piece is not GAP]
        assert any("get_weather" in text for text in texts)
        assert any("city" in text for text in texts)
        assert not any("days" in text for text in texts)
        assert pieces[-1] is GAP


@pytest.mark.parametrize("reasoning", ["may", "open", "closed"])
def test_reasoning_that_has_to_end_counts(reasoning: Reasoning) -> None:
    (*_, pieces) = ways(required(FORMATS["hermes"], *TOOLS, reasoning=reasoning), "now")
    assert ("</think>" in "".join(piece or "" for piece in pieces)) == (reasoning == "open")


CHOICES = [{"type": "object", "properties": {name: {"type": "string"}}, "required": [name]} for name in ("path", "url")]


def test_each_form_of_the_arguments_has_its_own() -> None:
    plan = required(FORMATS["hermes"], Tool("open", parameters={"anyOf": CHOICES}))
    assert [[piece for piece in pieces if piece][1:] for pieces in ways(plan, "open")] == [
        ['"path": ', "}}\n</tool_call>"],
        ['"url": ', "}}\n</tool_call>"],
    ]


def test_what_has_too_many_forms_is_not_counted() -> None:
    many = {"anyOf": [{"type": "object", "required": [f"a{index}"], "properties": {f"a{index}": {}}}
                      for index in range(100)]}  # fmt: skip
    assert required_texts(required(FORMATS["hermes"], Tool("f")).tree, "f", many) == []


def test_a_call_of_no_arguments() -> None:
    plan = required(FORMATS["hermes"], *TOOLS)
    begun, ended = '<tool_call>\n{"name": "now", "arguments": {', "}}\n</tool_call>"
    assert render(FORMATS["hermes"], [Call("now", "{}")]) == begun + ended
    assert ways(plan, "now") == [(begun, GAP, ended, GAP)]
