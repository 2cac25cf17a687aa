"""Each check passes for the format that a template writes, and fails where something differs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from latticework.conformance import select_format
from latticework.conformance.cases import CASES, PARAMETERS
from latticework.conformance.checks import CHECKS, UNKNOWN_TOOL, WHITESPACE, TurnCheck
from latticework.conformance.transcript import transcribe
from tests.latticework.conformance.made import HERMES, case, template, tokenizer
from turngrammar.formats import FORMATS
from turngrammar.plan import compile_turn
from turngrammar.turn import Mode, Tool, ToolChoice, Turn


def turn_check(name: str = "one call", mode: Mode = "required") -> TurnCheck:
    shown = template(HERMES)
    format = select_format(shown, tokenizer()).format
    transcript = transcribe(shown, tokenizer(), format, case(name))
    return TurnCheck(format, tokenizer().vocabulary, case(name), transcript, mode)


def planned(turn: TurnCheck, **changes: Any) -> TurnCheck:
    """With the plan of another turn."""
    other = Turn(turn.format, (Tool("get_weather", "", PARAMETERS["get_weather"]),), ToolChoice(turn.mode))
    turn.__dict__["plan"] = compile_turn(replace(other, **changes))
    return turn


def with_other_arguments(turn: TurnCheck) -> TurnCheck:
    text = turn.transcript.text
    return replace(turn, transcript=replace(turn.transcript, text=text.replace("Oslo", "Rome")))


def respaced(turn: TurnCheck) -> TurnCheck:
    text = turn.transcript.text.replace("<tool_call>\n", "<tool_call>")
    return replace(turn, transcript=replace(turn.transcript, text=text, ids=tuple(tokenizer().encode(text))))


def ungrammatical(turn: TurnCheck) -> TurnCheck:
    """Its grammar forces the text of a special token, which llguidance's own view of the tokenizer then rejects."""
    turn = planned(replace(turn, vocabulary=replace(turn.vocabulary, stock=True)))
    turn.__dict__["plan"] = replace(turn.plan, grammar='start: "<|im_start|>" /.*/')
    return turn


BROKEN: list[tuple[str, Callable[[TurnCheck], TurnCheck], str]] = [
    ("accepted, ignoring whitespace", lambda turn: replace(turn, format=FORMATS["llama3"]), "rejects"),
    (
        "accepted, ignoring whitespace",
        lambda turn: planned(turn, tools=(Tool("get_weather", "", {"additionalProperties": False}),)),
        "rejects",
    ),
    (WHITESPACE, respaced, "rejects"),
    (
        "end of turn accepted",
        lambda turn: replace(turn, transcript=replace(turn.transcript, end=0)),
        "the grammar rejects",
    ),
    ("forced tokens accepted", ungrammatical, "the grammar rejects"),
    (
        "unknown tool rejected",
        lambda turn: planned(
            turn, tools=(Tool("get_weather", "", PARAMETERS["get_weather"]), Tool(UNKNOWN_TOOL, "", {"type": "object"}))
        ),
        "the grammar accepts 'erase_disk' instead of 'get_weather'",
    ),
    (
        "invalid arguments rejected",
        lambda turn: planned(turn, tools=(Tool("get_weather", "", {"type": "object"}),)),
        "the grammar accepts 'true' instead of '3'",
    ),
    ("parsed back unchanged", with_other_arguments, 'parsed as the arguments {"city": "Rome", "days": 3}'),
    ("parsed back unchanged", lambda turn: replace(turn, format=FORMATS["mistral_v3"]), "malformed"),
    (
        "parsed back unchanged",
        lambda turn: replace(turn, case=case("parallel calls")),
        "parsed as calls of ['get_weather']",
    ),
]


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_every_check_passes(name: str) -> None:
    for mode in case(name).modes:
        assert list(turn_check(name, mode).failures()) == []


@pytest.mark.parametrize(("check", "mutated", "why"), BROKEN)
def test_each_check_can_fail(check: str, mutated: Callable[[TurnCheck], TurnCheck], why: str) -> None:
    assert CHECKS[check](turn_check()) == ""
    assert why in CHECKS[check](mutated(turn_check()))


def test_whitespace_alone_fails_no_other_check() -> None:
    assert [failed.check for failed in respaced(turn_check()).failures()] == [WHITESPACE]


def test_every_check_is_made_to_fail() -> None:
    assert {check for check, _, _ in BROKEN} == set(CHECKS)
