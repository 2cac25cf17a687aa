"""What is wrong with a pattern, and where."""

from __future__ import annotations

SHOWN = 30  # characters of a pattern on either side of a fault


class RegexError(ValueError):
    """No regular expression of ECMA-262.

    Attributes:
        problem: the construct at fault, and the fix.
        at: its index in the pattern.
    """

    def __init__(self, problem: str, at: int = 0) -> None:
        super().__init__(problem)
        self.problem = problem
        self.at = at


class Irregular(RegexError):
    """Valid, but not compiled: back references, and what would grow too large."""


def excerpt(pattern: str, at: int) -> str:
    """The pattern, or what stands about an index of a long one."""
    start, end = max(0, at - SHOWN), at + SHOWN
    shown = "".join(char if char.isprintable() else repr(char)[1:-1] for char in pattern[start:end])
    return f"{'...' * (start > 0)}{shown}{'...' * (end < len(pattern))}"
