"""What the parser makes of text that no grammar held."""

from __future__ import annotations

import random

import pytest

from tests.turngrammar.laws import chunkings, read
from turngrammar.events import ArgumentsDelta, ContentDelta, Malformed, ToolCallEnd, ToolCallStart
from turngrammar.formats import FORMATS, HERMES, Format
from turngrammar.parser.cursor import MAX_SPACE
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Reasoning, Tool, ToolChoice, Turn

TOOLS = (Tool("f"), Tool("g"))
AUTO = compile_turn(Turn(HERMES, TOOLS))
REQUIRED = compile_turn(Turn(HERMES, TOOLS, ToolChoice("required")))
EITHER = compile_turn(Turn(HERMES, TOOLS, content=JsonContent({"type": "object"})))

F = '<tool_call>\n{"name": "f", "arguments": {"a": 1}}\n</tool_call>'

SLOPPY = [
    # text, content, [(name, arguments)], calls ended, malformed
    ('<tool_call>{"name":"f","arguments":{"a":1}}</tool_call>', "", [("f", '{"a":1}')], 1, []),
    ('<tool_call>\n { "name" : "f" , "arguments" : { } } \n</tool_call>\n\n', "", [("f", "{ }")], 1, []),
    ("a <tool_call> tag", "a <tool_call> tag", [], 0, ["<tool_call>"]),
    (f"a <tool_call> tag {F}", "a <tool_call> tag ", [("f", '{"a": 1}')], 1, ["<tool_call>"]),
    (f"{F}\nDone.", "\nDone.", [("f", '{"a": 1}')], 1, ["\n"]),
    (f"{F} and {F}", " and ", [("f", '{"a": 1}')] * 2, 2, [" "]),
    (
        '<tool_call>\n{"name": "", "arguments": {}}',
        '<tool_call>\n{"name": "", "arguments": {}}',
        [],
        0,
        ["<tool_call>"],
    ),
    ('<tool_call>{"name": "f", "arguments": [1]}x', ', "arguments": [1]}x', [("f", "")], 0, [', "arguments": ']),
    ('<tool_call>{"name": "f", "arguments": {a: 1}}</tool_call>', "", [("f", "{a: 1}")], 0, [""]),
    ('<tool_call>{"name": "f", "arguments": {]}</tool_call>', "", [("f", "{]")], 0, [""]),
    ('<tool_call>{"name": "f", "arguments": {"a": 1}, "id": 7}', ', "id": 7}', [("f", '{"a": 1}')], 0, [""]),
    ('<tool_call>{"name": "f', "", [], 0, []),
    ('<tool_call>{"name": "f"', "", [("f", "")], 0, []),
    ('<tool_call>{"name": "f", "arguments": {"a": "</tool_call>', "", [("f", '{"a": "</tool_call>')], 0, []),
    ("<tool_ca", "<tool_ca", [], 0, []),
    ("<tool_call>" + " " * 2000, "<tool_call>" + " " * 2000, [], 0, ["<tool_call>"]),
    ("", "", [], 0, []),
]


@pytest.mark.parametrize(("text", "content", "calls", "ended", "malformed"), SLOPPY, ids=lambda value: str(value)[:40])
def test_sloppy_text_is_read_or_reported_and_never_lost(
    text: str, content: str, calls: list[tuple[str, str]], ended: int, malformed: list[str]
) -> None:
    for pieces in chunkings(text, random.Random(text)) if len(text) < 500 else ([text], list(text)):
        message = read(AUTO, pieces)
        assert message.content == content
        assert [(call.name, call.arguments) for call in message.calls] == calls
        assert len(message.ended) == ended
        assert len(message.malformed) == len(malformed)


def test_text_before_a_required_call_is_content_and_malformed() -> None:
    message = read(REQUIRED, list(f"Sure. {F}"))
    assert message.content == "Sure. "
    assert [call.name for call in message.calls] == ["f"]
    assert message.malformed == [""]


