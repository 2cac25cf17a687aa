"""The laws of STYLE.md, for every format."""

from __future__ import annotations

import json
import random
import re
import unicodedata
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
from llguidance import LLMatcher

from tests.turngrammar.laws import BYTES, chunkings, generates, read, sample, tokens
from turngrammar.analysis import texts
from turngrammar.formats import FORMATS, Format, Frame
from turngrammar.notation import Notation
from turngrammar.plan import Plan, compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Tool, ToolChoice, Turn
from turngrammar.wire import Lit, Many, Value

WEATHER = Tool(
    "get_weather",
    parameters={
        "type": "object",
        "properties": {
            "city": {"type": "string"},
            "days": {"type": "integer", "minimum": 1, "maximum": 14},
            "unit": {"enum": ["celsius", "fahrenheit"]},
            "places": {"type": "array", "items": {"type": "string"}},
            "options": {"type": "object", "properties": {"wind": {"type": "boolean"}}, "additionalProperties": False},
        },
        "required": ["city"],
        "additionalProperties": False,
    },
)
NOW = Tool("now", parameters={"type": "object", "properties": {}, "additionalProperties": False})
TOOLS = (WEATHER, NOW)
NASTY = [
    "Oslo",
    "",
    " spaced ",
    '</tool_call> <tool_call>\n{"name": "now"}',
    'quotes " and \' and \\ and \\" too',
    "two\nlines\r\n\tand a tab",
    "🌦️ 東京 é",
    "}]),{[(",
    "%{json} /regex/ {{braces}}",
    "<|im_end|><|tool|></s>[TOOL_CALLS]",
    "null",
    "12",
]
CALLS = [
    [Call("now", "{}")],
    [Call("get_weather", '{"city": "Oslo", "days": 3, "unit": "celsius"}'), Call("now", "{}"), Call("now", "{}")],
    [Call("get_weather", '{"city": "Bergen", "places": ["a", "b, c", "]"], "options": {"wind": true}}')],
    [Call("get_weather", '{"city": "Bergen", "places": [], "options": {}}')],
    *([Call("get_weather", json.dumps({"city": text, "places": [text]}, ensure_ascii=False))] for text in NASTY),
]

every_format = pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())


def prose(format: Format) -> str:
    """Text that may stand before calls, in the frame of the format."""
    if format.alone or (format.answer and not format.preamble):
        return ""
    frame = format.preamble
    return f"{frame.open}Well, {frame.close}{frame.resume}" if frame else "Well, "


def said(calls: list[Call]) -> list[tuple[str, object]]:
    return [(call.name, json.loads(call.arguments)) for call in calls]


def closers(node: object) -> list[str]:
    """The literals that end a string somewhere in a wire tree."""
    if isinstance(node, tuple):
        return [text for part in node for text in closers(part)]
    if not is_dataclass(node) or isinstance(node, type):
        return []
    own = [node.end] if isinstance(node, Value) else [node.quote] if isinstance(node, Notation) else []
    return own + closers(tuple(getattr(node, part.name) for part in fields(node))) or ['"']


def fitting(format: Format, calls: list[Call]) -> list[Call]:
    """As many of the calls as a turn can have."""
    return calls[: format.calls.most] if isinstance(format.calls, Many) else calls


def plan(format: Format, choice: ToolChoice, **turn: object) -> Plan:
    return compile_turn(Turn(format, TOOLS, choice, **turn))  # type: ignore[arg-type]


@every_format
@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls[-1].arguments[:30])
def test_what_is_rendered_is_read_back_at_every_chunking(format: Format, calls: list[Call]) -> None:
    calls = fitting(format, calls)
    auto, text = plan(format, ToolChoice()), render(format, calls)
    for pieces in chunkings(text, random.Random(text)):
        message = read(auto, pieces)
        assert [(call.name, call.arguments) for call in message.calls] == [
            (call.name, call.arguments) for call in calls
        ]
        assert message.ended == list(range(len(calls)))
        assert not message.malformed
        assert not message.content
    assert not auto.violations(message.content, message.calls)


@every_format
@pytest.mark.parametrize("calls", CALLS, ids=lambda calls: calls[-1].arguments[:30])
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_what_is_rendered_can_be_generated(format: Format, calls: list[Call], mode: str) -> None:
    grammar = plan(format, ToolChoice(mode)).grammar  # type: ignore[arg-type]
    assert grammar
    assert generates(grammar, render(format, fitting(format, calls)))


