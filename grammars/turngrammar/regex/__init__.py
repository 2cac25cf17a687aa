"""Regular expressions with the semantics of ECMA-262, as languages that can be intersected, complemented and printed.

`pattern_matcher` decides whether a pattern matches anywhere in a text: with an automaton, or by backtracking if the
pattern is not regular. A pattern can make either take exponential time, so both respect the thread's `time_budget`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache

from turngrammar.regex.automaton import automaton, disjoint, is_empty
from turngrammar.regex.backtracking import backtracking_matcher
from turngrammar.regex.budget import BudgetExceeded, seconds_left, time_budget
from turngrammar.regex.ecma import compile_pattern, texts_with, widened
from turngrammar.regex.elimination import printable
from turngrammar.regex.errors import Irregular, RegexError, excerpt
from turngrammar.regex.json_text import in_json_string
from turngrammar.regex.language import (
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
from turngrammar.regex.matches import long_start, shortest_rest
from turngrammar.regex.syntax import parse_pattern
from turngrammar.regex.text import expression_text, pattern_text, printed_language

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
    "expression_text",
    "finite",
    "in_json_string",
    "intersection",
    "is_empty",
    "long_start",
    "of_length",
    "pattern_matcher",
    "pattern_text",
    "printable",
    "printed_language",
    "readings",
    "seconds_left",
    "shortest_rest",
    "time_budget",
    "union",
    "widened",
]


def readings(pattern: str) -> Mapping[str, str]:
    """The constructs of other dialects in a pattern, and what of ECMA-262 they are read as. Raises RegexError."""
    return parse_pattern(pattern).readings


@lru_cache(maxsize=1024)
def pattern_matcher(pattern: str) -> Callable[[str], bool]:
    """Raises RegexError; the function it returns raises BudgetExceeded."""
    tree = parse_pattern(pattern).tree
    try:
        return automaton(texts_with(tree)).matches
    except Irregular:
        return backtracking_matcher(tree)
