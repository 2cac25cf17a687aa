"""Decisions of a tiny model by OpenAI's client, against brute force: every tokenization, by transformers alone."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
import torch
from llguidance import LLMatcher
from openai import AsyncOpenAI
from openai.types import Decision
from transformers import LlamaForCausalLM

from latticework import create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.portable import PortableArgs, PortableEngine
from latticework.generate.scoring import whole_text
from tests.portable.conftest import NAME
from tests.portable.test_scoring import BruteForce


class Noting(PortableEngine):
    """Keeps the prompt of each request."""

    def __init__(self, args: PortableArgs) -> None:
        super().__init__(args)
        self.prompts: list[Sequence[int]] = []

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        self.prompts.append(prompt)
        return super().generate(prompt, sampling, request_id)


PREDICATE = {"type": "predicate", "name": "twice", "instructions": "The customer was charged twice."}
KINDS = ["bill", "billing", "technical", True, "true", ""]
CHOICE = {"type": "choice", "instructions": "Which kind?", "choices": [{"value": value} for value in KINDS]}
SCORE = {
    "type": "score",
    "name": "urgency",
    "instructions": [{"type": "input_text", "text": "How urgent?"}],
    "levels": [{"label": "low"}, {"label": "middle", "description": "this week"}, {"label": "high"}],
}
# Each question, and the texts of its answers.
QUESTIONS: list[tuple[dict[str, Any], list[str]]] = [
    (PREDICATE, ["Yes", "No"]),
    (CHOICE, [json.dumps(value) for value in KINDS]),
    (SCORE, ["0", "1", "2"]),
    ({**CHOICE, "choices": [{"value": "a"}, {"value": "ab"}, {"value": "é"}]}, ["a", "ab", "é"]),
]


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Noting:
    return Noting(PortableArgs(str(tiny), served_model_name=[NAME], max_num_seqs=4, device="cpu"))


@pytest.fixture(scope="module")
def decided(engine: Noting) -> Iterator[Any]:
    app = create_app(engine)

    async def decide(questions: Any) -> Decision:
        http = httpx2.AsyncClient(transport=httpx2.ASGITransport(app))
        async with AsyncOpenAI(base_url="http://in-process/v1", api_key="none", http_client=http) as client:
            return await client.decisions.create(model=NAME, input="Twice! Money back!", questions=questions)

    with asyncio.Runner() as runner:
        lifespan = app.router.lifespan_context(app)
        runner.run(lifespan.__aenter__())
        yield lambda *questions: runner.run(decide(questions))
        runner.run(lifespan.__aexit__(None, None, None))


def probabilities(answer: Any) -> list[float]:
    if answer.type == "predicate":
        return [answer.probability, 1 - answer.probability]
    return [each.probability for each in answer.probabilities]


def test_probabilities_are_those_of_brute_force(tiny: Path, engine: Noting, decided: Any) -> None:
    model = LlamaForCausalLM.from_pretrained(tiny, dtype=torch.float64)
    together = decided(*(question for question, _ in QUESTIONS))
    tokenizer = engine.tokenizer.vocabulary.matchable
    assert together.usage.output_tokens == len(engine.prompts)
    for (question, texts), answer in zip(QUESTIONS, together.answers, strict=True):
        before = len(engine.prompts)
        alone = decided(question).answers[0]
        grammar = "start: " + " | ".join(json.dumps(text) for text in texts)
        reference = BruteForce(model, tokenizer, engine.prompts[before], whole_text)
        reference.follow(LLMatcher(tokenizer, grammar, log_level=0))
        expected = [reference.masses.get(text, 0.0) / sum(reference.masses.values()) for text in texts]
        for found in (answer, alone):
            assert found.name == question.get("name")
            assert probabilities(found) == pytest.approx(expected, abs=1e-4)
            assert sum(probabilities(found)) == pytest.approx(1)


def test_what_follows_from_the_probabilities(decided: Any) -> None:
    choice, score = decided(CHOICE, SCORE).answers
    assert [each.value for each in choice.probabilities] == KINDS
    best = max(choice.probabilities, key=lambda each: each.probability)
    assert (choice.choice, type(choice.choice)) == (best.value, type(best.value))
    assert choice.confidence == pytest.approx((6 * best.probability - 1) / 5)
    assert [(each.label, each.value) for each in score.probabilities] == [("low", 0), ("middle", 1), ("high", 2)]
    assert score.score == pytest.approx(sum(each.value * each.probability for each in score.probabilities))
    assert 0 <= score.confidence <= 1
