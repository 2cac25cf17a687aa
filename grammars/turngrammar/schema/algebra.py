"""Shapes under intersection and difference, to which every combinator of JSON Schema reduces.

`minus` is relative, never a complement: "integers from 0 to 9 except multiples of 3" has a shape, "anything except
multiples of 3" has none. An operation without an exact result, or beyond the budget, raises Inexact; the caller then
takes a larger shape and marks it loose. Definitions are looked up only when an operation needs their content; a pair of
definitions that recurs within its own operation becomes a definition, so recursion ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from turngrammar.schema.shape import (
    ANYTHING,
    EVERY_TYPE,
    NOTHING,
    AnyValue,
    Inexact,
    Ref,
    Shape,
    Variant,
    loosen,
    subshapes,
    unite,
)

# Operations on pairs of variants, for one keyword's rewriting and for a whole schema's. Each takes about 10 us.
STEPS = 4_000
ALL_STEPS = 40_000
ALTERNATIVES = 256
DEPTH = 40  # of nested operations; each takes up to ten frames

RECURSIVE = "the subschema is recursive"
_FROM_REF = ("meet", "minus")  # operations with the reference on their left side

Pair = tuple[type[Variant], type[Variant]]


@dataclass(frozen=True)
class Operations:
    """Functions (algebra, left, right) by the types of both sides.

    A pair that `meet` lacks has no common value, one that `minus` lacks leaves the left side as it is, and one that
    `disjoint` lacks is decided by `meet`.
    """

    meet: Mapping[Pair, Callable[..., Shape]]
    minus: Mapping[Pair, Callable[..., Shape]]
    disjoint: Mapping[Pair, Callable[..., bool]]


class Algebra:
    """The operations over one set of definitions.

    Args:
        define: reads the definition of that name; called once for each.
        operations: for each pair of types.
        alternatives: the maximum number of variants of one shape.
    """

    def __init__(
        self, define: Callable[[str], Shape], operations: Operations, alternatives: int = ALTERNATIVES
    ) -> None:
        self.alternatives = alternatives
        self._define = define
        self._operations = operations
        self._shapes: dict[str, Shape] = {}
        self._results: dict[tuple[str, Ref, Variant], Shape] = {}
        self._used: set[str] = set()
        self._unfinished: set[str] = set()
        self._named = 0
        self._disjoint: dict[tuple[Variant, Variant], bool] = {}
        self._steps = STEPS
        self._all_steps = ALL_STEPS
        self._depth = 0

    def allow(self, steps: int = STEPS) -> None:
        """A new keyword starts with a full budget."""
        self._steps = min(steps, self._all_steps)

    def resolve(self, ref: Ref) -> Shape:
        """The shape that a reference names. Raises Inexact while that shape is being computed."""
        if ref.name in self._unfinished:
            raise Inexact(RECURSIVE)
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
            return self._bounded(both for mine in left for theirs in right for both in self._meet(mine, theirs))

    def minus(self, left: Shape, right: Shape) -> Shape:
        """What `left` allows and `right` doesn't. Raises Inexact, always if the relevant part of `right` is loose."""
        if left == right and all(isinstance(variant, Ref) and not variant.loose for variant in right):
            return NOTHING  # the same definitions, whatever they are
        with self._deeper():
            for excluded in right:
                left = self._bounded(rest for mine in left for rest in self._minus(mine, excluded))
        return left

    def disjoint(self, left: Shape, right: Shape) -> bool:
        """Whether provably no value fits both. False proves nothing."""
        with self._deeper():
            return all(self._apart(mine, theirs) for mine in left for theirs in right)

    def exact(self, shape: Shape) -> bool:
        """Whether no variant in it, at any depth, is loose."""
        seen: set[str] = set()
        queue = [shape]
        for variants in queue:
            for variant in variants:
                if variant.loose:
                    return False
                if isinstance(variant, Ref) and variant.name not in seen:
                    seen.add(variant.name)
                    queue.append(self.resolve(variant))
                queue.extend(subshapes(variant))
        return True

    def _bounded(self, variants: Iterable[Variant]) -> Shape:
        shape = unite(tuple(variants))
        if len(shape) > self.alternatives:
            raise Inexact(f"more than {self.alternatives} alternatives")
        return shape

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        """Operations nest no deeper than the interpreter's stack allows, with room for the caller's frames."""
        if self._depth == DEPTH:
            raise Inexact(f"the comparison of subschemas would nest more than {DEPTH} levels deep")
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

    def _meet(self, left: Variant, right: Variant) -> Shape:
        self._spend()
        if isinstance(left, AnyValue):
            return loosen((right,)) if left.loose else (right,)
        if isinstance(right, AnyValue):
            return loosen((left,)) if right.loose else (left,)
        if left == right:
            return (left,)
        if isinstance(left, Ref):
            return self._through("meet", left, right, lambda: self.meet(self.resolve(left), (right,)))
        if isinstance(right, Ref):
            return self._through("meet_of", right, left, lambda: self.meet((left,), self.resolve(right)))
        met = self._operations.meet.get((type(left), type(right)), _no_overlap)(self, left, right)
        return loosen(met) if left.loose or right.loose else met

    def _minus(self, left: Variant, right: Variant) -> Shape:
        self._spend()
        if right.loose:
            raise Inexact("the excluded subschema is itself only checked")
        if isinstance(right, AnyValue) or (left == right and not subshapes(right)):
            return NOTHING
        if isinstance(left, AnyValue):
            rest = self.minus(EVERY_TYPE, (right,))
            return loosen(rest) if left.loose else rest
        if isinstance(right, Ref):
            return self._through("minus_of", right, left, lambda: self.minus((left,), self.resolve(right)))
        if isinstance(left, Ref):
            return self._through("minus", left, right, lambda: self.minus(self.resolve(left), (right,)))
        rest = self._operations.minus.get((type(left), type(right)), _unchanged)(self, left, right)
        return loosen(rest) if left.loose else rest

    def _through(self, operation: str, ref: Ref, other: Variant, body: Callable[[], Shape]) -> Shape:
        """An operation on a definition's content. If it recurs within itself, its result gets a name."""
        key = (operation, ref, other)
        if key in self._results:
            self._used.update(variant.name for variant in self._results[key] if isinstance(variant, Ref))
            return self._results[key]
        before = len(self._results)
        self._named += 1
        name = f"{ref.name}:{self._named}"
        self._results[key] = (Ref(name=name),)
        self._unfinished.add(name)
        try:
            shape = body()
        except Inexact:  # later results may refer to this one, which won't exist
            for stale in list(self._results)[before:]:
                del self._results[stale]
            self._shapes[name] = loosen((ref if operation in _FROM_REF else other,))  # for definitions read since
            raise
        finally:
            self._unfinished.discard(name)
        if name in self._used:
            self._shapes[name] = shape
        else:
            self._results[key] = shape
        return self._results[key]

    def _apart(self, left: Variant, right: Variant) -> bool:
        if isinstance(left, AnyValue) or isinstance(right, AnyValue):
            return False
        key = (right, left) if (right, left) in self._disjoint else (left, right)
        if key not in self._disjoint:
            self._disjoint[key] = False  # until proved: the pair may recur within itself
            with suppress(Inexact):
                self._disjoint[key] = self._prove_apart(left, right)
        return self._disjoint[key]

    def _prove_apart(self, left: Variant, right: Variant) -> bool:
        if isinstance(left, Ref):
            return self.disjoint(self.resolve(left), (right,))
        if isinstance(right, Ref):
            return self.disjoint((left,), self.resolve(right))
        pair = type(left), type(right)
        if pair in self._operations.disjoint:
            return self._operations.disjoint[pair](self, left, right)
        return self._operations.meet.get(pair, _no_overlap)(self, left, right) == NOTHING


def _no_overlap(algebra: Algebra, left: Variant, right: Variant) -> Shape:
    return NOTHING


def _unchanged(algebra: Algebra, left: Variant, right: Variant) -> Shape:
    return (left,)
