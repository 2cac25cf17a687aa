"""Which of an answer's tokens the confidence of a value is of."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.engines.base import Piece, SampledToken, Sampling
from latticework.generate.outcomes import MOST_EXPLORED, Explorer, whole_text
from tests.http import send
from tests.scripted import ByteTokenizer, Script, ScriptedEngine
from turngrammar.formats import HERMES
from turngrammar.json_scalars import scalar_of
from turngrammar.render import Call, render

PARAMETERS = {"type": "object", "properties": {"x": {"type": "string"}}, "required": ["x"]}
TOOLS = [{"type": "function", "function": {"name": name, "parameters": PARAMETERS}} for name in "fg"]
MESSAGES = [{"role": "user", "content": "Hi"}]
SURE, UNSURE = -0.01, -3.0


def called(name: str) -> str:
    return render(HERMES, [Call(name, '{"x": "a"}')])


def bytewise(*texts: tuple[str, float], cut: bool = False) -> Script:
    """Texts with the log probability of each byte of them."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        tokens = [(byte, logprob) for text, logprob in texts for byte in text.encode()]
        for left, (byte, logprob) in zip(range(len(tokens) - 1, -1, -1), tokens, strict=True):
            sampled = SampledToken(chr(byte), logprob, (byte,), id=byte)
            yield Piece(chr(byte), (byte,), (sampled,), finish="length" if cut and not left else None)
        if not cut:
            yield Piece("", (0,), (SampledToken("", 0.0, (), id=0),), finish="stop")

    return script


def confidence(script: Script, **fields: Any) -> Mapping[str, Any]:
    app = create_app(ScriptedEngine(script), settings=Settings(compile_timeout=60))
    body = {"model": "scripted", "messages": MESSAGES, "confidence": True, **fields}
    answer = send(app, "POST", "/v1/chat/completions", content=json.dumps(body)).json()
    found: Mapping[str, Any] = answer["choices"][0]["confidence"]
    return found


def test_a_call_that_is_left_out_has_no_part_in_that_of_the_same_call_before() -> None:
    once = confidence(bytewise((called("f"), SURE)), tools=TOOLS, tool_choice="required")
    assert math.isclose(once["calls"][0]["/x"]["p"], math.exp(3 * SURE))
    again = bytewise((called("f") + "\n", SURE), (called("f"), UNSURE))
    assert confidence(again, tools=TOOLS, tool_choice="required") == once


def test_what_completes_a_call_was_not_generated() -> None:
    """Though the arguments that it is completed to were, in another call."""
    script = bytewise((called("f") + "\n", SURE), (called("g").partition('"}}')[0], UNSURE), cut=True)
    found = confidence(script, tools=TOOLS, tool_choice="required", truncation="close", max_tokens=200)
    assert found["calls"][1] == {}
    assert math.isclose(found["calls"][0]["/x"]["p"], math.exp(3 * SURE))


def test_calls_before_the_cut_keep_theirs() -> None:
    for truncation in ("cut", "close", "complete"):
        script = bytewise((called("f") + "\n", SURE), (called("g"), SURE), cut=True)
        found = confidence(script, tools=TOOLS, tool_choice="required", truncation=truncation, max_tokens=200)
        assert [list(call) for call in found["calls"]] == [["/x"], ["/x"]]


@pytest.mark.parametrize("truncation", ["cut", "close", "complete"])
def test_a_document_that_was_cut_has_no_values_though_it_may_look_whole(truncation: str) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "integer"}}}
    fields = {"response_format": form, "max_tokens": 2, "truncation": truncation}
    assert confidence(bytewise(("12", SURE), cut=True), **fields) == {"content": {}}


def test_places_with_many_values_are_given_up_early() -> None:
    decided = 0

    def counting(text: bytes, ended: bool) -> Any:
        nonlocal decided
        decided += 1
        return whole_text(text, ended)

    assert Explorer(ByteTokenizer.vocabulary, "start: /[0-9]{1,9}/").tree((), 0, counting) is None
    assert decided < 1000


def test_an_answer_with_many_of_them_is_not_explored_to_its_end() -> None:
    numbers = ("1," * 1000).encode()
    explorer = Explorer(ByteTokenizer.vocabulary, 'start: (NUMBER ",")*\nNUMBER: /[0-9]{1,9}/')
    decided = 0

    def decide(text: bytes, ended: bool) -> Any:
        nonlocal decided
        decided += 1
        return text if text.endswith(b",") or ended else None

    for at in range(0, len(numbers), 2):
        assert explorer.tree(tuple(numbers), at, decide) is None
    assert decided < 20 * MOST_EXPLORED


def test_whole_numbers_are_compared_as_they_are_written() -> None:
    assert scalar_of(b"1e+23") == scalar_of(b"100000000000000000000000") != scalar_of(b"99999999999999991611392")
