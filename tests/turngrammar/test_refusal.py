"""The laws of a refusal in place of a document, for every format, tool choice and state of the prompt."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator

import pytest

from tests.turngrammar.laws import chunkings, generates, read, sample
from tests.turngrammar.test_laws import CALLS, NASTY, WEATHER, every_format, fitting, plan
from turngrammar.formats import FORMATS, Format
from turngrammar.plan import compile_turn
from turngrammar.render import Call, render
from turngrammar.turn import JsonContent, Mode, Reasoning, Tool, ToolChoice, Turn
from turngrammar.wire import opens_refusal

CONTENT = JsonContent(WEATHER.parameters, refusal=True)
ANY = JsonContent(True, refusal=True)
REFUSALS = [
    "I",
    "Even so: no.",  # an E is a character of numbers too
    "True to my word, I won't. 1e5",
    'Sorry.\n\n{"city": "Oslo"} is not for you. 🌦️',
    "Désolé",
    "Élan vital",
    "抱歉,我不能帮你。",
    "Now\n",  # as a call of a tool begins, in formats without marks
]
CHUNKED = (REFUSALS[1], REFUSALS[-1])
MODES: tuple[Mode, ...] = ("auto", "none")


def states(format: Format) -> Iterator[tuple[Reasoning, str]]:
    """Each state in which a prompt may leave the model, and what it writes in it before its answer."""
    frame, opens = format.reasoning, format.answer.open if format.answer else ""
    yield "off", opens
    if frame:
        behind = f"Hm.{frame.close}{frame.gap}{frame.resume}"
        yield "may", frame.open + behind + opens
        yield "open", behind + opens
        yield "closed", frame.behind_either.gap + opens
    if format.answer and format.answer.open:
        yield "answer", ""


@every_format
@pytest.mark.parametrize("mode", MODES)
def test_a_refusal_is_generated_and_read_at_every_chunking(format: Format, mode: Mode) -> None:
    close = format.answer.close if format.answer else ""
    for reasoning, before in states(format):
        chunked = CHUNKED if reasoning == "off" else ()
        compiled = plan(format, ToolChoice(mode), content=CONTENT, reasoning=reasoning)
        assert compiled.grammar
        for refusal in REFUSALS:
            text = before + refusal + close
            assert generates(compiled.grammar, text), (reasoning, text)
            every = chunkings(text, random.Random(text)) if refusal in chunked else ([text], list(text))
            for pieces in every:
                message = read(compiled, pieces)
                assert (message.refusal, message.content, message.calls) == (refusal, "", []), (reasoning, pieces)
                assert not message.malformed
            assert not compiled.violations("", (), refused=True)
        document = before + CALLS[1][0].arguments + close
        assert generates(compiled.grammar, document)
        message = read(compiled, list(document))
        assert (message.refusal, message.content) == ("", CALLS[1][0].arguments)


@every_format
def test_calls_are_still_made(format: Format) -> None:
    calls = fitting(format, CALLS[1])
    compiled, text = plan(format, ToolChoice(), content=CONTENT), render(format, calls)
    assert compiled.grammar
    assert generates(compiled.grammar, text)
    for pieces in ([text], list(text)):
        message = read(compiled, pieces)
        assert ([call.name for call in message.calls], message.refusal) == ([call.name for call in calls], "")


@every_format
def test_what_is_generated_is_one_of_the_three(format: Format) -> None:
    compiled = plan(format, ToolChoice(), content=ANY)
    assert compiled.grammar
    rng, kinds = random.Random(7), set()
    liked = [render(format, fitting(format, calls)) for calls in CALLS[:3]] + NASTY
    liked += [refusal + (format.answer.close if format.answer else "") for refusal in REFUSALS]
    for _ in range(30):
        text, whole = sample(compiled.grammar, rng, 300, liked)
        message = read(compiled, [text])
        assert message == read(compiled, list(text))
        assert not message.malformed, text
        if whole:
            given = [name for name in ("content", "refusal", "calls") if getattr(message, name)]
            assert len(given) == 1, text
            kinds.update(given)
            assert not compiled.violations(message.content, message.calls, refused=bool(message.refusal)), text
            assert not message.refusal or opens_refusal(message.refusal[0])
    assert {"content", "refusal"} <= kinds


@every_format
def test_a_refusal_does_not_look_like_a_call(format: Format) -> None:
    """What a client is told to be a call was one, and what it is told to be a refusal can't be one."""
    capital = Tool("Now", parameters={"type": "object"})
    compiled = compile_turn(Turn(format, (capital,), ToolChoice(), CONTENT))
    calls = render(format, [Call("Now", "{}")])
    assert compiled.grammar
    for pieces in chunkings(calls, random.Random(3)):
        message = read(compiled, pieces)
        assert ([call.name for call in message.calls], message.refusal) == (["Now"], "")
    if not format.answer and not format.alone:
        assert not generates(compiled.grammar, "No: " + calls)


def test_no_document_opens_as_a_refusal() -> None:
    compiled = plan(FORMATS["hermes"], ToolChoice("none"), content=ANY)
    assert compiled.grammar
    for text in ("{}", "[]", '"E"', "-1", "0", "true", "false", "null"):
        assert json.dumps(json.loads(text)) == text
        assert not opens_refusal(text[0])
        assert generates(compiled.grammar, text)
    for text in ("i can't", " I", "\xa0No", "(No)"):
        assert not generates(compiled.grammar, text)


def test_without_leave_there_is_none() -> None:
    for choice in (ToolChoice("none"), ToolChoice()):
        grammar = plan(FORMATS["hermes"], choice, content=JsonContent(WEATHER.parameters)).grammar
        assert grammar
        assert not generates(grammar, "I can't.")
    required = plan(FORMATS["hermes"], ToolChoice("required"), content=CONTENT)
    assert required.grammar
    assert not required.refusal
    assert not generates(required.grammar, "I can't.")
