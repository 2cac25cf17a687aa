"""Shapes under intersection and difference: the two operations that every combinator of JSON Schema is told in.

`minus` is relative, never a complement: within "whole numbers", all but the whole multiples of 3 may be sayable where
"everything but" is not. What can't be said, or passes the budget, raises Inexact, and the caller takes something larger
and marks it loose. Definitions are looked up only when an operation needs to see inside one; a pair of definitions that
meets itself again becomes a definition of its own, so recursion ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress

from turngrammar.schema import arrays, objects, scalars
from turngrammar.schema.shape import (
    ANYTHING,
    EVERY_TYPE,
    NOTHING,
    AnyPiece,
    Array,
    Boolean,
    Inexact,
    Null,
    Number,
    Object,
    Piece,
    Ref,
    Shape,
    Text,
    Words,
    loosen,
    unite,
)

# Piece-by-piece steps of one keyword's rewriting, and of a whole schema's. A step takes some 10 microseconds.
STEPS = 4_000
ALL_STEPS = 40_000
PIECES = 256  # of one shape
DEPTH = 40  # operations within each other; each takes up to ten frames

_FROM_REF = ("meet", "minus")  # operations whose left side is the reference
_Operation = Callable[..., Shape]  # (algebra, left, right); the tables below say which types


class Algebra:
    """The operations over one set of definitions.

    Args:
        define: reads the definition of that name. It is asked once for each.
    """

    def __init__(self, define: Callable[[str], Shape]) -> None:
        self._define = define
        self._shapes: dict[str, Shape] = {}
        self._results: dict[tuple[str, Ref, Piece], Shape] = {}
        self._used: set[str] = set()
        self._unfinished: set[str] = set()
        self._named = 0
        self._disjoint: dict[tuple[Piece, Piece], bool] = {}
        self._steps = STEPS
        self._all_steps = ALL_STEPS
        self._depth = 0

    def allow(self, steps: int = STEPS) -> None:
        """A new keyword starts with a full budget."""
        self._steps = min(steps, self._all_steps)

    def resolve(self, ref: Ref) -> Shape:
        """The shape that a reference names. Raises Inexact while that is still being worked out."""
        if ref.name in self._unfinished:
            raise Inexact("it is told in terms of itself")
        if ref.name not in self._shapes:
            self._shapes[ref.name] = self._define(ref.name)
        shape = self._shapes[ref.name]
        return loosen(shape) if ref.loose else shape

    def meet(self, left: Shape, right: Shape) -> Shape:
        """What both allow. Keys keep the order of `left`. Raises Inexact."""
        if right == ANYTHING or left == right:
            return left
        if left == ANYTHING:
            return right
        with self._deeper():
            return self._bounded(piece for one in left for other in right for piece in self._meet(one, other))

    def minus(self, left: Shape, right: Shape) -> Shape:
        """What `left` allows and `right` doesn't. Raises Inexact, always where what is taken away is loose."""
        if left == right and all(isinstance(piece, Ref) and not piece.loose for piece in right):
            return NOTHING  # the same definitions: whatever they mean, nothing is left
        with self._deeper():
            for other in right:
                left = self._bounded(piece for one in left for piece in self._minus(one, other))
        return left

    def disjoint(self, left: Shape, right: Shape) -> bool:
        """Whether surely nothing fits both. False is no proof of the opposite."""
        with self._deeper():
            return all(self._apart(one, other) for one in left for other in right)

    def exact(self, shape: Shape) -> bool:
        """Whether no piece in it, at any depth, is loose."""
        seen: set[str] = set()
        queue = [shape]
        for pieces in queue:
            for piece in pieces:
                if piece.loose:
                    return False
                if isinstance(piece, Ref) and piece.name not in seen:
                    seen.add(piece.name)
                    queue.append(self.resolve(piece))
                queue.extend(inner(piece))
        return True

    def _bounded(self, pieces: Iterable[Piece]) -> Shape:
        shape = unite(tuple(pieces))
        if len(shape) > PIECES:
            raise Inexact(f"more than {PIECES} alternatives")
        return shape

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """Operations nest no deeper than the interpreter's stack allows, with room for whoever called."""
        if self._depth == DEPTH:
            raise Inexact(f"shapes would have to be compared more than {DEPTH} levels deep")
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _spend(self) -> None:
        self._steps -= 1
        self._all_steps -= 1
        if self._steps < 0:
            raise Inexact("the rewriting would grow too large")

    def _meet(self, left: Piece, right: Piece) -> Shape:
        self._spend()
        if isinstance(left, AnyPiece):
            return loosen((right,)) if left.loose else (right,)
        if isinstance(right, AnyPiece):
            return loosen((left,)) if right.loose else (left,)
        if left == right:
            return (left,)
        if isinstance(left, Ref):
            return self._through("meet", left, right, lambda: self.meet(self.resolve(left), (right,)))
        if isinstance(right, Ref):
            return self._through("meet_of", right, left, lambda: self.meet((left,), self.resolve(right)))
        met = _MEET.get((type(left), type(right)), _nothing)(self, left, right)
        return loosen(met) if left.loose or right.loose else met

    def _minus(self, left: Piece, right: Piece) -> Shape:
        self._spend()
        if right.loose:
            raise Inexact("what is excluded is itself only checked")
        if isinstance(right, AnyPiece) or (left == right and not inner(right)):
            return NOTHING
        if isinstance(left, AnyPiece):
            rest = self.minus(EVERY_TYPE, (right,))
            return loosen(rest) if left.loose else rest
        if isinstance(right, Ref):
            return self._through("minus_of", right, left, lambda: self.minus((left,), self.resolve(right)))
        if isinstance(left, Ref):
            return self._through("minus", left, right, lambda: self.minus(self.resolve(left), (right,)))
        rest = _MINUS.get((type(left), type(right)), _left)(self, left, right)
        return loosen(rest) if left.loose else rest

    def _through(self, operation: str, ref: Ref, other: Piece, body: Callable[[], Shape]) -> Shape:
        """An operation that looks into a definition. Where it comes back to itself, the result gets a name."""
        key = (operation, ref, other)
        if key in self._results:
            self._used.update(piece.name for piece in self._results[key] if isinstance(piece, Ref))
            return self._results[key]
        before = len(self._results)
        self._named += 1
        name = f"{ref.name}:{self._named}"
        self._results[key] = (Ref(name=name),)
        self._unfinished.add(name)
        try:
            shape = body()
        except Inexact:  # results since then may refer to this one, which there won't be
            for stale in list(self._results)[before:]:
                del self._results[stale]
            self._shapes[name] = loosen((ref if operation in _FROM_REF else other,))  # for definitions read meanwhile
            raise
        finally:
            self._unfinished.discard(name)
        if name in self._used:
            self._shapes[name] = shape
        else:
            self._results[key] = shape
        return self._results[key]

    def _apart(self, left: Piece, right: Piece) -> bool:
        if isinstance(left, AnyPiece) or isinstance(right, AnyPiece):
            return False
        key = (right, left) if (right, left) in self._disjoint else (left, right)
        if key not in self._disjoint:
            self._disjoint[key] = False  # of a pair that asks about itself nothing is proved
            with suppress(Inexact):  # nor of one that can't be looked into
                self._disjoint[key] = self._prove_apart(left, right)
        return self._disjoint[key]

    def _prove_apart(self, left: Piece, right: Piece) -> bool:
        if isinstance(left, Ref):
            return self.disjoint(self.resolve(left), (right,))
        if isinstance(right, Ref):
            return self.disjoint((left,), self.resolve(right))
        if isinstance(left, Object) and isinstance(right, Object):
            return objects.disjoint(self, left, right)
        if isinstance(left, Array) and isinstance(right, Array):
            return arrays.disjoint(self, left, right)
        return _MEET.get((type(left), type(right)), _nothing)(self, left, right) == NOTHING


