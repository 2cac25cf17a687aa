"""Regular expressions with the semantics of ECMA-262, as languages that can be intersected, complemented and printed.

`pattern_matcher` decides whether a pattern matches anywhere in a text: with an automaton, or by backtracking if the
pattern is not regular. A pattern can make either take exponential time, so both respect the thread's `time_budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from turngrammar.schema.regex.automaton import automaton, disjoint, is_empty
from turngrammar.schema.regex.backtracking import backtracking_matcher
from turngrammar.schema.regex.budget import BudgetExceeded, seconds_left, time_budget
from turngrammar.schema.regex.ecma import compile_pattern, texts_with
from turngrammar.schema.regex.elimination import printable
from turngrammar.schema.regex.errors import Irregular, RegexError, excerpt
from turngrammar.schema.regex.language import (
    ANY,
    NEVER,
    Language,
    all_but,
    complement,
    finite,
    intersection,
    of_length,
    union,
)
from turngrammar.schema.regex.syntax import parse_pattern
from turngrammar.schema.regex.text import pattern_text

__all__ = [
    "ANY",
    "NEVER",
    "BudgetExceeded",
    "Irregular",
    "Language",
    "RegexError",
    "all_but",
    "automaton",
    "compile_pattern",
    "complement",
    "disjoint",
    "excerpt",
    "finite",
    "intersection",
    "is_empty",
    "of_length",
    "pattern_matcher",
    "pattern_text",
    "printable",
    "readings",
    "seconds_left",
    "time_budget",
    "union",
]


def readings(pattern: str) -> Mapping[str, str]:
    """The constructs of other dialects in a pattern, and what of ECMA-262 they are read as. Raises RegexError."""
    return parse_pattern(pattern).readings


@lru_cache(maxsize=1024)
def pattern_matcher(pattern: str) -> Callable[[str], bool]:
    """Raises RegexError; the function it returns raises BudgetExceeded."""
    parsed = parse_pattern(pattern)
    try:
        return automaton(texts_with(parsed.tree)).matches
    except Irregular:
        return backtracking_matcher(parsed)
