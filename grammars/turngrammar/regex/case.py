"""Case: the characters that Unicode's simple case folding, ECMA-262's Canonicalize, makes one."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

from turngrammar.regex.charset import CharSet, has_code, set_union
from turngrammar.regex.properties import property_codes


@lru_cache(maxsize=1024)
def fold_case(codes: CharSet) -> CharSet:
    """The set with every character that differs from one of its own by case only."""
    variants = (group for group in _variants() if any(has_code(codes, code) for code in group))
    return set_union(codes, *(((code, code),) for group in variants for code in group))


@lru_cache(maxsize=1)
def _variants() -> tuple[frozenset[int], ...]:
    groups: dict[str, set[int]] = defaultdict(set)
    for low, high in property_codes("Cased") or ():
        for code in range(low, high + 1):
            folded = _simple_fold(chr(code))
            groups[folded] |= {ord(folded), code}
    return tuple(frozenset(codes) for codes in groups.values() if len(codes) > 1)


def _simple_fold(char: str) -> str:
    return next((folded for folded in (char.casefold(), char.lower()) if len(folded) == 1), char)
