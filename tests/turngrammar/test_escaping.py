"""Names, keys, values and texts of clients are data in a grammar, and cannot break out of their place."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from llguidance import LLMatcher

from tests.turngrammar.laws import BYTE_SPECIALS, BYTES, generates, placed, read, tokens
from turngrammar.errors import GrammarError, RefusedSchema
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import ClientGrammar, JsonContent, Tool, ToolChoice, Turn

LAWS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)

# What means something to Lark, to llguidance, to regexes, to JSON, to Python's formatting, or to a tokenizer.
FRAGMENTS = [
    '"', "'", "\\", '\\"', "\n", "\r\n", "\t", "\x00", "\x1f", "\u2028", "é",
    "東", "\U0001f600",
    "%json {}", "%lark {", "%llguidance {}", "%s", "%(a)s", "{", "}", "{}", "{0}", "{{", "}}",
    "[", "]", "(", ")",
    "/", "//", "/*", "#", "|", "*", "+", "?", "&", "~", ":", "=", ",", ".", "..", "->", "$", "^", "-",
    "\\x{41}", "\\u0041",
    "start: ", "\nstart: /.*/\n", "[lazy]", "TEXT", "r0", "<[256]>", "<[1-9]>", "@sub",
    "$ref", "#/$defs/a", "x-guidance",
    *BYTE_SPECIALS, "</s>", "<|im_end|>", "<tool_call>", "</tool_call>",
    '<|"|>', "<escape>", "[TOOL_CALLS]", "null", "1",
    "a", "b", " ",
]  # fmt: skip
# llguidance writes DEL as an escape, which JSON leaves open.
CHARACTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\x7f")
TEXTS = st.lists(st.sampled_from(FRAGMENTS) | CHARACTERS, max_size=6).map("".join)
NAMES = st.from_regex(r"[a-zA-Z0-9_-]{1,12}", fullmatch=True) | st.sampled_from(["tool", "start", "TEXT", "r0", "user"])


def grammar(turn: Turn) -> str:
    compiled = compile_turn(turn).grammar
    assert compiled
    return compiled


def exactly(key: str, values: list[str]) -> dict[str, object]:
    """The schema of objects that have one of these values under the key, and nothing else."""
    return {
        "title": key,
        "description": values[0],
        "type": "object",
        "properties": {key: {"enum": values, "description": key}},
        "required": [key],
        "additionalProperties": False,
    }


@LAWS
@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3, unique=True), TEXTS)
def test_a_document_has_the_keys_and_values_of_its_schema_and_no_others(
    key: str, values: list[str], other: str
) -> None:
    compiled = grammar(Turn(FORMATS["hermes"], content=JsonContent(exactly(key, values)), special_tokens=BYTE_SPECIALS))
    for value in values:
        text = json.dumps({key: value}, ensure_ascii=False)
        assert generates(compiled, text, {})
        assert not generates(compiled, text + other + " ", {})
        if any(token in text for token in BYTE_SPECIALS):
            assert not generates(compiled, text, BYTE_SPECIALS)
    assume(other not in values)
    assert not generates(compiled, json.dumps({key: other}, ensure_ascii=False), {})


@LAWS
@given(st.lists(TEXTS.filter(bool), min_size=1, max_size=4, unique=True), TEXTS)
def test_a_choice_is_one_of_its_texts(texts: list[str], other: str) -> None:
    compiled = grammar(
        Turn(FORMATS["hermes"], content=ClientGrammar("choice", tuple(texts)), special_tokens=BYTE_SPECIALS)
    )
    for text in texts:
        assert generates(compiled, text, {})
        if any(token in text for token in BYTE_SPECIALS):
            assert not generates(compiled, text, BYTE_SPECIALS)
    assume(other not in texts)
    assert not generates(compiled, other, {})


@LAWS
@given(
    st.sampled_from(list(FORMATS.values())),
    NAMES,
    TEXTS.filter(bool),
    st.lists(TEXTS, min_size=1, max_size=2, unique=True),
)
def test_a_call_has_its_tools_name_and_arguments(format: Format, name: str, key: str, values: list[str]) -> None:
    """In a format that cannot express a key or a value, the tool is refused."""
    tool = Tool(name, values[0], exactly(key, values))
    turn = Turn(format, placed(tool), ToolChoice("required", most=1), special_tokens=BYTE_SPECIALS)
    try:
        plan = compile_turn(turn)
    except GrammarError as error:
        assert error.pointer.startswith("/tools/0")
        return
    assert plan.grammar
    for value in values:
        call = Call(name, json.dumps({key: value}, ensure_ascii=False))
        text = render(format, [call])
        assert generates(plan.grammar, text, {})
        (parsed,) = read(plan, [text]).calls
        assert (parsed.name, json.loads(parsed.arguments)) == (name, {key: value})
        if any(token in text for token in BYTE_SPECIALS):
            assert not generates(plan.grammar, text, BYTE_SPECIALS)


MARKUP = {
    "hermes": ["<tool_call>", "</tool_call>"],
    "gemma4": ["<|tool_call>", "<tool_call|>"],
    "qwen3_coder": ["<tool_call>", "</tool_call>"],
    "glm45": ["<tool_call>", "</tool_call>"],
}


@pytest.mark.parametrize("name", MARKUP)
@pytest.mark.parametrize("at", ["key", "value"])
def test_what_a_client_calls_like_the_markup_is_written_as_text(name: str, at: str) -> None:
    format, special = FORMATS[name], dict(zip(MARKUP[name], (256, 257), strict=True))
    text = MARKUP[name][0]
    key, value = (text, "x") if at == "key" else ("x", text)
    parameters = exactly(key, [value])
    plan = compile_turn(
        Turn(format, (Tool("tool", parameters=parameters),), ToolChoice("required", most=1), special_tokens=special)
    )
    whole = render(format, [Call("tool", json.dumps({key: value}))])
    assert plan.grammar
    assert not generates(plan.grammar, whole, special)
    held = whole.rindex(text)
    assert whole.index(text) < held
    ids = [*tokens(whole[:held], special), *tokens(text, {}), *tokens(whole[held + len(text) :], special)]
    matcher = LLMatcher(BYTES, plan.grammar)
    assert matcher.validate_tokens(ids) == len(ids)


def test_a_tool_that_is_called_like_a_token_is_written_as_text() -> None:
    turn = Turn(FORMATS["hermes"], (Tool("tool_call"),), ToolChoice("required", most=1))
    text = render(turn.format, [Call("tool_call", "{}")])
    assert generates(grammar(replace(turn, special_tokens={"tool_call": 256})), text, {})


@pytest.mark.parametrize("schema", [exactly("x", ['<|"|>']), exactly('<|"|>', ["x"]), exactly("x", ["ok", 'a<|"|>'])])
def test_a_string_that_would_end_itself_is_refused(schema: dict[str, object]) -> None:
    with pytest.raises(RefusedSchema, match="would end it") as raised:
        compile_turn(Turn(FORMATS["gemma4"], placed(Tool("tool", parameters=schema)), special_tokens={'<|"|>': 256}))
    assert raised.value.pointer == "/tools/0/arguments"
