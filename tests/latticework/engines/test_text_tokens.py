"""The text of special tokens, and text that a tokenizer normalizes, where a grammar forces it."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from llguidance import LLMatcher
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers

from latticework.engines.text_tokens import Markup
from latticework.engines.vocabulary import Vocabulary
from tests.turngrammar.laws import placed, read
from turngrammar.analysis import texts
from turngrammar.errors import GrammarError
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import Plan, compile_turn
from turngrammar.turn import ClientGrammar, JsonContent, Tool, ToolChoice, Turn

COMMON = ("<|im_start|>", "<|im_end|>", "<|endoftext|>", "<think>", "</think>", "<tool_call>", "</tool_call>", "</s>")
# Names of several characters, since a text that holds a single one would be special nearly everywhere.
MARKS = {
    name: frozenset(text.strip() for text in texts(format) if len(text.strip()) > 1) for name, format in FORMATS.items()
}
END = "<|end_of_turn|>"


def vocabulary(*special: str, stock: bool = False) -> Vocabulary:
    """Bytes, the end of a turn and these special tokens, with Qwen's normalization."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: place for place, letter in enumerate(letters)}, []))
    backend.normalizer, backend.decoder = normalizers.NFC(), decoders.ByteLevel()
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    names = list(dict.fromkeys((END, *special)))
    backend.add_special_tokens(names)
    ids = {name: len(letters) + place for place, name in enumerate(names)}
    assert all(backend.token_to_id(name) == token_id for name, token_id in ids.items())
    return Vocabulary(backend.to_str(), len(letters) + len(names), ids[END], special_tokens=ids, stock=stock)


@cache
def of_every_format() -> Vocabulary:
    """Whose special tokens are all the markup of all formats."""
    marks = {mark for marks in MARKS.values() for mark in marks if mark[0] in "<[" or not mark.isalnum()}
    return vocabulary(*COMMON, *sorted(mark for mark in marks if not mark.isspace() and '"' not in mark))


def walked(grammar: str, of: Vocabulary, seed: int = 0) -> list[int]:
    """The tokens of an answer that a random model writes: each is one that the mask allows, and none is refused."""
    matcher, rng, written = LLMatcher(of.matchable, grammar, log_level=0), random.Random(seed), list[int]()
    while len(written) < 4000:
        allowed = [*bits(matcher.compute_bitmask())]
        assert allowed and not matcher.is_error(), matcher.get_error()
        token = rng.choice(allowed)
        if token == of.eos:
            assert matcher.is_accepting()
            return written
        assert matcher.consume_token(token), matcher.get_error()
        written.append(token)
    raise AssertionError("no end")


def bits(mask: bytes) -> Iterator[int]:
    left = int.from_bytes(mask, "little")
    while left:
        lowest = left & -left
        yield lowest.bit_length() - 1
        left ^= lowest


def written(turn: Turn, of: Vocabulary) -> tuple[Plan, str]:
    plan = compile_turn(turn)
    assert plan.grammar
    return plan, of.matchable.decode_str(walked(plan.grammar, of))


def turn(format: Format, of: Vocabulary, **parts: Any) -> Turn:
    return Turn(format, special_tokens=of.special_tokens, **parts)


def document(schema: Mapping[str, Any]) -> JsonContent:
    return JsonContent(schema)


def an_object(name: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: value}, "required": [name], "additionalProperties": False}


@pytest.mark.parametrize(
    "text", [*COMMON, "a<|im_end|>b", "<|im_<|im_end|>end|>", "e\u0301", "  <think> ", "\u212b</s>"]
)
def test_content_has_the_text_and_no_special_token(text: str) -> None:
    of, format = vocabulary(*COMMON), FORMATS["hermes"]
    lark = f"start: {json.dumps(text)}"
    contents = [
        ClientGrammar("choice", (text,)),
        ClientGrammar("choice", (text, f"{text}{text}")),
        ClientGrammar("regex", "".join(f"[{letter}]" if letter.isascii() else letter for letter in text)),
        ClientGrammar("grammar", lark),
    ]
    for content in contents:
        plan = compile_turn(turn(format, of, content=content))
        assert plan.grammar
        tokens = walked(plan.grammar, of)
        assert of.trial(plan.grammar).error is None
        assert of.matchable.decode_str(tokens) in (text, text + text)
        assert not set(tokens) & set(of.special_tokens.values())
    for schema in ({"const": text}, {"enum": [text, text + "!"]}, an_object(text, {"const": text})):
        _, answer = written(turn(format, of, content=document(schema)), of)
        value = json.loads(answer)
        assert value in (text, text + "!", {text: text})


@pytest.mark.parametrize("name", FORMATS)
def test_calls_and_documents_have_the_markup_of_their_own_format_as_text(name: str) -> None:
    """Or the tool is refused with its pointer: a format whose end of a text can't be escaped."""
    format, of = FORMATS[name], of_every_format()
    for mark in sorted(MARKS[name] | {"<|im_end|>", "</tool_call>"}):
        plan, answer = written(turn(format, of, content=document({"const": mark})), of)
        assert json.loads(read(plan, [answer]).content) == mark
        schemas = ({"enum": [mark, f"x{mark}y"]}, {"type": "string", "pattern": f"^{plain(mark)}$"})
        tools = [an_object("text", schema) for schema in schemas] + [an_object(mark, {"type": "boolean"})]
        for parameters in tools:
            assert_read_again(format, of, parameters)


def plain(text: str) -> str:
    """A pattern of the text alone."""
    return "".join(f"\\u{ord(letter):04x}" for letter in text)


def assert_read_again(format: Format, of: Vocabulary, parameters: dict[str, Any]) -> None:
    (tool,) = placed(Tool("send", parameters=parameters))
    try:
        plan, answer = written(turn(format, of, tools=(tool,), choice=ToolChoice("required", most=1)), of)
    except GrammarError as error:
        assert error.pointer.startswith("/tools/0")
        return
    (name,) = parameters["properties"]
    value = parameters["properties"][name]
    (call,) = read(plan, [answer]).calls
    arguments = json.loads(call.arguments)
    assert not plan.violations(None, [call])
    assert [*arguments] == [name]
    assert arguments[name] in value.get("enum", [arguments[name]])


def test_a_stock_matcher_refuses_what_it_takes_for_special_tokens() -> None:
    of = vocabulary(*COMMON, stock=True)
    assert of.trial('start: "a<|im_end|>"').error


def test_names_of_special_tokens_are_markup_where_they_are_meant_to_be() -> None:
    of = vocabulary(*COMMON)
    ids = of.special_tokens
    assert of.with_markup("a<think></s>") == [*of.matchable.tokenize_str("a"), ids["<think>"], ids["</s>"]]
    assert Markup(of.matchable, {}).tokens(b"</s>\xff") == of.matchable.tokenize_bytes(b"</s>\xff")
