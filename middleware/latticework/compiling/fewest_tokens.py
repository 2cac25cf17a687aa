"""How many tokens a required call takes at least, with the model's vocabulary.

It is a lower bound, so that nothing that fits is refused: of the values of arguments it counts nothing, and of what is
between them as few tokens as any tokenization has, which need not be the tokenizer's own.
"""

from __future__ import annotations

from latticework.engines.vocabulary import Vocabulary
from turngrammar.plan import Plan
from turngrammar.required_texts import required_texts

# Bytes of all ways to call a tool together of which the tokens are counted: a bound stays one without the rest.
MOST_BYTES = 16 * 2**10


def fewest_tokens(plan: Plan, vocabulary: Vocabulary) -> int:
    """Up to the end of the first call, by the tool with the shortest; 0 where it is unknown, or no call is required."""
    if plan.choice.mode != "required":
        return 0
    by_tool = [required_texts(plan.tree, tool.name, tool.parameters.lowered) for tool in plan.tools]
    if not all(by_tool):
        return 0
    ways = [pieces for ways in by_tool for pieces in ways]
    return min(vocabulary.texts.fewest(pieces, MOST_BYTES // len(ways)) for pieces in ways)
