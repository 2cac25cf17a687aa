"""The literals that end a free text, and how much of a text can't be one of them yet."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache


class Stops:
    """Looks for any of some literals in a text that grows. Build it by `stops`."""

    def __init__(self, literals: tuple[str, ...]) -> None:
        self._literals = literals
        begun = [literal[:size] for literal in literals for size in range(len(literal) - 1, 0, -1)]
        self._whole = re.compile(_any(literals))
        self._begun = re.compile(f"(?:{_any(begun)})\\Z")

    def find(self, text: str, start: int) -> tuple[int, str | None]:
        """Where the first stop stands, and which; without any, where the text ends that can't belong to one."""
        if not self._literals:
            return len(text), None
        if whole := self._whole.search(text, start):
            return whole.start(), whole[0]
        begun = self._begun.search(text, start)
        return begun.start() if begun else len(text), None


def _any(literals: Iterable[str]) -> str:
    return "|".join(map(re.escape, literals)) or "(?!)"


@lru_cache(maxsize=256)
def stops(*literals: str) -> Stops:
    """What looks for these literals."""
    return Stops(literals)
