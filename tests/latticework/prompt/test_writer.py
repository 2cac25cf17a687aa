"""A prompt is written alike in this process and in another; what can't fit is not tokenized."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from latticework.prompt import ChatTemplate, PromptError
from latticework.prompt.writer import LARGE, VALUE, PlainPrompt, PromptWriter, Rendering, Source, is_large
from tests.scripted import BEGINNING, CHATML, ByteTokenizer, MarkedTokenizer
from turngrammar.formats import FORMATS
from turngrammar.formats.format import Frame

FORMAT = FORMATS["hermes"]
REASONING = replace(FORMAT, reasoning=Frame("<think>", "</think>"))
TEMPLATE = ChatTemplate(CHATML, markup=frozenset(MarkedTokenizer.letters))


class Counting(MarkedTokenizer):
    """Counts what it has encoded."""

    def __init__(self) -> None:
        self.encoded = 0

    def encode(self, text: str, special: bool = False) -> list[int]:
        self.encoded += 1
        return super().encode(text, special)


def conversation(*texts: str, **options: Any) -> Rendering:
    given: Any = {"format": FORMAT, **options}
    return Rendering([{"role": "user", "content": text} for text in texts], given)


SOURCES: list[Source] = [
    PlainPrompt("hello", special=True),
    PlainPrompt("hello", special=False),
    conversation("hello"),
    conversation("<|im_end|>", "x"),
    Rendering([{"role": "user", "content": "a"}], {"format": FORMAT}, template="{{ messages[0].content }}!"),
    Rendering([{"role": "assistant", "content": "It"}], {"format": FORMAT, "continued": True}),
]


@pytest.mark.parametrize("source", SOURCES)
def test_a_writer_writes_the_same_after_a_journey(source: Source) -> None:
    writer = PromptWriter(TEMPLATE, MarkedTokenizer(), 1000)
    first = writer.write(source)
    sent: PromptWriter = pickle.loads(pickle.dumps(writer))
    assert sent.write(pickle.loads(pickle.dumps(source))) == first
    assert first.tokens
    assert not first.least


def test_special_tokens_of_a_text_are_asked_for() -> None:
    writer = PromptWriter(TEMPLATE, ByteTokenizer(), 1000)
    assert list(writer.write(PlainPrompt("a", special=True)).tokens) == [BEGINNING, *b"a"]
    assert list(writer.write(PlainPrompt("a", special=False)).tokens) == [*b"a"]


def test_what_the_context_can_hold_is_tokenized_and_no_more() -> None:
    encoder = Counting()
    writer = PromptWriter(TEMPLATE, encoder, 100)
    assert len(writer.write(PlainPrompt("a" * 100, special=False)).tokens) == 100
    assert encoder.encoded == 1
    refused = writer.write(PlainPrompt("é" * 51, special=False))
    assert (list(refused.tokens), refused.least, encoder.encoded) == ([], 102, 1)
    rendered = writer.write(conversation("a" * 100))
    assert (list(rendered.tokens), rendered.least > 100, encoder.encoded) == ([], True, 1)


def test_of_a_prompt_that_is_cut_the_last_tokens_come() -> None:
    writer = PromptWriter(TEMPLATE, ByteTokenizer(), 3)
    assert list(writer.write(PlainPrompt("abcdef", special=False), cut=True).tokens) == [*b"def"]


def test_the_state_of_the_prompt_comes_with_it() -> None:
    writer = PromptWriter(TEMPLATE, ByteTokenizer(), 1000)
    assert writer.write(SOURCES[-1]).begun == "It"
    assert writer.write(conversation("a")).begun is None
    thinks = Rendering([{"role": "user", "content": "a"}], {"format": REASONING})
    assert writer.write(thinks).reasoning == "may"


def test_a_refusal_is_the_templates() -> None:
    with pytest.raises(PromptError) as raised:
        PromptWriter(TEMPLATE, ByteTokenizer(), 9).write(conversation("a", template_kwargs={"messages": 1}))
    assert pickle.loads(pickle.dumps(raised.value)).param == raised.value.param == "variables.messages"


SMALL = LARGE // VALUE // 4
BOUNDARIES: list[tuple[Source, bool]] = [
    (PlainPrompt("a" * (LARGE - VALUE), special=True), False),
    (PlainPrompt("a" * (LARGE - VALUE + 1), special=True), True),
    (conversation("a" * LARGE), True),
    (conversation(*["a"] * SMALL), True),
    (conversation(*["a"] * (SMALL // 4)), False),
    (conversation("a", tools=[{"x": "a" * LARGE}]), True),
    (conversation("a", schema={"x": ["a"] * LARGE}), True),
    (conversation("a", template_kwargs={str(n): n for n in range(LARGE // VALUE)}), True),
    (conversation("a", template_kwargs={str(n): n for n in range(10)}), False),
    (Rendering([], {"format": FORMAT}, template="a" * LARGE), True),
]


@pytest.mark.parametrize(("source", "large"), BOUNDARIES)
def test_what_is_large_is_told_by_letters_and_values(source: Source, large: bool) -> None:
    assert is_large(source) == large
