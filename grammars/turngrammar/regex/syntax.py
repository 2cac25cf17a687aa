"""The parser of patterns: ECMA-262 with the flag `u`, and what is clear without it.

Anchors and groups of other dialects that have one meaning everywhere are read, and listed in `ParsedPattern.readings`.
Whatever else ECMA-262 lacks is refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from turngrammar.regex import charset
from turngrammar.regex.errors import RegexError
from turngrammar.regex.escapes import anchor, char_class, escape
from turngrammar.regex.foreign import lacking
from turngrammar.regex.groups import Make, read_group
from turngrammar.regex.scanner import Flags, Scanner
from turngrammar.regex.tree import BEGIN, END, Chars, Look, Repeat, Tree, alternation, sequence

_QUANTIFIER = re.compile(r"([*+?])|\{(\d+)(?:(,)(\d*))?\}")
_SIGNS: Mapping[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_OPEN_BRACES = re.compile(r"\{(,\d*)\}")


@dataclass(frozen=True)
class ParsedPattern:
    """A parsed pattern. `readings` has constructs of other dialects, and what of ECMA-262 they are read as."""

    tree: Tree
    readings: Mapping[str, str]


@lru_cache(maxsize=4096)
def parse_pattern(pattern: str) -> ParsedPattern:
    """Raises RegexError."""
    scanner = Scanner(pattern)
    return ParsedPattern(_Parser(scanner).parse(), scanner.readings)


@dataclass
class _OpenGroup:
    start: int
    flags: Flags  # of what is around it
    make: Make
    options: list[Tree] = field(default_factory=list)
    parts: list[Tree] = field(default_factory=list)

    def next_option(self) -> None:
        self.options.append(sequence(*self.parts))
        self.parts = []

    def close(self) -> Tree:
        self.next_option()
        return self.make(alternation(*self.options))


class _Parser:
    """It goes from left to right, with a stack of the groups that are open; the first is the pattern itself."""

    def __init__(self, scanner: Scanner) -> None:
        self.scanner = scanner
        self._open = [_OpenGroup(-1, scanner.flags, lambda content: content)]

    def parse(self) -> Tree:
        while not self.scanner.ended:
            if self.scanner.take("|"):
                self._open[-1].next_option()
            elif self.scanner.take("("):
                self._open_group()
            elif self.scanner.take(")"):
                self._close_group()
            elif (assertion := self._anchor()) is not None:
                self._open[-1].parts.append(assertion)
                self._refuse_quantifier("")
            else:
                self._add(self._atom())
        if len(self._open) > 1:
            raise RegexError("the ( is not closed: write \\( for the character", self._open[-1].start)
        return self._open[0].close()

    def _open_group(self) -> None:
        start, flags = self.scanner.at - 1, self.scanner.flags
        group = read_group(self.scanner)
        if isinstance(group, Tree):
            self._add(group)
        else:
            self._open.append(_OpenGroup(start, flags, group))

    def _close_group(self) -> None:
        if len(self._open) == 1:
            raise RegexError("the ) closes no group: write \\) for the character", self.scanner.at - 1)
        group = self._open.pop()
        self.scanner.flags = group.flags
        self._add(group.close())

    def _add(self, tree: Tree) -> None:
        """The tree, with the quantifier that follows."""
        start = self.scanner.at
        bounds = self.scanner.take_re(_QUANTIFIER)
        if bounds is not None:
            tree = Repeat(tree, *_counts(bounds), lazy=self.scanner.take("?"))
            self._refuse_quantifier(self.scanner.text[start : self.scanner.at])
        self._open[-1].parts.append(tree)

    def _refuse_quantifier(self, quantifier: str) -> None:
        """After another quantifier, or after what can't be repeated."""
        start = self.scanner.at
        sign = self.scanner.take_re(_QUANTIFIER)
        if sign is not None and quantifier and sign[0] == "+":
            raise RegexError(lacking(f"{quantifier}+", "a possessive quantifier", quantifier), start)
        if sign is not None:
            raise RegexError(f"{sign[0]} has nothing to repeat: put what it repeats into a group (?:...)", start)

    def _anchor(self) -> Tree | None:
        """An assertion without a group: it can't be repeated."""
        scanner = self.scanner
        if scanner.take("^"):
            return alternation(BEGIN, Look(Chars(charset.LINE_END), ahead=False)) if scanner.flags.m else BEGIN
        if scanner.take("$"):
            return alternation(END, Look(Chars(charset.LINE_END), ahead=True)) if scanner.flags.m else END
        start = scanner.at
        tree = anchor(scanner) if scanner.take("\\") else None
        scanner.at = scanner.at if tree else start
        return tree

    def _atom(self) -> Tree:
        scanner = self.scanner
        if scanner.take("["):
            return char_class(scanner)
        if scanner.take("\\"):
            return escape(scanner)
        if scanner.take("."):
            return Chars(charset.ALL if scanner.flags.s else charset.DOT)
        self._refuse_quantifier("")
        self._refuse_ambiguous()
        return scanner.chars(charset.of(scanner.next()))

    def _refuse_ambiguous(self) -> None:
        """A character that is itself in one dialect and not in another."""
        scanner = self.scanner
        braces = _OPEN_BRACES.match(scanner.text, scanner.at)
        if braces is not None:
            instead = f"{{0{braces[1]}}}, or \\{{ for the character"
            raise RegexError(lacking(braces[0], "a quantifier from 0", instead), scanner.at)
        if scanner.empty_class and scanner.peek("]"):
            problem = f"the ] after {scanner.empty_class} closes no class"
            raise RegexError(f"{problem}: write {scanner.empty_class[:-1]}\\]] for a class with ]", scanner.at)


def _counts(bounds: re.Match[str]) -> tuple[int, int | None]:
    if bounds[1]:
        return _SIGNS[bounds[1]]
    least = int(bounds[2])
    most = least if bounds[3] is None else int(bounds[4]) if bounds[4] else None
    if most is not None and most < least:
        raise RegexError(f"the numbers in {bounds[0]} are out of order", bounds.start())
    return least, most