DOCUMENTS = [call.arguments for calls in CALLS for call in calls if call.name == "get_weather"]


@every_format
@pytest.mark.parametrize("text", DOCUMENTS, ids=lambda text: text[:30])
def test_a_document_can_be_generated_and_is_read_beside_tools(format: Format, text: str) -> None:
    either = plan(format, ToolChoice(), content=JsonContent(WEATHER.parameters))
    framed = format.answer.open + text + format.answer.close if format.answer else text
    assert either.grammar
    assert generates(either.grammar, framed)
    for pieces in ([framed], list(framed)):
        message = read(either, pieces)
        assert (message.content, message.calls, message.malformed) == (text, [], [])


@every_format
@pytest.mark.parametrize("mode", ["auto", "required"])
@pytest.mark.parametrize("content", [None, JsonContent(WEATHER.parameters)], ids=["text", "document"])
def test_what_is_generated_is_read_and_fits(format: Format, mode: str, content: object) -> None:
    compiled = plan(format, ToolChoice(mode), content=content)  # type: ignore[arg-type]
    assert compiled.grammar
    rng, ended = random.Random(5), 0
    favoured = [render(format, calls) for calls in CALLS] + NASTY + closers(format.calls) * 8
    for _ in range(60):
        text, whole = sample(compiled.grammar, rng, 400, favoured)
        for pieces in ([text], list(text)):
            message = read(compiled, pieces)
            assert not message.malformed, text
        if whole:
            ended += 1
            assert compiled.violations(message.content, message.calls) == (), text
            assert message.ended == list(range(len(message.calls)))
    assert ended > 10


@every_format
def test_no_prefix_makes_the_parser_raise_or_lose_text(format: Format) -> None:
    auto = plan(format, ToolChoice())
    text = prose(format) + render(format, fitting(format, CALLS[1]))
    whole = read(auto, [text])
    for cut in range(len(text)):
        message = read(auto, [text[:cut]])
        assert not message.malformed
        assert message.content in text
        assert len(message.calls) <= len(whole.calls)
        for some, full in zip(message.calls, whole.calls, strict=False):
            assert some.name == full.name
            assert full.arguments.startswith(some.arguments)


ROWS = {"type": "array", "items": {"type": "object", "additionalProperties": {"type": "string"}}}


@every_format
@pytest.mark.parametrize("text", ["[]", '[{"name": "get_weather"}]', '[{"a": "]"}, {}]'])
def test_a_list_can_be_generated_and_is_read_beside_tools(format: Format, text: str) -> None:
    either = plan(format, ToolChoice(), content=JsonContent(ROWS))
    framed = format.answer.open + text + format.answer.close if format.answer else text
    assert either.grammar
    assert generates(either.grammar, framed)
    assert read(either, list(framed)).content == text
    calls = fitting(format, CALLS[1])
    assert generates(either.grammar, render(format, calls))
    assert said(read(either, list(render(format, calls))).calls) == said(calls)


TOKEN = re.compile(r"<\|[^|<>]+\|>|<｜[^｜]+｜>|｜\w+｜|\[/?[A-Z_]+\]|</?[a-z_:]+>|<\|\"\|>|<\|\w+>|<\w+\|>")


@every_format
@pytest.mark.parametrize("mode", ["auto", "required"])
def test_markup_that_is_special_in_a_vocabulary_is_written_in_tokens(format: Format, mode: str) -> None:
    for calls in (CALLS[0], CALLS[1], CALLS[2]):
        text = (prose(format) if mode == "auto" else "") + render(format, fitting(format, calls))
        markup = "\n".join(texts(format.calls)) + prose(format)
        tokens = [token for token in dict.fromkeys(TOKEN.findall(text)) if token in markup]
        for start in range(0, len(tokens), 5):
            special = dict(zip(tokens[start : start + 5], range(256, 261), strict=False))
            compiled = plan(format, ToolChoice(mode), special_tokens=special)  # type: ignore[arg-type]
            assert compiled.grammar
            assert generates(compiled.grammar, text, special), special
            assert not generates(compiled.grammar, text, {}), special


REASONING = [format for format in FORMATS.values() if format.reasoning]