@pytest.mark.parametrize(
    ("text", "content", "names"),
    [
        ('{"a": "<tool_call>"}', '{"a": "<tool_call>"}', []),
        (' {"a": 1} \n', '{"a": 1}', []),
        (F, "", ["f"]),
        (f"{F}\n{F}", "", ["f", "f"]),
    ],
)
def test_a_document_or_calls(text: str, content: str, names: list[str]) -> None:
    for pieces in chunkings(text, random.Random(text)):
        message = read(EITHER, pieces)
        assert (message.content, [call.name for call in message.calls]) == (content, names)
        assert not message.malformed


@pytest.mark.parametrize("text", ["12", "-1.5e3", "true", "null", '"a \\" b"', "[1, [2]]"])
def test_a_document_may_be_any_json(text: str) -> None:
    plan = compile_turn(Turn(HERMES, content=JsonContent(True)))
    for pieces in chunkings(text, random.Random(text)):
        assert read(plan, pieces).content == text


def test_events_come_as_soon_as_they_are_certain() -> None:
    parser = AUTO.parser()
    steps = [
        ("Hi <", [ContentDelta("Hi ")]),
        ("b>", [ContentDelta("<b>")]),
        ("<tool_call>", []),
        ('\n{"name": "f', []),
        ('"', [ToolCallStart(0, "f")]),
        (', "arguments": {"a', [ArgumentsDelta(0, '{"a')]),
        ('": "}', [ArgumentsDelta(0, '": "}')]),
        ('"}', [ArgumentsDelta(0, '"}')]),
        ("}\n</tool_call", []),
        (">", [ToolCallEnd(0)]),
    ]
    for text, events in steps:
        assert parser.feed(text) == events
    assert parser.close() == []


def test_noise_never_raises_and_never_gets_lost() -> None:
    rng = random.Random(0)
    shards = [
        "<tool_call>",
        "</tool_call>",
        '{"name": "',
        "f",
        '"',
        ', "arguments": ',
        "{",
        "}",
        "[",
        "\\",
        "\n",
        " ",
        "é",
    ]
    for plan in (AUTO, REQUIRED, EITHER):
        for _ in range(500):
            pieces = rng.choices(shards, k=rng.randint(1, 25))
            message, whole = read(plan, pieces), read(plan, ["".join(pieces)])
            assert message == whole
            kept = message.content + "".join(call.name + call.arguments for call in message.calls)
            assert kept.count("é") == "".join(pieces).count("é") or _cut_off(pieces)


def _cut_off(pieces: list[str]) -> bool:
    """Whether the text may end in markup that was begun, and is dropped."""
    return "<tool_call>" in "".join(pieces)[-60:]


def test_malformed_text_was_content() -> None:
    parser = AUTO.parser()
    events = parser.feed(f"{F}!") + parser.close()
    assert events[-2:] == [Malformed("", "expected the end of the turn"), ContentDelta("!")]


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())
def test_shards_of_a_format_never_raise_and_read_the_same_at_every_chunking(format: Format) -> None:
    rng = random.Random(format.name)
    calls = [Call("f", '{"a": "b", "c": [1, {"d": null}]}'), Call("g", "{}")]
    text = render(format, calls)
    frames = [frame for frame in (format.answer, format.preamble, format.reasoning) if frame]
    shards = [text[start : start + size] for start in range(0, len(text), 3) for size in (1, 4, 9)]
    shards += [part for frame in frames for part in (frame.open, frame.close, frame.resume) if part]
    shards += [text, "some text", " ", "\n", '"', "\\", "é", "]", "}", "None"]
    turns = [
        Turn(format, TOOLS, reasoning="may"),
        Turn(format, TOOLS, content=JsonContent({"type": "object"})),
        Turn(format),
    ]
    for plan in map(compile_turn, turns):
        for _ in range(150):
            pieces = rng.choices(shards, k=rng.randint(1, 14))
            whole = "".join(pieces)
            message = read(plan, [whole])
            assert read(plan, pieces) == message, pieces
            assert read(plan, list(whole)) == message, pieces


@pytest.mark.parametrize("format", FORMATS.values(), ids=FORMATS.keys())
@pytest.mark.parametrize("noise", ["Sure! ", "<b>", "{", '["', "\n\n", "call:"])
def test_what_is_no_call_is_content_in_every_format(format: Format, noise: str) -> None:
    plan = compile_turn(Turn(format, TOOLS))
    for pieces in ([noise], list(noise)):
        message = read(plan, pieces)
        assert message.content.strip() == noise.strip()
        assert not message.calls


