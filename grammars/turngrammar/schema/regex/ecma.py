"""ECMA-262 patterns as languages: what an unanchored search finds, with anchors and look-ahead resolved exactly.

A tree is compiled from right to left against the language of all that may still follow (a continuation), so `$` is an
intersection with the empty string, and look-ahead one with what it asks for. `^` stays a marker until the end, when the
language is split into what matches at the very start and what matches later.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from turngrammar.schema.regex.language import (
    ANY,
    ANY_CHAR,
    BEGIN,
    EMPTY,
    NEVER,
    Kind,
    Language,
    cat,
    meet,
    negate,
    repeat,
    union,
)
from turngrammar.schema.regex.syntax import Irregular, Tree, parse

_MAX_UNROLLED = 8  # repetitions of a group that holds an assertion


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Language:
    """The strings in which `pattern` finds a match. Raises RegexError or Irregular."""
    found = _compile(parse(pattern), ANY)
    if not _has_begin(found):
        return cat(ANY, found)
    return union(_at_start(found), cat(repeat(ANY_CHAR, 1, None), _inside(found)))


def _compile(tree: Tree, after: Language) -> Language:
    return _COMPILE[tree[0]](tree, after)


def _compile_cat(tree: Tree, after: Language) -> Language:
    for part in reversed(tree[1]):
        after = _compile(part, after)
    return after


def _compile_or(tree: Tree, after: Language) -> Language:
    if not any(map(_asserts, tree[1])):
        return cat(union(*(_compile(option, EMPTY) for option in tree[1])), after)
    return union(*(_compile(option, after) for option in tree[1]))


def _compile_repeat(tree: Tree, after: Language) -> Language:
    _, inner, least, most = tree
    if not _asserts(inner):
        return cat(repeat(_compile(inner, EMPTY), least, most), after)
    if most is None or most > _MAX_UNROLLED:
        raise Irregular("an assertion inside an unbounded repetition is not compiled")
    for index in reversed(range(most)):
        once = _compile(inner, after)
        after = once if index < least else union(once, after)
    return after


def _compile_look(tree: Tree, after: Language) -> Language:
    _, inner, positive = tree
    if _has_begin_tree(inner):
        raise Irregular("^ inside a look-ahead is not compiled")
    ahead = _compile(inner, ANY)
    return meet(after, ahead if positive else negate(ahead))


_COMPILE: dict[str, Callable[[Tree, Language], Language]] = {
    "lang": lambda tree, after: cat(tree[1], after),
    "cat": _compile_cat,
    "or": _compile_or,
    "repeat": _compile_repeat,
    "begin": lambda tree, after: cat(BEGIN, after),
    "end": lambda tree, after: meet(after, EMPTY),
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


def _at_start(node: Language) -> Language:
    """The node where nothing stands before it: BEGIN matches."""
    return _rewrite(node, _START) if _has_begin(node) else node


def _inside(node: Language) -> Language:
    """The node after at least one character: BEGIN never matches."""
    return _rewrite(node, _INSIDE) if _has_begin(node) else node


def _rewrite(node: Language, rules: dict[Kind, Callable[[Language], Language]]) -> Language:
    return rules[node.kind](node)


def _start_cat(node: Language) -> Language:
    """The first part, then either nothing was consumed yet, or something was."""
    first, rest = _at_start(node.parts[0]), cat(*node.parts[1:])
    if first is EMPTY:
        return _at_start(rest)
    consumed = cat(first, _inside(rest))
    return union(consumed, _at_start(rest)) if first.nullable else consumed


_START: dict[Kind, Callable[[Language], Language]] = {
    "begin": lambda node: EMPTY,
    "cat": _start_cat,
    "or": lambda node: union(*map(_at_start, node.parts)),
    "and": lambda node: meet(*map(_at_start, node.parts)),
}
_INSIDE: dict[Kind, Callable[[Language], Language]] = {
    "begin": lambda node: NEVER,
    "cat": lambda node: cat(*map(_inside, node.parts)),
    "or": lambda node: union(*map(_inside, node.parts)),
    "and": lambda node: meet(*map(_inside, node.parts)),
}