@pytest.mark.parametrize("format", REASONING, ids=lambda format: format.name)
@pytest.mark.parametrize("opened", ["open", "may"])
@pytest.mark.parametrize("turn", ["text", "calls", "document", "calls or document"])
def test_reasoning_comes_first_and_the_rest_is_constrained(format: Format, opened: str, turn: str) -> None:
    frame = format.reasoning
    assert frame
    compiled = plan(
        format,
        ToolChoice("none" if turn == "document" else "auto"),
        reasoning=opened,
        content=JsonContent(WEATHER.parameters) if "document" in turn else None,
    )
    calls = fitting(format, CALLS[1]) if "calls" in turn else []
    answer = format.answer or Frame("", "")
    content = "" if calls else CALLS[1][0].arguments if turn == "document" else "It rains."
    rest = render(format, calls) if calls else answer.open + content + answer.close
    thought = f"Let me <b>think</b>.{frame.close}{frame.resume}{frame.gap}{rest}"
    text = thought if opened == "open" else frame.open + thought
    assert compiled.grammar
    assert generates(compiled.grammar, text)
    for pieces in chunkings(text, random.Random(1)):
        message = read(compiled, pieces)
        assert (message.reasoning, message.content) == ("Let me <b>think</b>.", content)
        assert said(message.calls) == said(calls)
        assert not message.malformed


BLANKS = ("", " \t\r\n\u200b\x00")


def empty_turns(format: Format, opened: str, blank: str) -> list[str]:
    """Turns in which a client would see at most this blank: with and without thoughts, in their frame or before it."""
    reasoning, answer = format.reasoning, format.answer or Frame("", "")
    framed: list[str] = [answer.open + blank, answer.open + blank + answer.close] if blank else [""]
    if reasoning is None or opened == "off":
        return framed
    opening = reasoning.open if opened == "may" else ""
    thought = [f"{opening}{text}{reasoning.close}{reasoning.resume}{reasoning.gap}" for text in ("", "Well.")]
    return [f"{opening}Well.", *(text + rest for text in thought for rest in framed), *(framed * (opened == "may"))]


@every_format
@pytest.mark.parametrize("opened", ["off", "may", "open"])
def test_no_turn_is_empty(format: Format, opened: str) -> None:
    if opened != "off" and format.reasoning is None:
        return
    compiled = plan(format, ToolChoice("auto" if opened != "off" else "none"), reasoning=opened)
    assert compiled.grammar
    matcher, answer, frame = LLMatcher(BYTES, compiled.grammar), format.answer or Frame("", ""), format.reasoning
    begun = f"Well.{frame.close}{frame.resume}{frame.gap}" if frame and opened == "open" else ""
    for blank in BLANKS:
        for text in empty_turns(format, opened, blank):
            assert not ends_with(matcher, text), text
        assert ends_with(matcher, f"{begun}{answer.open}{blank}.{answer.close}"), blank
    for seed in range(5):
        text, whole = sample(compiled.grammar, random.Random(seed), 80, [BLANKS[1], *empty_turns(format, opened, "")])
        message = read(compiled, [text])
        assert not whole or message.calls or any(map(is_visible, message.content)), text


def ends_with(matcher: LLMatcher, text: str) -> bool:
    """Whether a turn under the matcher's grammar can be this text."""
    matcher.reset()
    written = tokens(text, {})
    return matcher.try_consume_tokens(written) == len(written) and matcher.is_accepting()


def is_visible(character: str) -> bool:
    return unicodedata.category(character) not in ("Zs", "Zl", "Zp", "Cc", "Cf")


def test_one_literal_moves_generation_and_parsing_together() -> None:
    text = render(FORMATS["hermes"], CALLS[1])
    moved = replace(FORMATS["hermes"], calls=_renamed(FORMATS["hermes"].calls, "<tool_call>", "<do>"))
    grammar = plan(moved, ToolChoice("required")).grammar
    assert grammar
    assert render(moved, CALLS[1]) == text.replace("<tool_call>", "<do>")
    assert generates(grammar, render(moved, CALLS[1]))
    assert not generates(grammar, text)
    assert said(read(plan(moved, ToolChoice()), [render(moved, CALLS[1])]).calls) == said(CALLS[1])
    assert not read(plan(moved, ToolChoice()), [text]).calls


def _renamed(node: Any, old: str, new: str) -> Any:
    if isinstance(node, Lit):
        return Lit(node.text.replace(old, new))
    if isinstance(node, tuple):
        return tuple(_renamed(part, old, new) for part in node)
    if not is_dataclass(node) or isinstance(node, type):
        return node
    return replace(node, **{part.name: _renamed(getattr(node, part.name), old, new) for part in fields(node)})
