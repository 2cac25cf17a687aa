"""Turns with hundreds of tools: each compiles exactly, and calls of any of them are generated, read and fit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from llguidance import LLMatcher

from tests.turngrammar.laws import BYTE_SPECIALS, BYTES, placed, read
from turngrammar.completion.shortest_values import ShortestValues
from turngrammar.formats import FORMATS
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Mode, Tool, ToolChoice, Turn

SIZES = (128, 250, 512)
# JSON in tags, JSON without, elements, wrapped strings, Python, a notation, numbered calls.
NAMES = ("hermes", "llama3", "qwen3_coder", "minimax_m3", "minicpm5", "pythonic", "gemma4", "kimi_k2")


def parameters(number: int) -> Mapping[str, Any]:
    """Each is another text; some have the same names, and some are the beginnings of others."""
    return {
        "type": "object",
        "properties": {
            "path": {"type": "string", "description": f"Of tool {number}"},
            f"mode_{number % 7}": {"enum": ["read", "write", f"mode {number}"]},
            "edits": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"old": {"type": "string"}, "count": {"type": "integer", "minimum": number}},
                    "required": ["old", "count"],
                },
                "minItems": 1,
            },
            "limit": {"type": ["integer", "null"]},
        },
        "required": ["path", f"mode_{number % 7}", "edits"][: 1 + number % 3],
    }


def tools(size: int) -> tuple[Tool, ...]:
    return placed(*(Tool(f"tool_{number}", "", parameters(number)) for number in range(size)))


def planned(name: str, size: int, mode: Mode = "required", special: Mapping[str, int] = BYTE_SPECIALS) -> Plan:
    return compile_turn(Turn(FORMATS[name], tools(size), ToolChoice(mode), special_tokens=special))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_a_call_of_any_of_them_is_generated_read_and_fits(name: str, size: int) -> None:
    plan = planned(name, size)
    assert plan.exact
    assert plan.grammar is not None
    whole = LLMatcher(BYTES, plan.grammar, log_level=0)
    assert not whole.is_error(), whole.get_error()
    for tool in (plan.tools[0], plan.tools[size // 2], plan.tools[-1]):
        shortest = ShortestValues(tool.parameters.lowered).of(tool.parameters.lowered)
        assert shortest is not None
        text = render(FORMATS[name], [Call(tool.name, shortest.text)])
        matcher = whole.deep_copy()
        tokens = BYTES.tokenize_str(text)
        assert matcher.try_consume_tokens(tokens) == len(tokens)
        assert matcher.is_accepting()
        (call,) = read(plan, text).calls
        assert call.name == tool.name
        assert json.loads(call.arguments) == json.loads(shortest.text)
        assert plan.violations(None, [call]) == ()


def test_the_grammar_grows_with_the_tools_and_has_each_of_them_once() -> None:
    """A turn has calls behind text, first and further ones: all are the same alternatives."""
    special = {"<tool_call>": 256, "</tool_call>": 257}
    few, many = (planned("hermes", size, "auto", special).grammar or "" for size in (64, 512))
    assert many.count('\\"tool_500\\"') == 1
    assert len(many) < 9 * len(few)


def test_another_tool_costs_its_own_schema() -> None:
    """The others come from the cache, whatever their number."""
    before = planned("hermes", 128)
    after = planned("hermes", 129)
    assert all(one.parameters is other.parameters for one, other in zip(before.tools, after.tools, strict=False))
