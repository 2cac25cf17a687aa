"""Scoring where the engine is at fault."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from latticework.engines.base import EngineDead, EngineError, EngineFailed, Piece, SampledToken, Sampling
from latticework.generate.scoring import AnswerPlace, Question, score, whole_text
from tests.scripted import ByteTokenizer, Script

CHOICE = 'start: "a" | "b" | "ab" | "ba"'


class Scripted:
    """`running` counts the requests that have not ended."""

    names = ("scripted",)
    max_model_len = 100

    def __init__(self, script: Script) -> None:
        self.script = script
        self.running = 0

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        self.running += 1
        try:
            async for piece in self.script(prompt, sampling):
                yield piece
        finally:
            self.running -= 1


async def unmasked(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """The grammar allows two tokens, which have half of the probability here."""
    yield Piece("a", (97,), (SampledToken("a", -2.0, (97,), id=97),), finish="length")


async def dying(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    if bytes(prompt) == b"?a":
        raise EngineDead("The engine has died.")
    await asyncio.Event().wait()
    yield Piece("", ())


@pytest.mark.parametrize(("script", "error"), [(unmasked, EngineFailed), (dying, EngineDead)])
def test_an_engine_at_fault_is_an_error_and_no_request_is_left(script: Script, error: type[EngineError]) -> None:
    async def run() -> int:
        model = Scripted(script)
        question = Question(b"?", CHOICE, ByteTokenizer.vocabulary, Sampling(1))
        with pytest.raises(error):
            await score(model, question, [AnswerPlace((), 0, whole_text)], "r")
        return model.running

    assert asyncio.run(run()) == 0


def test_a_node_beyond_the_context_is_not_asked_for() -> None:
    async def run() -> None:
        model = Scripted(unmasked)
        question = Question(b"?" * 100, CHOICE, ByteTokenizer.vocabulary, Sampling(1))
        scored = await score(model, question, [AnswerPlace((), 0, whole_text)], "r")
        assert (scored.outcomes, scored.passes) == ([None], 0)

    asyncio.run(run())
