"""The probabilities of outcomes, against brute force: every tokenization under the masks, by transformers alone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from llguidance import LLMatcher, LLTokenizer
from transformers import LlamaForCausalLM

from latticework.engines.base import Piece, Sampling
from latticework.generate.outcomes import OTHER, Decide
from latticework.generate.scoring import AnswerPlace, Question, Scored, score, whole_text
from tests.portable.conftest import Driven
from tests.portable.test_engine import passes

# Tokenizations of which brute force leaves off less.
NEGLIGIBLE = 1e-7


@dataclass
class Generating:
    """An engine, as a model is for those that generate."""

    driven: Driven
    names: tuple[str, ...] = ("tiny",)

    @property
    def max_model_len(self) -> int:
        return self.driven.engine.max_model_len

    def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        return self.driven.engine.generate(prompt, sampling, request_id)


@pytest.fixture(scope="module")
def model(tiny: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(tiny, dtype=torch.float64)


class BruteForce:
    """All tokenizations behind some tokens, one forward pass each."""

    def __init__(self, model: LlamaForCausalLM, tokenizer: LLTokenizer, tokens: Sequence[int], decide: Decide) -> None:
        self.masses: dict[Hashable, float] = {}
        self._model = model
        self._tokenizer = tokenizer
        self._tokens = tokens
        self._decide = decide

    @torch.inference_mode()
    def follow(self, matcher: LLMatcher, path: tuple[int, ...] = (), text: bytes = b"", mass: float = 1.0) -> None:
        bits = torch.frombuffer(bytearray(matcher.compute_bitmask()), dtype=torch.uint8)
        allowed = (bits.unsqueeze(-1) >> torch.arange(8, dtype=torch.uint8) & 1).flatten().nonzero().flatten()
        logits = self._model(torch.tensor([[*self._tokens, *path]])).logits[0, -1]
        for token, p in zip(allowed.tolist(), logits[allowed].softmax(-1).tolist(), strict=True):
            ended = token in self._tokenizer.eos_tokens
            behind = text if ended else text + self._tokenizer.decode_bytes([token])
            outcome = self._decide(behind, ended)
            if outcome is not None:
                self.masses[outcome] = self.masses.get(outcome, 0.0) + mass * p
            elif mass * p > NEGLIGIBLE:
                further = matcher.deep_copy()
                further.consume_token(token)
                self.follow(further, (*path, token), behind, mass * p)


def second_letter(text: bytes, ended: bool) -> str | None:
    """Of "A x", given that the first letter is A."""
    if text[:1] not in b"A":
        return OTHER  # type: ignore[return-value]
    return text[2:3].decode() or None


@pytest.mark.parametrize(
    ("grammar", "begun", "decide", "count"),
    [
        ('start: "yes" | "no"', "", whole_text, 2),
        ('start: "neg" | "negative" | "neutral" | "positive"', "", whole_text, 4),
        ("start: /[0-9]|10/", "", whole_text, 11),
        ('start: "é" | "è" | "e" | "日本" | "日"', "", whole_text, 5),
        ('start: "The answer is: " ("A" | "B" | "AB") "."', "The answer is: ", whole_text, 3),
        ('start: ("A" | "B") " " ("x" | "y" | "z")', "", second_letter, 3),
        ('start: "only this"', "", whole_text, 1),
    ],
)
def test_outcomes_have_their_probabilities_over_all_tokenizations(
    driven: Driven, model: LlamaForCausalLM, grammar: str, begun: str, decide: Decide, count: int
) -> None:
    vocabulary = driven.engine.tokenizer.vocabulary
    tokenizer = vocabulary.matchable
    prompt, tokens = driven.ids("Is it so?\n"), tokenizer.tokenize_str(begun)
    before = passes(driven)
    question = Question(prompt, grammar, vocabulary, Sampling(1, temperature=0.0, logit_bias={1: 50.0}))
    scored = driven.runner.run(
        score(Generating(driven), question, [AnswerPlace(tuple(tokens), len(tokens), decide)], "scored")
    )
    assert passes(driven) - before == scored.passes

    matcher = LLMatcher(tokenizer, grammar, log_level=0)
    matcher.consume_tokens(tokens)
    reference = BruteForce(model, tokenizer, [*prompt, *tokens], decide)
    reference.follow(matcher)
    expected = {outcome: mass for outcome, mass in reference.masses.items() if outcome is not OTHER}
    (found,) = scored.outcomes
    assert found is not None
    assert len(found) == count
    assert sum(found.values()) == pytest.approx(1)
    for outcome, p in found.items():
        assert p == pytest.approx(expected.get(outcome, 0.0) / sum(expected.values()), abs=1e-4), outcome


def test_what_is_certain_takes_no_pass_and_what_has_no_end_is_left_out(driven: Driven) -> None:
    grammar = 'start: "(" /[0-9]{3}/ ")" ("a" | "b")'
    vocabulary = driven.engine.tokenizer.vocabulary
    begun = [tuple(vocabulary.matchable.tokenize_str(text)) for text in ("(", "(123)", "(123)b")]
    places = [AnswerPlace(tokens, len(tokens), whole_text) for tokens in begun]
    question = Question(driven.ids("Which?"), grammar, vocabulary, Sampling(1))
    scored: Scored = driven.runner.run(score(Generating(driven), question, places, "scored"))
    endless, letter, certain = scored.outcomes
    assert endless is None
    assert letter is not None and set(letter) == {"a", "b"}
    assert certain == {"": 1.0}
    assert (scored.passes, scored.rounds) == (1, 1)
