"""Templates that nobody would write, or that belong to another tokenizer: a model starts with them all the same."""

from __future__ import annotations

import pytest

from latticework.conformance import select_format
from latticework.conformance.transcript import transcribe
from latticework.prompt import ChatTemplate
from tests.latticework.conformance.made import HERMES, TURNS, case, template, tokenizer

TURN_BETWEEN = TURNS.replace("GAP", "").replace("CALL", HERMES).replace("</think>", "</think><end><start>assistant")


def test_an_end_between_reasoning_and_calls_that_is_no_token() -> None:
    """Solar's template with a tokenizer that lacks its tokens."""
    source = TURN_BETWEEN.replace("<|im_start|>", "<start>").replace("<|im_end|>", "<end>")
    odd = ChatTemplate(source)
    selected = select_format(odd, tokenizer())
    shown = transcribe(odd, tokenizer(), selected.format, case("reasoning, then a call"))
    assert "get_weather" in shown.text


@pytest.mark.parametrize(
    "source", ["", "{% for %}", "{{ raise_exception('no') }}", "{{ 1 / 0 }}", "{{ messages.x() }}"]
)
def test_a_template_that_renders_nothing_gets_fenced_with_the_reason(source: str) -> None:
    selected = select_format(ChatTemplate(source), tokenizer())
    assert (selected.format.name, selected.tested) == ("fenced", ())
    assert selected.untested != ""


def test_a_call_that_is_shown_in_thousands_of_letters() -> None:
    selected = select_format(template("<call>{{ '{' * 3000 }}{{ f | tojson }}{{ '}' * 3000 }}</call>"), tokenizer())
    assert selected.format.name == "fenced"
