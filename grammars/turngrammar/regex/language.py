"""Regular languages of whole strings, closed under union, concatenation, repetition, intersection and complement.

A `Language` is an expression in a light normal form (Brzozowski's similarity rules), which is what keeps the number
of its derivatives finite. Build one by the functions here only: they apply the rules. Two languages that compare equal
are equal; two that don't may still be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal
from weakref import WeakValueDictionary

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet

MAX_COUNT = 1_000_000  # of a counted repetition; regex engines stop at some 4,000 times that
Kind = Literal["never", "empty", "chars", "cat", "or", "and", "not", "repeat", "loop"]


class Recursion:
    """What a language that recurs within itself consists of: one of several languages, computed when it is needed.

    They recur after a character at the earliest.
    """

    def __init__(self, nullable: bool, languages: Callable[[], Sequence[Language]], index: int) -> None:
        self.nullable = nullable
        self._languages = languages
        self._index = index

    @property
    def content(self) -> Language:
        return self._languages()[self._index]


class Language:
    """One expression. Immutable, and equal expressions are the same object: comparing them takes no time.

    Attributes:
        kind: which operation; decides what `parts` and `data` hold.
        parts: the operands.
        data: the character set of "chars", the (least, most) of "repeat" (most None: no limit), the
            Recursion of "loop".
        nullable: whether the empty string is in it.
        boolean: whether "and", "not" or "loop" occurs, which no `pattern` can express directly.
        size, depth: nodes of the expression as a tree, and levels; in memory, equal parts are shared.
        positions: characters of the expression with its counted repetitions written out.
        recursive: whether "loop" occurs: only while a pattern is compiled.
    """

    __slots__ = (
        "__weakref__",
        "boolean",
        "data",
        "depth",
        "kind",
        "nullable",
        "parts",
        "positions",
        "recursive",
        "size",
    )
    kind: Kind
    parts: tuple[Language, ...]
    data: Any
    nullable: bool
    boolean: bool
    recursive: bool
    size: int
    depth: int
    positions: int

    def __new__(cls, kind: Kind, parts: tuple[Language, ...] = (), data: Any = None) -> Language:
        key = (kind, frozenset(parts) if kind in ("or", "and") else parts, data)
        language = _KNOWN.get(key)
        if language is None:
            _KNOWN[key] = language = super().__new__(cls)
            language.kind, language.parts, language.data = kind, parts, data
            language.nullable = _NULLABLE[kind](parts, data)
            language.boolean = kind in ("and", "not", "loop") or any(part.boolean for part in parts)
            language.recursive = kind == "loop" or any(part.recursive for part in parts)
            turns = max(data[1] or data[0], 1) if kind == "repeat" else 1
            language.positions = turns * sum(part.positions for part in parts) + (kind == "chars")
            language.size = 1 + sum(part.size for part in parts)
            language.depth = 1 + max((part.depth for part in parts), default=0)
        return language


_KNOWN: WeakValueDictionary[Any, Language] = WeakValueDictionary()
_NULLABLE: dict[Kind, Callable[[tuple[Language, ...], Any], bool]] = {
    "never": lambda parts, data: False,
    "empty": lambda parts, data: True,
    "chars": lambda parts, data: False,
    "cat": lambda parts, data: all(part.nullable for part in parts),
    "or": lambda parts, data: any(part.nullable for part in parts),
    "and": lambda parts, data: all(part.nullable for part in parts),
    "not": lambda parts, data: not parts[0].nullable,
    "repeat": lambda parts, data: data[0] == 0 or parts[0].nullable,
    "loop": lambda parts, data: data.nullable,
}

NEVER = Language("never")
EMPTY = Language("empty")
ANY_CHAR = Language("chars", data=charset.ALL)
ANY = Language("repeat", (ANY_CHAR,), (0, None))


def chars(codes: CharSet) -> Language:
    """One character out of the set."""
    return Language("chars", data=codes) if codes else NEVER


def text_language(text: str) -> Language:
    return cat(*(chars(((ord(char), ord(char)),)) for char in text))


def cat(*parts: Language) -> Language:
    """One after the other."""
    flat: list[Language] = []
    for part in parts:
        flat.extend(part.parts if part.kind == "cat" else (part,))
    flat = [part for part in flat if part is not EMPTY]
    if NEVER in flat:
        return NEVER
    flat = _absorbed(_absorbed(flat)[::-1])[::-1] if ANY in flat else flat
    return _operation("cat", _counted(flat) if any(map(_is_star, flat)) else flat, EMPTY)


def _is_star(part: Language) -> bool:
    return part.kind == "repeat" and part.data == (0, None)


def _counted(parts: list[Language]) -> list[Language]:
    """`x*x` and `xx*` are `x+`."""
    kept: list[Language] = []
    for part in parts:
        if kept and _is_star(kept[-1]) and kept[-1].parts[0] == part:
            kept[-1] = repeat(part, 1, None)
        elif kept and _is_star(part) and part.parts[0] == kept[-1]:
            kept[-1] = repeat(kept[-1], 1, None)
        else:
            kept.append(part)
    return kept


def _absorbed(parts: list[Language]) -> list[Language]:
    """`(?s:.)*x` is `(?s:.)*` where x may be empty, and `(?s:.)*x{2,9}` is `(?s:.)*x{2}`."""
    kept: list[Language] = []
    for part in parts:
        if not kept or kept[-1] is not ANY:
            kept.append(part)
        elif not part.nullable:
            kept.append(repeat(part.parts[0], part.data[0], part.data[0]) if part.kind == "repeat" else part)
    return kept


def union(*parts: Language) -> Language:
    """Either."""
    flat = _flatten("or", parts)
    if ANY in flat:
        return ANY
    sets = [part.data for part in flat if part.kind == "chars"]
    flat = [part for part in flat if part.kind != "chars"]
    if sets:
        flat.insert(0, chars(charset.set_union(*sets)))
    if any(part.nullable for part in flat if part is not EMPTY):
        flat = [part for part in flat if part is not EMPTY]
    return _operation("or", [part for part in flat if part is not NEVER], NEVER)


def intersection(*parts: Language) -> Language:
    """Both."""
    flat = [part for part in _flatten("and", parts) if part != ANY]
    if NEVER in flat:
        return NEVER
    if EMPTY in flat:
        return EMPTY if all(part.nullable for part in flat) else NEVER
    sets = [part.data for part in flat if part.kind == "chars"]
    if len(sets) > 1:
        both = sets[0]
        for other in sets[1:]:
            both = charset.set_intersection(both, other)
        return intersection(chars(both), *(part for part in flat if part.kind != "chars"))
    return _operation("and", flat, ANY)


def complement(part: Language) -> Language:
    """Every string that is not in it."""
    if part.kind == "not":
        return part.parts[0]
    return _COMPLEMENTS.get(part) or Language("not", (part,))


_COMPLEMENTS = {NEVER: ANY, ANY: NEVER, EMPTY: Language("repeat", (ANY_CHAR,), (1, None))}
_COMPLEMENTS |= {there: here for here, there in _COMPLEMENTS.items()}


def repeat(part: Language, least: int, most: int | None) -> Language:
    """`part{least,most}`."""
    if most == 0 or part is EMPTY:
        return EMPTY
    if part is NEVER:
        return EMPTY if least == 0 else NEVER
    if (least, most) == (1, 1):
        return part
    if part.kind == "repeat" and part.data[0] <= 1:  # (x{1,3}){2,5} is x{2,15}: the counts leave no gap
        inner, most_inner = part.data
        product = None if most is None or most_inner is None else most * most_inner
        if (product or inner * least) <= MAX_COUNT:
            return repeat(part.parts[0], inner * least, product)
    return Language("repeat", (part,), (0 if part.nullable else least, most))


def recursive(content: Recursion) -> Language:
    return Language("loop", data=content)


def with_parts(language: Language, parts: Iterable[Language]) -> Language:
    """The same operation on other operands."""
    return _REBUILD[language.kind](language, tuple(parts))


_REBUILD: dict[Kind, Callable[[Language, tuple[Language, ...]], Language]] = {
    "cat": lambda language, parts: cat(*parts),
    "or": lambda language, parts: union(*parts),
    "and": lambda language, parts: intersection(*parts),
    "not": lambda language, parts: complement(*parts),
    "repeat": lambda language, parts: repeat(parts[0], *language.data),
}


def finite(texts: Iterable[str]) -> Language:
    """The listed strings, as a trie: its size is linear in the characters."""
    return _trie(sorted(set(texts)), 0)


def _trie(texts: Sequence[str], depth: int) -> Language:
    branches = _branches(texts, depth)
    options = [cat(text_language(head), _trie(group, depth + 1)) for head, group in branches.items()]
    if any(len(text) == depth for text in texts):
        options.append(EMPTY)
    return union(*options)


def all_but(texts: Iterable[str]) -> Language:
    """Every string but the listed ones, without "not"."""
    return _trie_complement(sorted(set(texts)), 0)


def _trie_complement(texts: Sequence[str], depth: int) -> Language:
    branches = _branches(texts, depth)
    taken = charset.of("".join(branches))
    options = [cat(chars(charset.set_complement(taken)), ANY)]
    options.extend(cat(text_language(head), _trie_complement(group, depth + 1)) for head, group in branches.items())
    if not any(len(text) == depth for text in texts):
        options.append(EMPTY)
    return union(*options)


def _branches(texts: Sequence[str], depth: int) -> dict[str, list[str]]:
    """Texts by their character at that depth."""
    branches: dict[str, list[str]] = {}
    for text in texts:
        if len(text) > depth:
            branches.setdefault(text[depth], []).append(text)
    return branches


def of_length(least: int, most: int | None) -> Language:
    """Strings with `least` to `most` characters."""
    return repeat(ANY_CHAR, least, most)


def _flatten(kind: Kind, parts: Iterable[Language]) -> list[Language]:
    """Operands in order of first appearance, without repetition, those of nested operations of the same kind lifted."""
    flat: dict[Language, None] = {}
    for part in parts:
        if part.kind == kind:
            flat.update(dict.fromkeys(part.parts))
        else:
            flat[part] = None
    return list(flat)


def _operation(kind: Kind, parts: list[Language], none: Language) -> Language:
    if not parts:
        return none
    return parts[0] if len(parts) == 1 else Language(kind, tuple(parts))
