"""The fourth reading of a wire tree: the style of a text that is known to make given calls."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turngrammar.fitting import RenderedTurn, format_as_rendered
from turngrammar.formats import FORMATS
from turngrammar.notation import PYTHON_WORDS
from turngrammar.render import Call, render

ARGUMENTS: dict[str, Any] = {"b": {"d": 1.5, "c": ["x", "é"]}, "a": True, "e": None, "f": "two\nlines"}
CALLS = (Call("find", json.dumps(ARGUMENTS, ensure_ascii=False)), Call("list_all", "{}"))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_fits_what_it_renders(name: str) -> None:
    """And then renders as before; whitespace may stand in another leaf. A format of one call a turn is shown one."""
    format = FORMATS[name]
    shown = [CALLS[:1], CALLS] if "list_all" in render(format, CALLS) else [CALLS[:1]]
    fitted = format_as_rendered(format, [RenderedTurn(render(format, calls), calls) for calls in shown])
    assert fitted
    assert [render(fitted, calls) for calls in shown] == [render(format, calls) for calls in shown]


def hermes(text: str) -> RenderedTurn:
    return RenderedTurn(text, (Call("find", '{"b": 1, "a": 2}'),))


def restyled(*texts: str) -> str | None:
    fitted = format_as_rendered(FORMATS["hermes"], [hermes(text) for text in texts])
    return None if fitted is None else fitted.lead + render(fitted, [Call("find", '{"b": [1, 2], "a": 2}')])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            '<tool_call>{"name": "find", "arguments": {"b": 1, "a": 2}}</tool_call>',
            '<tool_call>{"name": "find", "arguments": {"b": [1, 2], "a": 2}}</tool_call>',
        ),
        (
            '\n<tool_call>\n{"name":"find","arguments":{"b":1,"a":2}}\n</tool_call>',
            '\n<tool_call>\n{"name":"find","arguments":{"b":[1,2],"a":2}}\n</tool_call>',
        ),
        (
            '<tool_call>\n{"name": "find", "arguments": {"a": 2, "b": 1}}\n</tool_call>\n\n',
            '<tool_call>\n{"name": "find", "arguments": {"a": 2, "b": [1, 2]}}\n</tool_call>\n\n',
        ),
    ],
)
def test_whitespace_separators_and_order(text: str, expected: str) -> None:
    assert restyled(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "find(b=1, a=2)",
        '<tool_call>\n{"name": "lose", "arguments": {"b": 1, "a": 2}}\n</tool_call>',
        '<tool_call>\n{"name": "find", "arguments": {"b": 1, "a": 3}}\n</tool_call>',
        'So: <tool_call>\n{"name": "find", "arguments": {"b": 1, "a": 2}}\n</tool_call>',
    ],
)
def test_another_text_does_not_fit(text: str) -> None:
    assert restyled(text) is None


def test_the_first_sample_decides_and_later_ones_add() -> None:
    compact = '<tool_call>\n{"name": "find", "arguments": {"a":2}}\n</tool_call>'
    first = RenderedTurn(compact, (Call("find", '{"a": 2}'),))
    ordered = hermes(compact.replace('"a":2', '"a":2,"b":1'))
    fitted = format_as_rendered(FORMATS["hermes"], [first, ordered, hermes("no call")])
    assert fitted
    assert '{"a":[1,2],"b":1}' in render(fitted, [Call("find", '{"b": 1, "a": [1, 2]}')])
    assert format_as_rendered(FORMATS["hermes"], [hermes("no call"), first]) is None


def test_words_of_python_where_they_are_shown() -> None:
    format = FORMATS["qwen3_coder"]
    calls = (Call("find", '{"a": true, "b": null, "c": 1}'),)
    shown = render(format, calls).replace("true", "True").replace("null", "None")
    fitted = format_as_rendered(format, [RenderedTurn(shown, calls)])
    assert fitted
    assert PYTHON_WORDS[1] in render(fitted, [Call("find", '{"x": true}')])
    assert render(fitted, [Call("find", '{"x": [true]}')]).count("True") == 0, "lists are JSON until one is shown"