def inner(piece: Piece) -> list[Shape]:
    """The shapes that a piece is made of."""
    if isinstance(piece, Array):
        return [*piece.prefix, piece.rest]
    if isinstance(piece, Object):
        return [*dict(piece.properties).values(), *(shape for _, shape in piece.patterns), piece.rest]
    return []


def _nothing(algebra: Algebra, left: Piece, right: Piece) -> Shape:
    return NOTHING


def _left(algebra: Algebra, left: Piece, right: Piece) -> Shape:
    return (left,)


_MEET: dict[tuple[type[Piece], type[Piece]], _Operation] = {
    (Null, Null): _left,
    (Boolean, Boolean): scalars.meet_booleans,
    (Number, Number): scalars.meet_numbers,
    (Words, Words): scalars.meet_words,
    (Words, Text): scalars.meet_words_text,
    (Text, Words): lambda algebra, left, right: scalars.meet_words_text(algebra, right, left),
    (Text, Text): scalars.meet_texts,
    (Array, Array): arrays.meet,
    (Object, Object): objects.meet,
}
_MINUS: dict[tuple[type[Piece], type[Piece]], _Operation] = {
    (Null, Null): _nothing,
    (Boolean, Boolean): scalars.minus_booleans,
    (Number, Number): scalars.minus_numbers,
    (Words, Words): scalars.minus_words,
    (Words, Text): scalars.minus_words_text,
    (Text, Words): scalars.minus_text_words,
    (Text, Text): scalars.minus_texts,
    (Array, Array): arrays.minus,
    (Object, Object): objects.minus,
}