def test_bottomless_arguments_are_passed_on_and_never_end() -> None:
    message = read(
        AUTO, ['<tool_call>{"name": "f", "arguments": ', '{"a":' * 50_000, "1", "}" * 50_000, "}</tool_call>"]
    )
    assert len(message.calls[0].arguments) == 6 * 50_000 + 1
    assert (message.ended, message.malformed) == ([], [""])


def test_bottomless_lists_of_a_notation_become_content() -> None:
    plan = compile_turn(Turn(FORMATS["pythonic"], TOOLS))
    message = read(plan, ["[f(a=", "[" * 5000])
    assert message.malformed
    assert message.calls[0].arguments.count("[") + message.content.count("[") == 5000


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("harmony", "<|call|>"),
        ("deepseek_v3", "<｜tool▁calls▁end｜>"),
        ("deepseek_v31", "<｜tool▁calls▁end｜>"),
        ("deepseek_v32", "</｜DSML｜function_calls>"),
        ("kimi_k2", "<|tool_calls_section_end|>"),
        ("command_r", "\n```"),
    ],
)
def test_an_end_that_the_engine_swallows_is_forgiven(name: str, end: str) -> None:
    plan = compile_turn(Turn(FORMATS[name], TOOLS))
    text = render(FORMATS[name], [Call("f", '{"a": 1}')])
    assert text.endswith(end)
    for cut in range(len(end) + 1):
        for pieces in ([text[: len(text) - cut]], list(text[: len(text) - cut])):
            message = read(plan, pieces)
            assert message.ended == [0]
            assert (message.content, message.malformed) == ("", [])


def test_markup_that_models_add_of_their_own_is_forgiven() -> None:
    llama, pythonic = (compile_turn(Turn(FORMATS[name], TOOLS)) for name in ("llama3", "pythonic"))
    for pieces in ([text := '<|python_tag|>{"name": "f", "parameters": {}}'], list(text)):
        assert [call.name for call in read(llama, pieces).calls] == ["f"]
    for pieces in ([text := "<|python_start|>[f(), g()]<|python_end|>"], list(text)):
        assert [call.name for call in read(pythonic, pieces).calls] == ["f", "g"]
        assert not read(pythonic, pieces).malformed


@pytest.mark.parametrize(
    ("name", "reasoning", "before", "reasoned", "after"),
    [
        ("hermes", "may", "<think>\n", "Hm <b>.\n</think", ">\n\nYes."),
        ("hermes", "open", "\n", "Hm.</think", ">" + F),
        ("hermes", "off", "<think>Hm.</think>Yes.", "", ""),
        ("hermes", "may", "Yes.", "", ""),
        (
            "harmony",
            "may",
            "<|channel|>analysis<|message|>",
            "Hm.<|end|",
            "><|start|>assistant<|channel|>final<|message|>Y",
        ),
        ("harmony", "may", "<|channel|>commentary<|message|>Now.", "", ""),
    ],
)
def test_it_is_known_whether_the_model_thinks(
    name: str, reasoning: Reasoning, before: str, reasoned: str, after: str
) -> None:
    parser = compile_turn(Turn(FORMATS[name], TOOLS, reasoning=reasoning)).parser()
    thinking = []
    for letter in before + reasoned + after:
        parser.feed(letter)
        thinking.append(parser.in_reasoning)
    assert thinking == [False] * len(before) + [True] * len(reasoned) + [False] * len(after)


@pytest.mark.parametrize("opening", ["<think>", "<think>\n"])
def test_reasoning_may_begin_with_any_number_of_line_breaks(opening: str) -> None:
    plan = compile_turn(Turn(FORMATS["hermes"], TOOLS, reasoning="may"))
    for breaks in (MAX_SPACE - 1, MAX_SPACE, MAX_SPACE + 1, 3 * MAX_SPACE):
        for pieces in ([text := f"{opening}{breaks * chr(10)}Hm.</think>\n\n{F}"], list(text)):
            message = read(plan, pieces)
            assert message.reasoning.strip() == "Hm."
            assert (message.content, message.ended, message.malformed) == ("", [0], [])
