"""Whether a pattern matches somewhere in a text: by automaton, and by backtracking where it is not regular.

With patterns made for that, both can take for ever: they keep to the budget of the check that they work for.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import regex as backtracking  # type: ignore[import-untyped]

from turngrammar.schema import regex
from turngrammar.schema.budget import Exceeded, left

# One search: more than any honest pattern takes.
SECONDS = 1.0


@lru_cache(maxsize=1024)
def finder(pattern: str) -> Callable[[str], bool]:
    """Raises ValueError for what is no regular expression; what it returns raises Exceeded."""
    try:
        return regex.automaton(regex.compile_pattern(pattern)).matches
    except regex.RegexError:
        return _backtracking(pattern)


def _backtracking(pattern: str) -> Callable[[str], bool]:
    try:
        search = backtracking.compile(pattern).search
    except backtracking.error as error:
        raise ValueError(str(error)) from error

    def found(text: str) -> bool:
        try:
            # Without `concurrent`, Python's lock is held for as long as the search takes.
            return search(text, timeout=min(SECONDS, left()), concurrent=True) is not None
        except TimeoutError:
            raise Exceeded from None

    return found
