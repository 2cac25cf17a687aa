"""The parser of patterns: ECMA-262 with the flag `u`, and what is clear without it.

Anchors and groups of other dialects that have one meaning everywhere are read, and listed in `Pattern.readings`.
Whatever else ECMA-262 lacks is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from turngrammar.schema.regex import charset
from turngrammar.schema.regex.errors import RegexError
from turngrammar.schema.regex.escapes import anchor, char_class, escape
from turngrammar.schema.regex.foreign import GROUPS, lacking
from turngrammar.schema.regex.scanner import Scanner
from turngrammar.schema.regex.tree import (
    BEGIN,
    END,
    BackReference,
    Chars,
    Group,
    Look,
    Repeat,
    Sequence,
    Tree,
    choice,
    sequence,
    walk,
)

MAX_DEPTH = 60  # of groups
_QUANTIFIER = re.compile(r"([*+?])|\{(\d+)(?:(,)(\d*))?\}")
_SIGNS: Mapping[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_OPEN_BRACES = re.compile(r"\{(,\d*)\}")
_LOOKS = {"?=": (True, False), "?!": (True, True), "?<=": (False, False), "?<!": (False, True)}
_LOOK = re.compile(r"\?<?[=!]")
_NAME = re.compile(r"\?(P?)<([^\W\d][\w$]*)>")
_NAMED_REFERENCE = re.compile(r"\?P=(\w+)\)")
_COMMENT = re.compile(r"\?#[^)]*\)")
_FLAGS = re.compile(r"\?([a-zA-Z]*)(?:-([a-zA-Z]+))?([:)])")


@dataclass(frozen=True)
class Pattern:
    """A parsed pattern.

    Attributes:
        groups: how many groups capture.
        names: the numbers of the named ones.
        readings: constructs of other dialects, and what of ECMA-262 they are read as.
    """

    tree: Tree
    groups: int
    names: Mapping[str, int]
    readings: Mapping[str, str]


@lru_cache(maxsize=4096)
def parse_pattern(pattern: str) -> Pattern:
    """Raises RegexError."""
    parser = _Parser(pattern)
    tree = parser.alternatives()
    if not parser.scanner.ended:
        raise RegexError("the ) closes no group: write \\) for the character", parser.scanner.at)
    parser.check_references(tree)
    return Pattern(tree, parser.groups, parser.names, parser.scanner.readings)


class _Parser:
    """Recursive descent."""

    def __init__(self, text: str) -> None:
        self.scanner = Scanner(text)
        self.groups = 0
        self.names: dict[str, int] = {}
        self.depth = 0

    def alternatives(self) -> Tree:
        options = [self.sequence()]
        while self.scanner.take("|"):
            options.append(self.sequence())
        return choice(*options)

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while not self.scanner.ended and not self.scanner.peek("|") and not self.scanner.peek(")"):
            assertion = self.anchor()
            parts.append(assertion or self.quantified(self.atom()))
            self.refuse_quantifier(repeated=assertion is None)
        return sequence(*parts)

    def anchor(self) -> Tree | None:
        """An assertion that can't be repeated."""
        scanner = self.scanner
        if scanner.take("^"):
            return choice(BEGIN, Look(Chars(charset.LINE_END), ahead=False)) if scanner.flags.m else BEGIN
        if scanner.take("$"):
            return choice(END, Look(Chars(charset.LINE_END), ahead=True)) if scanner.flags.m else END
        start = scanner.at
        tree = anchor(scanner) if scanner.take("\\") else None
        scanner.at = scanner.at if tree else start
        return tree

    def quantified(self, tree: Tree) -> Tree:
        start = self.scanner.at
        bounds = self.scanner.take_re(_QUANTIFIER)
        if bounds is None:
            return tree
        least = int(bounds[2] or 0)
        least, most = _SIGNS.get(
            bounds[1], (least, least if bounds[3] is None else int(bounds[4]) if bounds[4] else None)
        )
        if most is not None and most < least:
            raise RegexError(f"the numbers in {bounds[0]} are out of order", start)
        return Repeat(tree, least, most, lazy=self.scanner.take("?"))

    def refuse_quantifier(self, *, repeated: bool) -> None:
        """A quantifier after another, or after an anchor."""
        start = self.scanner.at
        sign = self.scanner.take_re(_QUANTIFIER)
        if sign is None:
            return
        if repeated and sign[0] == "+":
            raise RegexError(lacking("the + after a quantifier", "possessive", "the quantifier alone"), start)
        raise RegexError(f"{sign[0]} has nothing to repeat: put what it repeats into a group (?:...)", start)

    def atom(self) -> Tree:
        scanner = self.scanner
        if scanner.take("("):
            return self.group()
        if scanner.take("["):
            return char_class(scanner)
        if scanner.take("\\"):
            return escape(scanner)
        if scanner.take("."):
            return Chars(charset.ALL if scanner.flags.s else charset.DOT)
        self.refuse_quantifier(repeated=False)
        braces = _OPEN_BRACES.match(scanner.text, scanner.at)
        if braces is not None:
            raise RegexError(
                lacking(braces[0], "a quantifier from 0", f"{{0{braces[1]}}}, or \\{{ for the character"), scanner.at
            )
        if scanner.empty_class and scanner.peek("]"):
            problem = f"the ] after {scanner.empty_class} closes no class"
            raise RegexError(f"{problem}: write {scanner.empty_class[:-1]}\\]] for a class with ]", scanner.at)
        return scanner.chars(charset.of(scanner.next()))

    def group(self) -> Tree:
        scanner = self.scanner
        start, flags = scanner.at - 1, scanner.flags
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise RegexError(f"groups nest more than {MAX_DEPTH} deep: write it flatter", start)
        tree, closed = self.content(start)
        if not closed:
            scanner.flags = flags
            if not scanner.take(")"):
                raise RegexError("the ( is not closed: write \\( for the character", start)
        self.depth -= 1
        return tree

    def content(self, start: int) -> tuple[Tree, bool]:
        """What is in a group, and whether its ) has been read."""
        for opening, (meaning, instead) in GROUPS.items():
            if self.scanner.peek(opening):
                raise RegexError(lacking(f"({opening}", meaning, instead), start)
        for expression, read in _GROUPS:
            match = self.scanner.take_re(expression)
            if match is not None:
                return read(self, match), match[0].endswith(")")
        opening = self.scanner.text[start : start + 4]
        raise RegexError(f"{opening} is no group of ECMA-262: write \\( for the character", start)

    def look(self, match: re.Match[str]) -> Tree:
        ahead, negative = _LOOKS[match[0]]
        return Look(self.alternatives(), ahead, negative)

    def named(self, match: re.Match[str]) -> Tree:
        if match[1]:
            self.scanner.readings[f"({match[0]}"] = f"(?<{match[2]}>"
        self.names[match[2]] = self.groups + 1
        return self.numbered(match)

    def numbered(self, match: re.Match[str]) -> Tree:
        self.groups += 1
        number = self.groups
        return Group(self.alternatives(), number)

    def named_reference(self, match: re.Match[str]) -> Tree:
        self.scanner.readings[f"({match[0]}"] = f"\\k<{match[1]}>"
        return BackReference(match[1], self.scanner.flags.i)

    def comment(self, match: re.Match[str]) -> Tree:
        self.scanner.readings["(?#...)"] = "a comment"
        return Sequence()

    def flagged(self, match: re.Match[str]) -> Tree:
        """Flags for the group, or for the rest of the one around them."""
        on, off = match[1], match[2] or ""
        unknown = set(on + off) - {"i", "m", "s"}
        if unknown:
            flag = min(unknown)
            raise RegexError(
                f"ECMA-262 has no flag {flag} in ({match[0]}: write the pattern without it", match.start() - 1
            )
        self.scanner.flags = replace(self.scanner.flags, **{flag: flag not in off for flag in on + off})
        if match[3] == ":":
            return self.alternatives()
        self.scanner.readings[f"({match[0]}"] = f"({match[0][:-1]}:...) around the rest"
        return Sequence()

    def check_references(self, tree: Tree) -> None:
        for node in walk(tree):
            if isinstance(node, BackReference) and not self.knows(node.group):
                problem = f"a back reference names the group {node.group}, which is missing"
                raise RegexError(f"{problem}: write \\x and 2 digits for a character code")

    def knows(self, group: int | str) -> bool:
        return group in self.names if isinstance(group, str) else group <= self.groups


_GROUPS: tuple[tuple[re.Pattern[str], Callable[[_Parser, re.Match[str]], Tree]], ...] = (
    (_LOOK, _Parser.look),
    (_NAME, _Parser.named),
    (_NAMED_REFERENCE, _Parser.named_reference),
    (_COMMENT, _Parser.comment),
    (_FLAGS, _Parser.flagged),
    (re.compile(r"(?!\?)"), _Parser.numbered),
)
