"""How often shapes are used in one output: repeated ones are written once and referred to."""

from __future__ import annotations

from collections import Counter

from turngrammar.schema.algebra import Algebra
from turngrammar.schema.shape import Array, Object, Ref, Shape, String, Variant, subshapes


class ShapeUses:
    """Uses of everything reachable from `root`: composite shapes by identity, since operations share unchanged parts;
    costly scalars by value."""

    def __init__(self, algebra: Algebra, root: Shape) -> None:
        self._algebra = algebra
        self._shapes: Counter[int] = Counter()
        self._scalars: Counter[Variant] = Counter()
        self._kept: list[Shape] = []  # an identity is unique only while its shape exists
        self._followed: set[str] = set()
        stack = [root]
        while stack:
            current = stack.pop()
            if self._first(current):
                for variant in current:
                    stack.extend(self._inside(variant))

    def repeats(self, shape: Shape) -> bool:
        """Whether this very composite shape is used more than once."""
        return self._shapes[id(shape)] > 1

    def recurs(self, variant: Variant) -> bool:
        """Whether a costly scalar like this is used more than once."""
        return self._scalars[variant] > 1

    def _first(self, shape: Shape) -> bool:
        """Count a use. Whether the shape's content is still to be counted."""
        if not any(isinstance(variant, Array | Object) for variant in shape):
            return True
        self._kept.append(shape)
        self._shapes[id(shape)] += 1
        return self._shapes[id(shape)] == 1

    def _inside(self, variant: Variant) -> list[Shape]:
        if _costly(variant):
            self._scalars[variant] += 1
        if isinstance(variant, Ref) and variant.name not in self._followed:
            self._followed.add(variant.name)
            return [self._algebra.resolve(variant)]
        return subshapes(variant)


def _costly(variant: Variant) -> bool:
    """Scalars that llguidance compiles slowly: patterns and formats."""
    return isinstance(variant, String) and bool(variant.languages or variant.formats)
