"""Sets of Unicode scalar values, as sorted tuples of closed ranges. None has surrogates, which UTF-8 lacks."""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]
CharSet = tuple[Range, ...]

NONE: CharSet = ()
ALL: CharSet = ((0, 0xD7FF), (0xE000, 0x10FFFF))


def set_union(*sets: CharSet) -> CharSet:
    """Every code point of any of the sets, ranges merged."""
    merged: list[Range] = []
    for low, high in sorted(part for codes in sets for part in codes):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return set_intersection(tuple(merged), ALL)


def set_intersection(left: CharSet, right: CharSet) -> CharSet:
    """What both sets have."""
    common: list[Range] = []
    i = j = 0
    while i < len(left) and j < len(right):
        low, high = max(left[i][0], right[j][0]), min(left[i][1], right[j][1])
        if low <= high:
            common.append((low, high))
        if left[i][1] < right[j][1]:
            i += 1
        else:
            j += 1
    return tuple(common)


def set_complement(chars: CharSet) -> CharSet:
    """Every scalar value that the set lacks."""
    gaps: list[Range] = []
    start = 0
    for low, high in chars:
        if start < low:
            gaps.append((start, low - 1))
        start = high + 1
    gaps.append((start, 0x10FFFF))
    return set_intersection(tuple(gap for gap in gaps if gap[0] <= gap[1]), ALL)


def of(text: str) -> CharSet:
    """The set of a string's characters."""
    return set_union(*(((ord(char), ord(char)),) for char in text))


def has_code(chars: CharSet, code: int) -> bool:
    return any(low <= code <= high for low, high in chars)


def size(chars: CharSet) -> int:
    return sum(high - low + 1 for low, high in chars)


DIGIT: CharSet = ((0x30, 0x39),)
WORD: CharSet = set_union(DIGIT, ((0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A)))
# ECMA-262 §22.2.2.9: WhiteSpace and LineTerminator
SPACE: CharSet = set_union(
    ((0x09, 0x0D), (0x20, 0x20), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A)),
    ((0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
LINE_END: CharSet = ((0x0A, 0x0A), (0x0D, 0x0D), (0x2028, 0x2029))
DOT: CharSet = set_complement(LINE_END)


def minterms(sets: Iterable[CharSet]) -> list[CharSet]:
    """The coarsest partition of all scalar values that splits none of the sets."""
    edges: dict[int, int] = {}
    for bit, chars in enumerate(sorted({ALL, *sets})):
        for low, high in chars:
            edges[low] = edges.get(low, 0) ^ 1 << bit
            edges[high + 1] = edges.get(high + 1, 0) ^ 1 << bit
    blocks: dict[int, list[Range]] = {}
    inside, start = 0, 0
    for edge in sorted(edges):
        if inside:  # the sets that hold what lies between two edges, as bits
            blocks.setdefault(inside, []).append((start, edge - 1))
        inside, start = inside ^ edges[edge], edge
    return [tuple(ranges) for ranges in blocks.values()]
