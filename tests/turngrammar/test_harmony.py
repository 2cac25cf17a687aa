"""gpt-oss: a call has its recipient before the channel or behind it, and stands on either of two channels."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.turngrammar.laws import chunkings, generates, read
from turngrammar.formats.marked import HARMONY
from turngrammar.plan import compile_turn
from turngrammar.render import Call
from turngrammar.turn import ClientGrammar, JsonContent, Mode, Reasoning, Tool, ToolChoice, Turn

PARAMETERS = {
    "type": "object",
    "properties": {"a": {"type": "integer"}},
    "required": ["a"],
    "additionalProperties": False,
}
TOOLS = (Tool("f", "", PARAMETERS), Tool("find-it", "", PARAMETERS))
SPECIAL = {"<|channel|>": 256, "<|message|>": 257, "<|end|>": 258, "<|start|>": 259, "<|constrain|>": 260}
REASONED = "<|channel|>analysis<|message|>Hm. to=functions.f<|end|><|start|>assistant"
HEADS = (
    "<|channel|>commentary to=functions.f",
    "<|channel|>analysis to=functions.f",
    " to=functions.f<|channel|>commentary",
    " to=functions.f<|channel|>analysis",
)
FORMS = (" <|constrain|>json<|message|>", " json<|message|>")


@pytest.mark.parametrize("mode", ["auto", "required"])
@pytest.mark.parametrize("before", ["", REASONED])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("head", HEADS)
def test_a_call_on_either_channel_is_written_and_read(mode: Mode, before: str, form: str, head: str) -> None:
    turn = Turn(HARMONY, TOOLS, ToolChoice(mode), special_tokens=SPECIAL, reasoning="may")
    plan, text = compile_turn(turn), before + head + form + '{"a": 1}<|call|>'
    assert plan.grammar and generates(plan.grammar, text, SPECIAL)
    assert not generates(plan.grammar, text.replace("functions.f", "functions.g"), SPECIAL)
    assert not generates(plan.grammar, text.replace("1}", '"one"}'), SPECIAL)
    for pieces in chunkings(text, random.Random(1)):
        message = read(plan, pieces)
        assert [Call(call.name, call.arguments) for call in message.calls] == [Call("f", '{"a": 1}')]
        assert (message.content, message.malformed, message.ended) == ("", [], [0])
        assert message.reasoning == ("Hm. to=functions.f" if before else "")


def test_reasoning_is_not_a_call() -> None:
    plan = compile_turn(Turn(HARMONY, TOOLS, special_tokens=SPECIAL, reasoning="may"))
    message = read(plan, [REASONED, "<|channel|>final<|message|>It rains."])
    assert (message.reasoning, message.content, message.calls) == ("Hm. to=functions.f", "It rains.", [])


CONTENTS: dict[str, dict[str, Any]] = {
    "text": {},
    "document": {"content": JsonContent({"type": "integer"})},
    "choice": {"content": ClientGrammar("choice", ("yes", "no"))},
}


@pytest.mark.parametrize("reasoning", ["closed", "answer"])
@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS)
@pytest.mark.parametrize("head", HEADS)
def test_a_call_behind_closed_reasoning_or_in_an_answer(
    reasoning: Reasoning, content: dict[str, Any], head: str
) -> None:
    plan = compile_turn(Turn(HARMONY, TOOLS, special_tokens=SPECIAL, reasoning=reasoning, **content))
    behind = "<|end|><|start|>assistant" if reasoning == "answer" else ""
    text = behind + head + FORMS[0] + '{"a": 1}<|call|>'
    assert plan.grammar and generates(plan.grammar, text, SPECIAL)
    for pieces in ([text], list(text)):
        message = read(plan, pieces)
        assert ([call.name for call in message.calls], message.content, message.malformed) == (["f"], "", [])
