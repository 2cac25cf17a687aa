"""How often shapes are used in one output, to tell which are better written once and referred to."""

from __future__ import annotations

from collections import Counter

from turngrammar.schema.algebra import Algebra, inner
from turngrammar.schema.shape import Array, Number, Object, Piece, Ref, Shape, Text


class Usage:
    """Uses of everything reachable from `root`: composite shapes by identity, since operations share what they don't
    change; costly scalars by value."""

    def __init__(self, algebra: Algebra, root: Shape) -> None:
        self._algebra = algebra
        self._shapes: Counter[int] = Counter()
        self._scalars: Counter[Piece] = Counter()
        self._kept: list[Shape] = []  # an identity means something only while its shape lives
        self._followed: set[str] = set()
        stack = [root]
        while stack:
            current = stack.pop()
            if self._first(current):
                for piece in current:
                    stack.extend(self._within(piece))

    def repeats(self, shape: Shape) -> bool:
        """Whether this very composite shape is used more than once."""
        return self._shapes[id(shape)] > 1

    def recurs(self, piece: Piece) -> bool:
        """Whether a costly scalar like this is used more than once."""
        return self._scalars[piece] > 1

    def _first(self, shape: Shape) -> bool:
        """Count a use; whether what is inside has yet to be counted."""
        if not any(isinstance(piece, Array | Object) for piece in shape):
            return True
        self._kept.append(shape)
        self._shapes[id(shape)] += 1
        return self._shapes[id(shape)] == 1

    def _within(self, piece: Piece) -> list[Shape]:
        if _costly(piece):
            self._scalars[piece] += 1
        if isinstance(piece, Ref) and piece.name not in self._followed:
            self._followed.add(piece.name)
            return [self._algebra.resolve(piece)]
        return inner(piece)


def _costly(piece: Piece) -> bool:
    """Scalars that take llguidance long to compile: 18 digits' worth of bounds, patterns, formats."""
    if isinstance(piece, Number):
        return piece.integer and (piece.low is None or piece.high is None)
    return isinstance(piece, Text) and bool(piece.languages or piece.formats)
