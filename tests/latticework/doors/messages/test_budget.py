"""Reasoning of sampled lengths against sampled budgets: no turn exceeds its own."""

from __future__ import annotations

import random
from collections.abc import AsyncGenerator, Sequence

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from tests.latticework.doors.messages.messaging import post, scripted
from tests.scripted import Script

TURNS = 200
OPENING, CLOSING, ANSWER = "<think>\n", "\n</think>\n\n", "So it is."
# Below the least budget; the tokens up to there come in one piece.
SURE = 1000


def thinking_for(rng: random.Random) -> Script:
    """Each turn thinks for another number of tokens, most of them one by one, as they are generated."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        ended = bytes(prompt).decode().endswith("</think>\n\n")
        thoughts = "t" * rng.randint(SURE, 1200)
        first, rest = ("", ANSWER) if ended else (OPENING + thoughts[:SURE], thoughts[SURE:] + CLOSING + ANSWER)
        if first:
            yield Piece(first, tuple(first.encode()))
        for letter in rest:
            yield Piece(letter, tuple(letter.encode()))
        yield Piece("", (), finish="stop")

    return script


def test_no_turn_exceeds_its_budget() -> None:
    rng = random.Random(1)
    app = create_app(scripted(thinking_for(rng)), settings=Settings(compile_timeout=60))
    over, at = [], 0
    for turn in range(TURNS):
        budget = rng.randint(1024, 1150)
        thinking = {"type": "enabled", "budget_tokens": budget}
        message = post(app, thinking=thinking, max_tokens=5000, seed=turn).json()
        spent = message["usage"]["output_tokens_details"]["thinking_tokens"]
        reasoning, text = message["content"]
        assert (reasoning["type"], text) == ("thinking", {"type": "text", "text": ANSWER})
        assert len(reasoning["thinking"]) <= spent, "a token a letter"
        over += [(budget, spent)] * (spent > budget)
        at += spent == budget
    assert over == []
    assert 20 < at < TURNS, "some were ended, and some were not"
