"""Regular expressions with the semantics of ECMA-262, as languages that can be intersected, complemented and printed.

`pattern_matcher` decides whether a pattern matches anywhere in a text: with an automaton, or by backtracking if the
pattern is not regular. A pattern can make either take exponential time, so both respect the thread's `time_budget`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import regex as backtracking  # type: ignore[import-untyped]

from turngrammar.regex.automaton import (
    BudgetExceeded,
    automaton,
    disjoint,
    is_empty,
    printable,
    seconds_left,
    time_budget,
)
from turngrammar.regex.ecma import compile_pattern
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
from turngrammar.regex.syntax import Irregular, RegexError
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
    "seconds_left",
    "shortest_rest",
    "time_budget",
    "union",
]

SEARCH_SECONDS = 1.0  # of one backtracking search; ordinary patterns take far less


@lru_cache(maxsize=1024)
def pattern_matcher(pattern: str) -> Callable[[str], bool]:
    """Raises ValueError for an invalid regular expression; the function it returns raises BudgetExceeded."""
    try:
        return automaton(compile_pattern(pattern)).matches
    except RegexError:
        return _backtracking_matcher(pattern)


def _backtracking_matcher(pattern: str) -> Callable[[str], bool]:
    try:
        search = backtracking.compile(pattern).search
    except backtracking.error as error:
        raise ValueError(str(error)) from error

    def matches(text: str) -> bool:
        try:
            # Without `concurrent`, the search holds Python's lock until it ends.
            return search(text, timeout=min(SEARCH_SECONDS, seconds_left()), concurrent=True) is not None
        except TimeoutError:
            raise BudgetExceeded from None

    return matches
