"""How many tokens an answer takes at least, with the model's vocabulary: of a required call, or of the content.

It is a lower bound, so that nothing that fits is refused: of the values of arguments it counts nothing, and of what is
between them as few tokens as any tokenization has, which need not be the tokenizer's own.
"""

from __future__ import annotations

from math import inf

from latticework.engines.vocabulary import Trial, Vocabulary
from turngrammar.client import least_length_of
from turngrammar.completion.shortest_values import ShortestValues
from turngrammar.plan import Plan
from turngrammar.required_texts import Pieces, required_texts
from turngrammar.turn import ClientGrammar, Turn

# Bytes of all ways to call a tool together of which the tokens are counted: a bound stays one without the rest.
MOST_BYTES = 16 * 2**10


def fewest_tokens(turn: Turn, plan: Plan, trial: Trial, vocabulary: Vocabulary) -> int:
    """Of calls up to the end of the first, by the tool with the shortest; 0 where it is unknown."""
    if plan.choice.mode == "required":
        return max(_of_call(plan, vocabulary), len(trial.opening))
    content = _of_content(turn, plan, vocabulary) if plan.choice.mode == "none" else 0
    return max(content, len(trial.opening))


def _of_call(plan: Plan, vocabulary: Vocabulary) -> int:
    by_tool = [required_texts(plan.tree, tool.name, tool.parameters.lowered) for tool in plan.tools]
    if not all(by_tool):
        return 0
    ways = sorted((pieces for ways in by_tool for pieces in ways), key=_length)
    fewest = inf
    for pieces in ways:  # the shortest first, so that the others need not be counted to their end
        fewest = min(fewest, vocabulary.texts.fewest(pieces, MOST_BYTES // len(ways), fewest))
    return int(fewest)


def _length(pieces: Pieces) -> int:
    return sum(len(piece) for piece in pieces if piece is not None)


def _of_content(turn: Turn, plan: Plan, vocabulary: Vocabulary) -> int:
    """By the length of the shortest content alone: it may be written with other characters, and long tokens."""
    least = least_length_of(turn.content) if isinstance(turn.content, ClientGrammar) else _of_document(plan)
    return -(-least // vocabulary.longest)


def _of_document(plan: Plan) -> int:
    """Characters."""
    if plan.document is None:
        return 0
    shortest = ShortestValues(plan.document.lowered).of(plan.document.lowered)
    return shortest.cost if shortest else 0
