"""Tools that can't be compiled, left out of a turn that allows it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from turngrammar.errors import GrammarError
from turngrammar.turn import Turn

T = TypeVar("T")


def without_bad_tools(turn: Turn, compile: Callable[[Turn], T]) -> tuple[T, tuple[GrammarError, ...]]:
    """The compiled turn, without each tool that an error of `compile` names, and those errors.

    Raises GrammarError: an error that names no tool or the last one that may be called, or any if the turn skips none.
    """
    skipped: list[GrammarError] = []
    while True:
        try:
            return compile(turn), tuple(skipped)
        except GrammarError as error:
            rest = turn.without(error.tool)
            if not (turn.skips_bad_tools and error.tool and rest.tools) or rest.choice.names == ():
                raise
            skipped.append(error)
            turn = rest
