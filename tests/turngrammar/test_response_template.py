"""A checkpoint's response_template, read into a format. What the examples say is what transformers' own say."""

from __future__ import annotations

from typing import Any

import pytest

from tests.turngrammar.laws import read
from turngrammar.formats import FORMATS
from turngrammar.formats.inferred import Unclear
from turngrammar.formats.response_template import read_response_template
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import Tool, Turn

THINKING = {"open": "<think>", "close": "</think>", "content": "text"}
JSON_IN_TAGS = {
    "open_pattern": r"\s*<tool_call>",
    "close": "</tool_call>",
    "repeats": True,
    "content": "json",
    "transform": {"type": "function", "function": "{content}"},
}
OTHER_KEYS = {
    "open": "<|call|>",
    "close": "<|end|>",
    "content": "json",
    "transform": {"function": {"name": "{content.tool_name}", "arguments": "{content.parameters}"}},
}
XML = {
    "open_pattern": r"\s*<tool_call>\s*<function=(?P<name>[^>\n]+)>",
    "close_pattern": r"</function>\s*</tool_call>",
    "repeats": True,
    "content": "xml-inline",
    "content_args": {"tag_pattern": r"<parameter=(?P<key>[^>\n]+)>\s*(?P<value>.*?)\s*</parameter>"},
    "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
}
QUOTED = {
    "open_pattern": r"<\|tool_call>call:(?P<name>\w+)",
    "close": "<tool_call|>",
    "repeats": True,
    "content": "json",
    "content_args": {"unquoted_keys": True, "string_delims": [['<|"|>', '<|"|>']]},
    "transform": {"type": "function", "function": {"name": "{name}", "arguments": "{content}"}},
}
CALLS = [Call("find", '{"city": "Oslo", "days": 3}'), Call("now", "{}")]


def spec(field: dict[str, Any]) -> dict[str, Any]:
    return {"start_anchor": "<|im_start|>assistant\n", "fields": {"thinking": THINKING, "tool_calls": field}}


@pytest.mark.parametrize(
    ("field", "text"),
    [
        (JSON_IN_TAGS, '<tool_call>{"name": "find", "arguments": {"city": "Oslo", "days": 3}}</tool_call>'),
        (OTHER_KEYS, '<|call|>{"tool_name": "find", "parameters": {"city": "Oslo", "days": 3}}<|end|>'),
        (
            XML,
            "<tool_call><function=find><parameter=city>Oslo</parameter><parameter=days>3</parameter>"
            "</function></tool_call>",
        ),
        (QUOTED, '<|tool_call>call:find{city:<|"|>Oslo<|"|>,days:3}<tool_call|>'),
    ],
    ids=["JSON", "other keys", "XML", "other quotes"],
)
def test_a_call_has_the_form_of_the_template(field: dict[str, Any], text: str) -> None:
    format = read_response_template(spec(field))
    assert render(format, CALLS[:1]) == text
    message = read(compile_turn(Turn(format, (Tool("find"), Tool("now")))), text)
    assert message.calls == CALLS[:1]
    assert format.reasoning
    assert (format.reasoning.open, format.reasoning.close) == ("<think>", "</think>")


def test_what_the_family_has_a_constant_for_is_read_alike() -> None:
    """Hermes writes line breaks that its response template merely allows; they are read all the same."""
    format = read_response_template(spec(JSON_IN_TAGS))
    message = read(compile_turn(Turn(format, (Tool("find"), Tool("now")))), render(FORMATS["hermes"], CALLS))
    assert message.calls == CALLS


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ({}, "opens and closes"),
        ({**JSON_IN_TAGS, "transform": None}, "how calls are written"),
        ({**JSON_IN_TAGS, "close": None}, "opens and closes"),
        ({**JSON_IN_TAGS, "open_pattern": "<(a|b)>"}, "more than literals"),
        ({**JSON_IN_TAGS, "open_pattern": "(?P<other>x)"}, "more than literals"),
        ({**JSON_IN_TAGS, "content_args": {"unquoted_keys": True}}, "place of the name"),
        ({**OTHER_KEYS, "transform": {"function": {"name": "{content.a.b}", "arguments": "{content.c}"}}}, "name"),
        ({**XML, "content": "kv-lines"}, "kv-lines"),
        ({**XML, "content_args": {}}, "how an argument"),
        ({**XML, "content_args": {"tag_pattern": "(?P<key>x)(?P<value>y)"}}, "an argument has an unsupported form"),
        ({**QUOTED, "content_args": {"string_delims": [["<", ">"]]}}, "notation"),
    ],
)
def test_an_unsupported_template_is_reported(field: dict[str, Any], reason: str) -> None:
    with pytest.raises(Unclear, match=reason):
        read_response_template(spec(field))
