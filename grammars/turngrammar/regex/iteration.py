"""One iteration of a loop: ECMA-262 rejects one that consumes nothing."""

from __future__ import annotations

from turngrammar.regex.tree import (
    NOTHING,
    Alternation,
    Chars,
    Group,
    Look,
    Repeat,
    Sequence,
    Tree,
    alternation,
    sequence,
)


def consuming(tree: Tree) -> Tree:
    """What the tree matches, without the empty text."""
    match tree:
        case Sequence(()) | Look():
            return NOTHING
        case Sequence((first, *rest)):
            others = sequence(*rest)
            return alternation(sequence(consuming(first), others), sequence(resting(first), consuming(others)))
        case Alternation(options):
            return alternation(*map(consuming, options))
        case Group(inner):
            return consuming(inner)
        case Repeat(inner, least, most):
            fewer = Repeat(inner, max(least - 1, 0), None if most is None else most - 1)
            if most == 0:
                return NOTHING
            if least <= 1:
                return sequence(consuming(inner), fewer)
            return alternation(sequence(consuming(inner), fewer), sequence(resting(inner), consuming(fewer)))
        case _:
            return tree


def resting(tree: Tree) -> Tree:
    """What must hold where the tree matches the empty text."""
    match tree:
        case Chars():
            return NOTHING
        case Sequence(parts):
            return sequence(*map(resting, parts))
        case Alternation(options):
            return alternation(*map(resting, options))
        case Group(inner):
            return resting(inner)
        case Repeat(inner, least, _):
            return resting(inner) if least else Sequence()
        case _:
            return tree
