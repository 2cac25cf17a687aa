"""ECMA-262 patterns as languages: the strings that an unanchored search matches, with exact anchors and look-ahead.

A tree is compiled from right to left against the language of what may follow, so `$` is an intersection with the empty
string, and look-ahead an intersection with its own language. `^` is kept as a marker until the end, when
the language is split into matches at the start and matches further on.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from turngrammar.regex.language import (
    ANY,
    ANY_CHAR,
    BEGIN,
    EMPTY,
    NEVER,
    Kind,
    Language,
    cat,
    complement,
    intersection,
    repeat,
    union,
)
from turngrammar.regex.syntax import Irregular, Tree, parse_pattern

_MAX_UNROLLED = 8  # repetitions of a group that contains an assertion


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Language:
    """The strings in which `pattern` finds a match. Raises RegexError or Irregular."""
    match = _compile_tree(parse_pattern(pattern), ANY)
    if not _has_begin(match):
        return cat(ANY, match)
    return union(_first(match), cat(repeat(ANY_CHAR, 1, None), _later(match)))


def _compile_tree(tree: Tree, after: Language) -> Language:
    return _COMPILE[tree[0]](tree, after)


def _compile_cat(tree: Tree, after: Language) -> Language:
    for part in reversed(tree[1]):
        after = _compile_tree(part, after)
    return after


def _compile_or(tree: Tree, after: Language) -> Language:
    if not any(map(_asserts, tree[1])):
        return cat(union(*(_compile_tree(option, EMPTY) for option in tree[1])), after)
    return union(*(_compile_tree(option, after) for option in tree[1]))


def _compile_repeat(tree: Tree, after: Language) -> Language:
    _, inner, least, most = tree
    if not _asserts(inner):
        return cat(repeat(_compile_tree(inner, EMPTY), least, most), after)
    if most is None or most > _MAX_UNROLLED:
        raise Irregular("an assertion inside an unbounded repetition is not compiled")
    for index in reversed(range(most)):
        once = _compile_tree(inner, after)
        after = once if index < least else union(once, after)
    return after


def _compile_look(tree: Tree, after: Language) -> Language:
    _, inner, positive = tree
    if _has_begin_tree(inner):
        raise Irregular("^ inside a look-ahead is not compiled")
    ahead = _compile_tree(inner, ANY)
    return intersection(after, ahead if positive else complement(ahead))


_COMPILE: dict[str, Callable[[Tree, Language], Language]] = {
    "lang": lambda tree, after: cat(tree[1], after),
    "cat": _compile_cat,
    "or": _compile_or,
    "repeat": _compile_repeat,
    "begin": lambda tree, after: cat(BEGIN, after),
    "end": lambda tree, after: intersection(after, EMPTY),
    "look": _compile_look,
}


def _asserts(tree: Tree) -> bool:
    if tree[0] in ("cat", "or"):
        return any(map(_asserts, tree[1]))
    return _asserts(tree[1]) if tree[0] == "repeat" else tree[0] != "lang"


def _has_begin_tree(tree: Tree) -> bool:
    if tree[0] in ("cat", "or"):
        return any(map(_has_begin_tree, tree[1]))
    return _has_begin_tree(tree[1]) if tree[0] in ("repeat", "look") else tree[0] == "begin"


@lru_cache(maxsize=4096)
def _has_begin(node: Language) -> bool:
    return node is BEGIN or any(map(_has_begin, node.parts))


def _first(node: Language) -> Language:
    """The node before any character: BEGIN matches."""
    return _rewrite(node, _FIRST) if _has_begin(node) else node


def _later(node: Language) -> Language:
    """The node after at least one character: BEGIN never matches."""
    return _rewrite(node, _LATER) if _has_begin(node) else node


def _rewrite(node: Language, rules: dict[Kind, Callable[[Language], Language]]) -> Language:
    return rules[node.kind](node)


def _first_cat(node: Language) -> Language:
    """The rest is either later, or, if the first part may be empty, still first."""
    first, rest = _first(node.parts[0]), cat(*node.parts[1:])
    if first is EMPTY:
        return _first(rest)
    consumed = cat(first, _later(rest))
    return union(consumed, _first(rest)) if first.nullable else consumed


_FIRST: dict[Kind, Callable[[Language], Language]] = {
    "begin": lambda node: EMPTY,
    "cat": _first_cat,
    "or": lambda node: union(*map(_first, node.parts)),
    "and": lambda node: intersection(*map(_first, node.parts)),
}
_LATER: dict[Kind, Callable[[Language], Language]] = {
    "begin": lambda node: NEVER,
    "cat": lambda node: cat(*map(_later, node.parts)),
    "or": lambda node: union(*map(_later, node.parts)),
    "and": lambda node: intersection(*map(_later, node.parts)),
}
