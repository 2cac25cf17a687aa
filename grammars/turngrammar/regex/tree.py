"""Patterns as syntax trees. `^`, `$` and `\\b` are look-around too: `^` is `(?<![^])`, `$` is `(?![^])`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet


class Tree:
    """A node and what is within it.

    Attributes:
        plain: whether it has no look-around and no back reference: it matches alike wherever it stands.
    """

    plain: bool

    def __post_init__(self) -> None:
        plain = not isinstance(self, Look | BackReference) and all(child.plain for child in self.children)
        object.__setattr__(self, "plain", plain)

    @property
    def children(self) -> tuple[Tree, ...]:
        return ()


@dataclass(frozen=True, eq=False)
class Chars(Tree):
    """One character out of a set."""

    codes: CharSet


@dataclass(frozen=True, eq=False)
class Sequence(Tree):
    parts: tuple[Tree, ...] = ()

    @property
    def children(self) -> tuple[Tree, ...]:
        return self.parts


@dataclass(frozen=True, eq=False)
class Alternation(Tree):
    options: tuple[Tree, ...]

    @property
    def children(self) -> tuple[Tree, ...]:
        return self.options


@dataclass(frozen=True, eq=False)
class Repeat(Tree):
    """`inner{least,most}`. A lazy one matches the same texts; what its groups capture differs."""

    inner: Tree
    least: int
    most: int | None
    lazy: bool = False

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.inner,)


@dataclass(frozen=True, eq=False)
class Group(Tree):
    """A group that captures, counted from 1."""

    inner: Tree
    number: int

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.inner,)


@dataclass(frozen=True, eq=False)
class BackReference(Tree):
    """What a group captured, by its number."""

    group: int
    ignore_case: bool = False


@dataclass(frozen=True, eq=False)
class Look(Tree):
    """What follows a position, or what precedes it."""

    inner: Tree
    ahead: bool
    negative: bool = False

    @property
    def children(self) -> tuple[Tree, ...]:
        return (self.inner,)


_ANY_CHAR = Chars(charset.ALL)
BEGIN = Look(_ANY_CHAR, ahead=False, negative=True)
END = Look(_ANY_CHAR, ahead=True, negative=True)
NOTHING = Alternation(())


def sequence(*parts: Tree) -> Tree:
    flat = tuple(inner for part in parts for inner in (part.parts if isinstance(part, Sequence) else (part,)))
    return flat[0] if len(flat) == 1 else Sequence(flat)


def alternation(*options: Tree) -> Tree:
    return options[0] if len(options) == 1 else Alternation(options)


def with_children(tree: Tree, children: Iterable[Tree]) -> Tree:
    """The same node around other children."""
    match tree:
        case Sequence():
            return sequence(*children)
        case Alternation():
            return Alternation(tuple(children))
        case Repeat() | Group() | Look():
            return replace(tree, inner=next(iter(children)))
        case _:
            return tree


def walk(tree: Tree) -> Iterator[Tree]:
    """The tree and all that is within it."""
    stack = [tree]
    while stack:
        stack.append(stack.pop())
        node = stack.pop()
        yield node
        stack.extend(reversed(node.children))


def word_boundary(word: CharSet, *, inside: bool) -> Tree:
    """`\\b`: between a character of a word and another, or the end of the text; or the inverse, `\\B`."""
    chars = Chars(word)
    sides = ((behind, ahead) for behind in (False, True) for ahead in (False, True) if (behind == ahead) == inside)
    return alternation(
        *(
            sequence(Look(chars, ahead=False, negative=left), Look(chars, ahead=True, negative=right))
            for left, right in sides
        )
    )
