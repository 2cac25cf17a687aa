"""A format takes the spelling that a chat template shows."""

from __future__ import annotations

import pytest

from latticework.conformance.fitting import fit_format
from tests.latticework.conformance.made import HERMES, ID_FIRST, template, tokenizer
from turngrammar import wire
from turngrammar.formats import FORMATS, Format, Frame, choose
from turngrammar.json_style import CANONICAL, JsonStyle
from turngrammar.render import Call, render

ONE = Call("f", '{"b": {"d": 1, "c": 2}, "a": true}')
CODER = """<tool_call>{{ "\\n" }}<function={{ f.name }}>{{ "\\n" }}
{%- for key, value in f.arguments.items() %}<parameter={{ key }}>{{ "\\n" }}
{{- VALUE }}{{ "\\n" }}</parameter>{{ "\\n" }}{% endfor %}</function>{{ "\\n" }}</tool_call>"""


def fitted(call: str, name: str = "hermes", gap: str = "") -> Format:
    shown = template(call, gap=gap or '{{ "\\n\\n" }}')
    candidate = FORMATS[name] if name != "hermes" else choose(shown.source)[0]
    format = fit_format(shown, tokenizer(), candidate)
    assert format
    return format


def spelling(format: Format) -> JsonStyle:
    parts = format.calls.item.head.parts + format.calls.item.tail.parts  # type: ignore[attr-defined]
    return next(part.style for part in parts if isinstance(part, wire.JsonArguments))


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        ("tojson", CANONICAL),
        ("tojson(separators=(',', ':'))", JsonStyle(",", ":")),
        ("tojson(separators=(',', ': '))", JsonStyle(",", ": ")),
        ("tojson(sort_keys=True)", JsonStyle(sort_keys=True)),
        ("tojson(separators=(',', ':'), sort_keys=True)", JsonStyle(",", ":", sort_keys=True)),
    ],
)
def test_separators_and_the_order_of_keys(filter: str, expected: JsonStyle) -> None:
    format = fitted(HERMES.replace("tojson", filter))
    assert spelling(format) == expected
    assert expected.encode({"b": {"d": 1, "c": 2}, "a": True}) in render(format, [ONE])


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("value if value is string else value | tojson", "true"),
        ("value if value is string or value is boolean or value is none else value | tojson", "True"),
    ],
)
def test_words_of_python(value: str, words: str) -> None:
    format = fitted(CODER.replace("VALUE", f"({value})"), "qwen3_coder")
    assert f"<parameter=a>\n{words}\n</parameter>" in render(format, [ONE])


def test_whitespace_before_and_between_calls() -> None:
    plain = fitted(HERMES)
    assert plain.lead == ""
    assert render(plain, [ONE, ONE]).count("</tool_call>\n<tool_call>") == 1
    led = fitted(HERMES.replace('{{ "\\n" if not loop.first or m.content }}', '{{ "\\n\\n" }}'))
    assert led.lead == "\n\n"
    assert render(led, [ONE, ONE]).count("</tool_call>\n\n<tool_call>") == 1


@pytest.mark.parametrize("gap", ["", "\\n", "\\n\\n"])
def test_whitespace_behind_reasoning(gap: str) -> None:
    format = fitted(HERMES, gap='{{ "GAP" }}'.replace("GAP", gap))
    spelled = gap.replace("\\n", "\n")
    assert format.reasoning == Frame("<think>", "</think>", spelled, call_gap=spelled)


@pytest.mark.parametrize("call", [ID_FIRST, "<call>{{ f.name }}: {{ f.arguments | tojson }}</call>"])
def test_another_format_is_not_fitted(call: str) -> None:
    assert fit_format(template(call), tokenizer(), FORMATS["hermes"]) is None
