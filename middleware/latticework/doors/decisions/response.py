"""Decisions: the answers to questions, with the probability of each answer that was possible."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from latticework.doors.decisions.prompt import AnyQuestion
from latticework.doors.decisions.request import ChoiceQuestion, PredicateQuestion, ScoreQuestion
from latticework.generate import TokenCounts


class PredicateAnswer(msgspec.Struct, frozen=True, tag_field="type", tag="predicate"):
    """`probability`: that the statement is true."""

    name: str | None
    probability: float


class ChoiceProbability(msgspec.Struct, frozen=True):
    """Of one value."""

    value: str | bool
    probability: float


class ChoiceAnswer(msgspec.Struct, frozen=True, tag_field="type", tag="choice"):
    """`choice` is the most likely value, the first of them if there are several.

    `confidence`: how far its probability is above that of all values equally likely, from 0 to 1.
    """

    name: str | None
    choice: str | bool
    confidence: float
    probabilities: tuple[ChoiceProbability, ...]


class LevelProbability(msgspec.Struct, frozen=True):
    """Of one level. `value` is its place in the list of levels, from 0."""

    label: str
    value: int
    probability: float


class ScoreAnswer(msgspec.Struct, frozen=True, tag_field="type", tag="score"):
    """`score` is the expected value: the mean of the levels' values, weighted by their probabilities.

    `confidence` as of a choice.
    """

    name: str | None
    score: float
    confidence: float
    probabilities: tuple[LevelProbability, ...]


class DecisionInputDetails(msgspec.Struct, frozen=True):
    """Of the tokens of the prompts, those that were in the engine's prefix cache."""

    cached_tokens: int
    cache_write_tokens: int = 0


class DecisionOutputDetails(msgspec.Struct, frozen=True):
    """There is no reasoning."""

    reasoning_tokens: int = 0


class DecisionUsage(msgspec.Struct, frozen=True):
    """Token counts: of a prompt for each question, and of the tokens whose probabilities the engine has computed."""

    input_tokens: int
    input_tokens_details: DecisionInputDetails
    output_tokens: int
    output_tokens_details: DecisionOutputDetails
    total_tokens: int


class Decision(msgspec.Struct, frozen=True):
    """The answers, in the order of the questions."""

    model: str
    answers: tuple[PredicateAnswer | ChoiceAnswer | ScoreAnswer, ...]
    usage: DecisionUsage


DecisionAnswer = PredicateAnswer | ChoiceAnswer | ScoreAnswer


def decision_usage(tokens: TokenCounts) -> DecisionUsage:
    """`tokens`: of `DecisionScores`."""
    cached, reasoning = DecisionInputDetails(tokens.cached), DecisionOutputDetails()
    return DecisionUsage(tokens.prompt, cached, tokens.generated, reasoning, tokens.prompt + tokens.generated)


def answer_to(question: AnyQuestion, probabilities: Sequence[float]) -> DecisionAnswer:
    """The answer, from the probabilities of `answer_texts`."""
    return _ANSWERS[type(question)](question, probabilities)


def _predicate_answer(question: PredicateQuestion, probabilities: Sequence[float]) -> PredicateAnswer:
    return PredicateAnswer(question.name, probabilities[0])


def _choice_answer(question: ChoiceQuestion, probabilities: Sequence[float]) -> ChoiceAnswer:
    values = [choice.value for choice in question.choices]
    likeliest = values[max(range(len(values)), key=probabilities.__getitem__)]
    each = tuple(map(ChoiceProbability, values, probabilities))
    return ChoiceAnswer(question.name, likeliest, certainty(probabilities), each)


def _score_answer(question: ScoreQuestion, probabilities: Sequence[float]) -> ScoreAnswer:
    expected = sum(value * probability for value, probability in enumerate(probabilities))
    levels = zip(question.levels, probabilities, strict=True)
    each = tuple(LevelProbability(level.label, value, p) for value, (level, p) in enumerate(levels))
    return ScoreAnswer(question.name, expected, certainty(probabilities), each)


def certainty(probabilities: Sequence[float]) -> float:
    """0 where all are equal, 1 where one of them is 1, and linear in the highest."""
    count = len(probabilities)
    return min(1.0, max(0.0, (count * max(probabilities) - 1) / (count - 1)))


_ANSWERS: Mapping[type[AnyQuestion], Callable[[Any, Sequence[float]], DecisionAnswer]] = {
    PredicateQuestion: _predicate_answer,
    ChoiceQuestion: _choice_answer,
    ScoreQuestion: _score_answer,
}
