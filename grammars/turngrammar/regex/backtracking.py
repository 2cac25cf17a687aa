"""Patterns that aren't regular, in the syntax of the module `regex`, with the meaning that ECMA-262 gives them.

A reference to a group that has not matched, or not in this turn of a repetition, matches the empty text in ECMA-262. In
`regex` it fails, so the groups are set to the empty text beforehand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import regex  # type: ignore[import-untyped]

from turngrammar.regex.budget import BudgetExceeded, seconds_left
from turngrammar.regex.errors import RegexError
from turngrammar.regex.references import references
from turngrammar.regex.tree import Alternation, BackReference, Chars, Group, Look, Repeat, Sequence, Tree, walk

SEARCH_SECONDS = 1.0  # of one search; ordinary patterns take far less
MOST_WRITTEN_OUT = 100_000


def backtracking_matcher(tree: Tree) -> Callable[[str], bool]:
    """Raises RegexError; the function it returns raises BudgetExceeded."""
    if _written_out(tree) > MOST_WRITTEN_OUT:
        raise RegexError("repetitions count too far beside what is not regular: write smaller numbers")
    search = regex.compile(backtracking_text(tree)).search

    def matches(text: str) -> bool:
        try:
            # Without `concurrent`, the search holds Python's lock until it ends.
            return search(text, timeout=min(SEARCH_SECONDS, seconds_left()), concurrent=True) is not None
        except TimeoutError:
            raise BudgetExceeded from None

    return matches


def _written_out(tree: Tree) -> int:
    """The size of the compiled expression: `regex` writes out the repetitions that are required."""
    times = max(tree.least, 1) if isinstance(tree, Repeat) else 1
    return times * (1 + sum(map(_written_out, tree.children)))


def backtracking_text(tree: Tree) -> str:
    """The pattern for `regex.search`."""
    printer = _Printer(tree)
    return printer.unset(tree) + printer.text(tree)


class _Printer:
    def __init__(self, tree: Tree) -> None:
        self._referenced = references((tree,))
        self._open: list[int] = []

    def text(self, tree: Tree) -> str:
        return _TEXT[type(tree)](self, tree)

    def unset(self, tree: Tree) -> str:
        groups = (node.number for node in walk(tree) if isinstance(node, Group) and node.number in self._referenced)
        return "".join(f"(?P<g{number}>)" for number in groups)

    def chars(self, tree: Chars) -> str:
        return f"[{''.join(map(_range, tree.codes))}]" if tree.codes else "(?!)"

    def sequence(self, tree: Sequence) -> str:
        return "".join(map(self.text, tree.parts))

    def alternation(self, tree: Alternation) -> str:
        return f"(?:{'|'.join(map(self.text, tree.options))})" if tree.options else "(?!)"

    def repeat(self, tree: Repeat) -> str:
        most = "" if tree.most is None else tree.most
        turn = self.unset(tree.inner) + self.text(tree.inner)
        return f"(?:{turn}){{{tree.least},{most}}}{'?' * tree.lazy}"

    def group(self, tree: Group) -> str:
        self._open.append(tree.number)
        inner = self.text(tree.inner)
        self._open.pop()
        return f"(?P<g{tree.number}>{inner})" if tree.number in self._referenced else f"(?:{inner})"

    def back_reference(self, tree: BackReference) -> str:
        return "" if tree.group in self._open else f"(?{'i' * tree.ignore_case}:(?P=g{tree.group}))"

    def look(self, tree: Look) -> str:
        return f"(?{'' if tree.ahead else '<'}{'!' if tree.negative else '='}{self.text(tree.inner)})"


def _range(codes: tuple[int, int]) -> str:
    return "-".join(f"\\U{code:08X}" for code in dict.fromkeys(codes))


_TEXT: Mapping[type[Tree], Callable[[_Printer, Any], str]] = {
    Chars: _Printer.chars,
    Sequence: _Printer.sequence,
    Alternation: _Printer.alternation,
    Repeat: _Printer.repeat,
    Group: _Printer.group,
    BackReference: _Printer.back_reference,
    Look: _Printer.look,
}
