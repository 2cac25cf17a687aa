"""Each part of the law holds for a format that a template writes, and breaks where the format is another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from latticework.conformance.cases import CASES, PARAMETERS
from latticework.conformance.law import PARTS, STRANGER, WHITESPACE, Trial
from latticework.conformance.settle import settle
from latticework.conformance.transcript import transcribe
from tests.latticework.conformance.made import HERMES, case, template, tokenizer
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import Mode, Tool, ToolChoice, Turn


def trial(name: str = "one call", mode: Mode = "required") -> Trial:
    shown = template(HERMES)
    format = settle(shown, tokenizer()).format
    written = transcribe(shown, tokenizer(), tokenizer().ends, format, case(name))
    return Trial(format, tokenizer().vocabulary, case(name), written, mode)


def planned(one: Trial, **otherwise: Any) -> Trial:
    """With the plan of another turn."""
    turn = Turn(one.format, (Tool("get_weather", "", PARAMETERS["get_weather"]),), ToolChoice(one.mode))
    one.__dict__["plan"] = compile_turn(replace(turn, **otherwise))
    return one


def said_otherwise(one: Trial) -> Trial:
    text = one.transcript.text
    return replace(one, transcript=replace(one.transcript, text=text.replace("Oslo", "Rome")))


def respaced(one: Trial) -> Trial:
    text = one.transcript.text.replace("<tool_call>\n", "<tool_call>")
    return replace(one, transcript=replace(one.transcript, text=text, ids=tuple(tokenizer().encode(text))))


def ungrammatical(one: Trial) -> Trial:
    """Its grammar opens with a special token, spelled as text: what is forced is refused."""
    planned(one)
    one.__dict__["plan"] = replace(one.plan, grammar='start: "<|im_start|>" /.*/')
    return one


BROKEN: list[tuple[str, Callable[[Trial], Trial], str]] = [
    ("allowed, whitespace aside", lambda one: replace(one, format=FORMATS["llama3"]), "comes"),
    (
        "allowed, whitespace aside",
        lambda one: planned(one, tools=(Tool("get_weather", "", {"additionalProperties": False}),)),
        "comes",
    ),
    (WHITESPACE, respaced, "comes"),
    ("the end is allowed", lambda one: replace(one, transcript=replace(one.transcript, end=0)), "is refused"),
    ("the opening is allowed", ungrammatical, "is refused"),
    (
        "a tool that is not offered is refused",
        lambda one: planned(
            one, tools=(Tool("get_weather", "", PARAMETERS["get_weather"]), Tool(STRANGER, "", {"type": "object"}))
        ),
        "instead of 'get_weather' is let through",
    ),
    (
        "arguments against the schema are refused",
        lambda one: planned(one, tools=(Tool("get_weather", "", {"type": "object"}),)),
        "'true' instead of '3' is let through",
    ),
    ("read back as meant", said_otherwise, 'read as the arguments {"city": "Rome", "days": 3}'),
    ("read back as meant", lambda one: replace(one, format=FORMATS["mistral_v3"]), "malformed"),
    (
        "read back as meant",
        lambda one: replace(one, case=case("parallel calls")),
        "read as calls of ['get_weather']",
    ),
]


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_all_of_it_holds(name: str) -> None:
    for mode in case(name).modes:
        assert list(trial(name, mode).breaches()) == []


@pytest.mark.parametrize(("part", "mutated", "why"), BROKEN)
def test_each_part_can_fail(part: str, mutated: Callable[[Trial], Trial], why: str) -> None:
    assert PARTS[part](trial()) == ""
    assert why in PARTS[part](mutated(trial()))


def test_whitespace_alone_is_no_other_breach() -> None:
    assert [breach.part for breach in respaced(trial()).breaches()] == [WHITESPACE]


def test_each_part_is_seen_to_fail() -> None:
    assert {part for part, _, _ in BROKEN} == set(PARTS)
