"""Back references, as far as regular languages have them.

A group that captures one of a few words is replaced by each of them in turn, together with its references. References
to another group are replaced by whatever it can capture: that matches more texts than the pattern, but none is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from turngrammar.regex import charset
from turngrammar.regex.case import fold_case
from turngrammar.regex.tree import (
    Alternation,
    BackReference,
    Chars,
    Group,
    Look,
    Repeat,
    Sequence,
    Tree,
    alternation,
    sequence,
    walk,
    with_children,
)

MOST_WORDS = 64  # of a group that is written out
_ANYTHING = Repeat(Chars(charset.ALL), 0, None)


def references(trees: Iterable[Tree]) -> frozenset[int]:
    """The groups that they refer to."""
    return frozenset(node.group for tree in trees for node in walk(tree) if isinstance(node, BackReference))


def written_out(tree: Tree, outside: frozenset[int] = frozenset()) -> Tree:
    """The tree without references to groups of few words; `outside` are the groups referred to from around it."""
    if tree.plain or (isinstance(tree, Look) and not tree.ahead):  # look-behind matches from right to left
        return tree
    if isinstance(tree, Sequence):
        for group in _groups_before_references(tree):
            words = _words(group.inner)
            if words and group.number not in outside:
                return alternation(*(written_out(_with_word(tree, group.number, word), outside) for word in words))
    children = tree.children
    around = (outside | references((*children[:place], *children[place + 1 :])) for place in range(len(children)))
    return with_children(tree, map(written_out, children, around))


def _groups_before_references(tree: Sequence) -> Iterator[Group]:
    """Those that have matched once wherever a reference to them is reached."""
    for place, part in enumerate(tree.parts, 1):
        after, before = references(tree.parts[place:]), references(tree.parts[:place])
        yield from (group for group in _certain_groups(part) if group.number in after - before)


def _certain_groups(tree: Tree) -> Iterator[Group]:
    if isinstance(tree, Group):
        yield tree
    if isinstance(tree, Group | Sequence):
        for child in tree.children:
            yield from _certain_groups(child)


def _with_word(tree: Tree, number: int, word: tuple[Chars, ...]) -> Tree:
    match tree:
        case Group(_, group) if group == number:
            return sequence(*word)
        case BackReference(group, ignore_case) if group == number:
            return sequence(*(Chars(fold_case(char.codes)) for char in word) if ignore_case else word)
        case _:
            return with_children(tree, (_with_word(child, number, word) for child in tree.children))


def _words(tree: Tree) -> list[tuple[Chars, ...]]:
    """The words of a tree, each a character set of one for each place; none if they are more than MOST_WORDS."""
    match tree:
        case Chars(codes) if charset.size(codes) <= MOST_WORDS:
            return [(Chars(((code, code),)),) for low, high in codes for code in range(low, high + 1)]
        case Alternation(options):
            words = [_words(option) for option in options]
            return _few([word for some in words for word in some]) if all(words) else []
        case Sequence(parts):
            return _joined([()], parts)
        case Group(inner):
            return _words(inner)
        case Repeat(inner, least, most) if most is not None and most <= MOST_WORDS:
            return _few([word for count in range(least, most + 1) for word in _joined([()], (inner,) * count)])
        case _:
            return []


def _joined(words: list[tuple[Chars, ...]], parts: Iterable[Tree]) -> list[tuple[Chars, ...]]:
    for part in parts:
        more = _words(part)
        words = _few([(*word, *end) for word in words for end in more])
    return words


def _few(words: list[tuple[Chars, ...]]) -> list[tuple[Chars, ...]]:
    return words if len(words) <= MOST_WORDS else []


def at_least(tree: Tree) -> Tree:
    """A tree without references that matches wherever this one does."""
    groups: dict[int, list[Tree]] = {}
    for node in walk(tree):
        if isinstance(node, Group):
            groups.setdefault(node.number, []).append(_bare(node.inner))
    return _loosened(tree, groups)


def _loosened(tree: Tree, groups: dict[int, list[Tree]]) -> Tree:
    match tree:
        case BackReference(group, ignore_case):
            captured = alternation(Sequence(), *groups.get(group, ()))
            return _folded(captured) if ignore_case else captured
        case Look(_, _, True) if references((tree,)):
            return Sequence()
        case _:
            return with_children(tree, (_loosened(child, groups) for child in tree.children))


def _bare(tree: Tree) -> Tree:
    """What a group may capture: look-around only narrows it."""
    match tree:
        case Look():
            return Sequence()
        case BackReference():
            return _ANYTHING
        case _:
            return with_children(tree, map(_bare, tree.children))


def _folded(tree: Tree) -> Tree:
    if isinstance(tree, Chars):
        return Chars(fold_case(tree.codes))
    return with_children(tree, map(_folded, tree.children))
