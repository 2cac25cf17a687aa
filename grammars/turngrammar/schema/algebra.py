"""Shapes under intersection and difference, to which every combinator of JSON Schema reduces.

`minus` is relative, never a complement: "integers from 0 to 9 except multiples of 3" has a shape, "anything except
multiples of 3" has none. An operation without an exact result, or beyond the budget, raises Inexact; the caller then
takes a larger shape and marks it loose. Definitions are looked up only when an operation needs their content; a pair of
definitions that recurs within its own operation becomes a definition, so recursion ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from turngrammar.schema.definitions import Definitions, Unfinished
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

ALTERNATIVES = 256
DEPTH = 40  # of nested operations; each takes up to ten frames

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


class _Nesting:
    """Operations nest no deeper than the interpreter's stack allows, with room for the caller's frames."""

    def __init__(self) -> None:
        self._depth = 0

    def __enter__(self) -> None:
        if self._depth == DEPTH:
            raise Inexact(f"the comparison of subschemas would nest more than {DEPTH} levels deep")
        self._depth += 1

    def __exit__(self, *error: object) -> None:
        self._depth -= 1


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
        self.definitions = Definitions(define)
        self.resolve = self.definitions.resolve
        self._operations = operations
        self._results: dict[tuple[str, Ref, Variant], Shape] = {}
        self._inner: dict[tuple[str, Shape, Shape], Shape] = {}
        self._used: set[str] = set()
        self._complements: dict[Shape, Shape] = {}  # definitions, by the shape of all other values
        self._disjoint: dict[tuple[Variant, Variant], bool] = {}
        self._undecided = False  # whether a verdict in the current proof depends on an unfinished definition
        self._undecided_at: dict[tuple[Variant, Variant], int] = {}  # by the number of definitions then finished
        self._nesting = _Nesting()

    def meet(self, left: Shape, right: Shape) -> Shape:
        """What both allow. Keys keep the order of `left`. Raises Inexact."""
        if right == ANYTHING or left == right:
            return left
        if left == ANYTHING:
            return right
        with self._nesting:
            return self._bounded(both for mine in left for theirs in right for both in self._meet(mine, theirs))

    def minus(self, left: Shape, right: Shape) -> Shape:
        """What `left` allows and `right` doesn't. Raises Inexact, always if they overlap where `right` is loose."""
        named = all(isinstance(variant, Ref) and not variant.loose for variant in right)
        if left == right and named:
            return NOTHING  # whatever they are
        if left == ANYTHING and right in self._complements:
            return self._complements[right]
        rest = left
        with self._nesting:
            for excluded in right:
                rest = self._bounded(part for mine in rest for part in self._minus(mine, excluded))
        if left == ANYTHING and named:
            self._complements[rest] = right
        return rest

    def without(self, variant: Variant, right: Shape, most: int) -> Shape:
        """As `minus`; the variant as a whole, loose and reported, if that is inexact or has more than `most` parts."""
        try:
            rest = self.minus((variant,), right)
            if len(rest) > max(most, 1):
                raise Inexact("its alternatives overlap in too many ways")
            return rest
        except Inexact as reason:
            return self.definitions.concede((variant,), reason)

    def disjoint(self, left: Shape, right: Shape) -> bool:
        """Whether provably no value fits both. False proves nothing."""
        with self._nesting:
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

    def _meet(self, left: Variant, right: Variant) -> Shape:
        self.definitions.spend()
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
        self.definitions.spend()
        if not right.loose and (isinstance(right, AnyValue) or (left == right and not subshapes(right))):
            return NOTHING
        if isinstance(left, AnyValue):
            rest = self.minus(EVERY_TYPE, (right,))
            return loosen(rest) if left.loose else rest
        if isinstance(right, Ref):
            return self._through("minus_of", right, left, lambda: self.minus((left,), self.resolve(right)))
        if isinstance(left, Ref):
            return self._through("minus", left, right, lambda: self.minus(self.resolve(left), (right,)))
        if right.loose and not self.disjoint((left,), (right,)):
            raise Inexact("the excluded subschema is itself only checked")
        rest = self._operations.minus.get((type(left), type(right)), _unchanged)(self, left, right)
        return loosen(rest) if left.loose else rest

    def _through(self, operation: str, ref: Ref, other: Variant, body: Callable[[], Shape]) -> Shape:
        """An operation on a definition's content. If it recurs within itself, its result gets a name."""
        key = (operation, ref, other)
        if key in self._results:
            self._used.update(variant.name for variant in self._results[key] if isinstance(variant, Ref))
            return self._results[key]
        before = len(self._results)
        name = self.definitions.new_name(ref.name)
        kept = ref if operation in _FROM_REF else other
        self._results[key] = (Ref(name=name),)
        compute = partial(self._unless_same, kept, body)
        try:
            with self.definitions.computing(name):
                shape = compute()
        except Inexact as reason:
            for stale in list(self._results)[before:]:  # later results may refer to this one
                del self._results[stale]
            self.definitions.give_up(name, compute, (kept,), reason)  # definitions read since may, too
            raise
        if name in self._used:
            self.definitions.add(name, shape)
        else:
            self._results[key] = shape
        return self._results[key]

    def _unless_same(self, kept: Variant, body: Callable[[], Shape]) -> Shape:
        """The shape, or the reference whose content it is."""
        shape = body()
        return (kept,) if isinstance(kept, Ref) and shape == self.resolve(kept) else shape

    def inner(self, operation: Callable[[Shape, Shape], Shape], left: Shape, right: Shape) -> Shape:
        """The operation on the shapes of a member or item, which can wait."""
        key = operation.__name__, left, right
        if key not in self._inner:
            try:
                return operation(left, right)
            except Unfinished as reason:
                self._inner[key] = self.definitions.postpone(partial(operation, left, right), left, reason)
        return self._inner[key]

    def _apart(self, left: Variant, right: Variant) -> bool:
        if isinstance(left, AnyValue) or isinstance(right, AnyValue):
            return False
        pair = (right, left) if (right, left) in self._disjoint else (left, right)
        if pair in self._disjoint:
            return self._disjoint[pair]
        if self._undecided_at.get(pair) == self.definitions.finished:
            self._undecided = True
            return False
        return self._decide_apart(pair)

    def _decide_apart(self, pair: tuple[Variant, Variant]) -> bool:
        """The verdict is kept unless it may change when some definition is finished."""
        self.definitions.spend()
        before, self._undecided = self._undecided, False
        self._disjoint[pair] = proved = False  # until proved: the pair may recur within itself
        try:
            proved = self._prove_apart(*pair)
        except Inexact as reason:
            self._undecided |= isinstance(reason, Unfinished)
        if self._undecided and not proved:
            del self._disjoint[pair]
            self._undecided_at[pair] = self.definitions.finished
        else:
            self._disjoint[pair], self._undecided = proved, before
        return proved

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
