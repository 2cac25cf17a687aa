"""The literals that end a free text, and how much of a text can't be one of them yet."""

from __future__ import annotations

import re
from functools import lru_cache


class Stops:
    """Looks for any of some literals in a text that grows. Build it by `stops`."""

    def __init__(self, literals: tuple[str, ...]) -> None:
        self._literals = literals
        self._pattern = re.compile("|".join(map(re.escape, literals)) or r"(?!)")
        self._openings = frozenset(literal[0] for literal in literals)
        self._longest = max(map(len, literals), default=1) - 1

    def find(self, text: str, start: int) -> tuple[int, str | None]:
        """Where the first stop stands, and which; without any, where the text ends that can't belong to one."""
        match = self._pattern.search(text, start)
        return (match.start(), match[0]) if match else (self._safe(text, start), None)

    def _safe(self, text: str, start: int) -> int:
        for index in range(max(start, len(text) - self._longest), len(text)):
            if text[index] in self._openings and self._begins(text[index:]):
                return index
        return len(text)

    def _begins(self, tail: str) -> bool:
        return any(literal.startswith(tail) for literal in self._literals)


@lru_cache(maxsize=256)
def stops(*literals: str) -> Stops:
    """What looks for these literals."""
    return Stops(literals)
