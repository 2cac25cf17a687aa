"""What opens a group, after its parenthesis."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from turngrammar.regex.errors import RegexError
from turngrammar.regex.foreign import GROUPS, lacking
from turngrammar.regex.scanner import Scanner
from turngrammar.regex.tree import Group, Look, Sequence, Tree

_LOOKS = {"?=": (True, False), "?!": (True, True), "?<=": (False, False), "?<!": (False, True)}
_LOOK = re.compile(r"\?<?[=!]")
_NAME = re.compile(r"\?(P?)<([^\W\d][\w$]*)>")
_REFERENCE = re.compile(r"\?P=(\w+)\)")
_COMMENT = re.compile(r"\?#[^)]*\)")
_FLAGS = re.compile(r"\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])")

Make = Callable[[Tree], Tree]  # of the content, once it is read


def read_group(scanner: Scanner) -> Tree | Make:
    """What a group makes of its content; or all of one that has none, with its closing parenthesis."""
    for opening, (meaning, instead) in GROUPS.items():
        if scanner.peek(opening):
            raise RegexError(lacking(f"({opening}", meaning, instead), scanner.at - 1)
    for expression, read in _OPENINGS:
        match = scanner.take_re(expression)
        if match is not None:
            return read(scanner, match)
    opening = scanner.text[scanner.at - 1 :][:4]
    raise RegexError(f"{opening} is not a group of ECMA-262: write \\( for the character", scanner.at - 1)


def _look(scanner: Scanner, match: re.Match[str]) -> Make:
    ahead, negative = _LOOKS[match[0]]
    return partial(Look, ahead=ahead, negative=negative)


def _named(scanner: Scanner, match: re.Match[str]) -> Make:
    if match[1]:
        scanner.readings[f"({match[0]}"] = f"(?<{match[2]}>"
    return _numbered(scanner, match)


def _numbered(scanner: Scanner, match: re.Match[str]) -> Make:
    scanner.opened += 1
    return partial(Group, number=scanner.opened)


def _reference(scanner: Scanner, match: re.Match[str]) -> Tree:
    scanner.readings[f"({match[0]}"] = f"\\k<{match[1]}>"
    return scanner.reference(match[1])


def _comment(scanner: Scanner, match: re.Match[str]) -> Tree:
    scanner.readings["(?#...)"] = "a comment"
    return Sequence()


def _flagged(scanner: Scanner, match: re.Match[str]) -> Tree | Make:
    """Flags for the group, or for the rest of the one around them."""
    on, off = match[1], match[2] or ""
    unknown = set(on + off) - {"i", "m", "s"}
    if unknown:
        problem = f"ECMA-262 has no flag {min(unknown)} in ({match[0]}"
        raise RegexError(f"{problem}: write the pattern without it", match.start() - 1)
    scanner.flags = replace(scanner.flags, **{flag: flag not in off for flag in on + off})
    if match[3] == ":":
        return lambda content: content
    scanner.readings[f"({match[0]}"] = f"({match[0][:-1]}:...) around the rest"
    return Sequence()


_OPENINGS: tuple[tuple[re.Pattern[str], Callable[[Scanner, re.Match[str]], Tree | Make]], ...] = (
    (_LOOK, _look),
    (_NAME, _named),
    (_REFERENCE, _reference),
    (_COMMENT, _comment),
    (_FLAGS, _flagged),
    (re.compile(r"(?!\?)"), _numbered),
)
