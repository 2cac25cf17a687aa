"""ECMA-262 patterns as languages: the texts that an unanchored search finds a match in, with look-around.

A tree is compiled from right to left against the language of what may follow it. So look-ahead is an intersection with
what follows. What precedes is known by the context (contexts.py), so what may follow is a vector, with a language for
each context; look-behind leaves those in which it holds.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from itertools import groupby
from typing import Any

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.contexts import Contexts, NoSimpleLanguage, Vector
from turngrammar.regex.edges import starting_in
from turngrammar.regex.elimination import printable
from turngrammar.regex.errors import Irregular
from turngrammar.regex.iteration import consuming
from turngrammar.regex.language import (
    ANY,
    EMPTY,
    NEVER,
    Language,
    Recursion,
    cat,
    chars,
    complement,
    intersection,
    recursive,
    repeat,
    union,
    with_parts,
)
from turngrammar.regex.references import at_least, references, written_out
from turngrammar.regex.syntax import parse_pattern
from turngrammar.regex.tree import (
    END,
    Alternation,
    Chars,
    Group,
    Look,
    Repeat,
    Sequence,
    Tree,
    sequence,
    walk,
)

_MOST_STEPS = 4000  # subtrees compiled, a repetition's once for each turn
_MOST_TURNS = 100  # of a repetition that is written out
_MOST_COUNTED = 10_000  # repetitions
_SEARCH = Repeat(Chars(charset.ALL), 0, None)


@lru_cache(maxsize=4096)
def compile_pattern(pattern: str) -> Language:
    """The texts in which `pattern` finds a match. Raises RegexError or Irregular."""
    return _countable(parse_pattern(pattern).tree)


def widened(pattern: str) -> Language:
    """At least the texts in which a pattern finds a match; exactly these where `compile_pattern` knows them."""
    try:
        return _countable(at_least(parse_pattern(pattern).tree))
    except Irregular:
        return ANY


def _countable(tree: Tree) -> Language:
    if any(isinstance(node, Repeat) and max(node.least, node.most or 0) > _MOST_COUNTED for node in walk(tree)):
        raise Irregular(f"the grammar counts {_MOST_COUNTED} repetitions at most")
    return texts_with(tree)


@lru_cache(maxsize=1024)
def texts_with(tree: Tree) -> Language:
    """The texts in which the tree finds a match, for an automaton: it counts any number of repetitions."""
    if references((tree,)):
        tree = written_out(tree)
        if references((tree,)):
            raise Irregular("back references are not regular")
    behind = {node: _texts_before(node) for node in walk(tree) if isinstance(node, Look) and not node.ahead}
    compiler = _Compiler(Contexts(behind))
    return _without_loops(compiler.compile(sequence(_SEARCH, tree), compiler.everywhere(ANY))[0])


@lru_cache(maxsize=256)
def _texts_before(look: Look) -> Language:
    """The texts at the end of which a look-behind finds its content."""
    if any(isinstance(node, Look) and node.ahead for node in walk(look.inner)):
        raise Irregular("look-ahead within look-behind is not compiled")
    return texts_with(sequence(look.inner, END))


class _Compiler:
    def __init__(self, contexts: Contexts) -> None:
        self.contexts = contexts
        self._steps = _MOST_STEPS
        self._loops: dict[tuple[Repeat, Vector], Vector] = {}

    def everywhere(self, language: Language) -> Vector:
        return (language,) * len(self.contexts)

    def compile(self, tree: Tree, after: Vector) -> Vector:
        """For each context, the texts that begin with a match of the tree, and go on as `after` allows."""
        self._steps -= 1
        if self._steps < 0:
            raise Irregular("its repetitions would make the grammar too large")
        plain = self._plain(tree, after) if tree.plain else None
        return plain or _COMPILE[type(tree)](self, tree, after)

    def _plain(self, tree: Tree, after: Vector) -> Vector | None:
        """For a tree that matches alike in all contexts; None if it must be followed character by character."""
        if len(set(after)) == 1:
            return self.everywhere(cat(language_of(tree), after[0]))
        if isinstance(tree, Chars):
            return None
        rests: dict[Language, list[int]] = {}
        for context, rest in enumerate(after):
            if rest is not NEVER:
                rests.setdefault(rest, []).append(context)
        try:
            return tuple(self._joined(language_of(tree), context, rests) for context in range(len(after)))
        except NoSimpleLanguage:
            return None

    def _joined(self, words: Language, context: int, rests: Mapping[Language, list[int]]) -> Language:
        """The words in a context, each before the rest of the context that it leads to."""
        stay = (rest for rest, contexts in rests.items() if context in contexts and words.nullable)
        leave = (cat(self.contexts.words_between(words, context, ends), rest) for rest, ends in rests.items())
        return union(*leave, *stay)

    def chars(self, tree: Chars, after: Vector) -> Vector:
        return tuple(
            union(*(cat(chars(charset.set_intersection(tree.codes, codes)), after[target]) for codes, target in moves))
            for moves in self.contexts.moves
        )

    def sequence(self, tree: Sequence, after: Vector) -> Vector:
        parts = tree.parts if tree.plain else _with_plain_runs(tree.parts)
        for part in reversed(parts):
            after = self.compile(part, after)
        return after

    def alternation(self, tree: Alternation, after: Vector) -> Vector:
        return self.either(*(self.compile(option, after) for option in tree.options))

    def either(self, *vectors: Vector) -> Vector:
        return tuple(map(union, *vectors)) if vectors else self.everywhere(NEVER)

    def group(self, tree: Group, after: Vector) -> Vector:
        return self.compile(tree.inner, after)

    def look(self, tree: Look, after: Vector) -> Vector:
        if not tree.ahead:
            return tuple(rest if self.contexts.holds(tree, i) else NEVER for i, rest in enumerate(after))
        if tree.inner.plain and language_of(tree.inner).kind == "chars":
            return tuple(_next_in(rest, language_of(tree.inner).data, tree.negative) for rest in after)
        ahead = self.compile(tree.inner, self.everywhere(ANY))
        return tuple(map(intersection, after, map(complement, ahead) if tree.negative else ahead))

    def repeat(self, tree: Repeat, after: Vector) -> Vector:
        optional = 0 if tree.most is None else tree.most - tree.least
        if tree.least + optional > _MOST_TURNS:
            raise Irregular(f"the grammar repeats a look-around {_MOST_TURNS} times at most")
        rest = self._loop(tree, after) if tree.most is None else after
        turn = consuming(tree.inner)
        for _ in range(optional):
            rest = self.either(after, self.compile(turn, rest))
        for _ in range(tree.least):
            rest = self.compile(tree.inner, rest)
        return rest

    def _loop(self, tree: Repeat, after: Vector) -> Vector:
        """The solution of V = after | turn V."""
        if (tree, after) not in self._loops:
            turn = consuming(tree.inner)
            unfolded = cache(lambda: self.either(after, self.compile(turn, self._loops[tree, after])))
            contents = (Recursion(rest.nullable, unfolded, index) for index, rest in enumerate(after))
            self._loops[tree, after] = tuple(map(recursive, contents))
        return self._loops[tree, after]


_COMPILE: Mapping[type[Tree], Callable[[_Compiler, Any, Vector], Vector]] = {
    Chars: _Compiler.chars,
    Sequence: _Compiler.sequence,
    Alternation: _Compiler.alternation,
    Group: _Compiler.group,
    Look: _Compiler.look,
    Repeat: _Compiler.repeat,
}


@lru_cache(maxsize=4096)
def language_of(tree: Tree) -> Language:
    """The words of a plain tree."""
    match tree:
        case Chars(codes):
            return chars(codes)
        case Sequence(parts):
            return cat(*map(language_of, parts))
        case Alternation(options):
            return union(*map(language_of, options))
        case Repeat(inner, least, most):
            return repeat(language_of(inner), least, most)
        case Group(inner):
            return language_of(inner)
        case _:
            raise TypeError(tree)


def _with_plain_runs(parts: tuple[Tree, ...]) -> list[Tree]:
    """The parts, neighbours that are plain as one."""
    runs = ((plain, tuple(run)) for plain, run in groupby(parts, lambda part: part.plain))
    return [part for plain, run in runs for part in ((sequence(*run),) if plain else run)]


def _next_in(rest: Language, codes: CharSet, negative: bool) -> Language:
    """The texts whose first character is in the set; or is not, if there is one."""
    if not negative:
        return starting_in(rest, codes)
    others = starting_in(rest, charset.set_complement(codes))
    return union(others, EMPTY) if rest.nullable else others


def _without_loops(language: Language) -> Language:
    if not language.recursive:
        return language
    if language.kind != "loop":
        return with_parts(language, map(_without_loops, language.parts))
    plain = printable(language)
    if plain is None:
        raise Irregular("its look-around in a repetition would make the grammar too large")
    return plain
