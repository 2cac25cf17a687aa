"""Shapes under intersection and difference, to which every combinator of JSON Schema reduces.

`minus` is relative, never a complement: "integers from 0 to 9 except multiples of 3" has a shape, "anything except
multiples of 3" has none. An operation without an exact result, or beyond the budget, raises Inexact; the caller then
takes a larger shape and marks it loose. Definitions are looked up only when an operation needs their content; a pair of
definitions that recurs within its own operation becomes a definition, so recursion ends.

A keyword may need a definition that is still being read, because the keyword is inside it: `oneOf` in a property of a
tree's nodes, say. Its operation is then postponed: its result is a reference to a definition, computed at first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

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
VARIANTS = 256  # of one shape
GENERATIONS = 3  # of postponed tasks: two definitions that negate each other would never end
DEPTH = 40  # of nested operations; each takes up to ten frames

_FROM_REF = ("meet", "minus")  # operations with the reference on their left side

Pair = tuple[type[Variant], type[Variant]]


class Unfinished(Inexact):
    """An operation needs a definition that is still being read or computed."""

    def __init__(self) -> None:
        super().__init__("the subschema is recursive")


@dataclass(frozen=True)
class Task:
    """A computation for a keyword.

    Attributes:
        name: for the definition that holds the result, if it is postponed.
        compute: raises Inexact.
        fallback: taken then, as a loose shape.
        report: gets the reason then.
        generation: 0, or one more than that of the postponed task in which it was postponed.
    """

    name: str
    compute: Callable[[], Shape]
    fallback: Shape
    report: Callable[[str], None]
    generation: int = 0


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
    """

    def __init__(self, define: Callable[[str], Shape], operations: Operations) -> None:
        self._define = define
        self._operations = operations
        self._shapes: dict[str, Shape] = {}
        self._results: dict[tuple[str, Ref, Variant], Shape] = {}
        self._used: set[str] = set()
        self._unfinished: set[str] = set()
        self._postponed: dict[str, Task] = {}
        self._task: Task | None = None  # the current one
        self._postponing = True  # whether it is postponed as a whole, or the operations within it that need to be
        self._named = 0
        self._disjoint: dict[tuple[Variant, Variant], bool] = {}
        self._undecided = False  # whether a verdict in the current proof depends on an unfinished definition
        self._steps = STEPS
        self._all_steps = ALL_STEPS
        self._depth = 0

    def attempt(self, task: Task) -> Shape:
        """The result of a task, or a reference to it if it needs a definition that is still being read."""
        try:
            return self._run(task, postponing=True)
        except Unfinished:
            return self._postpone(self._new_name(task.name), task)

    def resolve(self, ref: Ref) -> Shape:
        """The shape that a reference names. Raises Unfinished while that shape is being computed."""
        name = ref.name
        if name in self._unfinished or (name in self._postponed and self._task and self._postponing):
            raise Unfinished
        if name in self._postponed:
            self._complete(name)
        elif name not in self._shapes:
            with self._between_tasks():
                self._shapes[name] = self._define(name)
        shape = self._shapes[name]
        return loosen(shape) if ref.loose else shape

    def target(self, ref: Ref) -> Ref:
        """The definition itself, for a reference to a definition that is only a reference."""
        shape = self.resolve(ref)
        return self.target(shape[0]) if len(shape) == 1 and isinstance(shape[0], Ref) else ref

    def meet(self, left: Shape, right: Shape) -> Shape:
        """What both allow. Keys keep the order of `left`. Raises Inexact."""
        if right == ANYTHING or left == right:
            return left
        if left == ANYTHING:
            return right
        with self._deeper():
            return self._bounded(both for mine in left for theirs in right for both in self._meet(mine, theirs))

    def minus(self, left: Shape, right: Shape) -> Shape:
        """What `left` allows and `right` doesn't. Raises Inexact, always if they overlap where `right` is loose."""
        if left == right and all(isinstance(variant, Ref) and not variant.loose for variant in right):
            return NOTHING  # the same definitions, whatever they are
        with self._deeper():
            for excluded in right:
                left = self._bounded(rest for mine in left for rest in self._minus(mine, excluded))
        return left

    def without(self, left: Shape, right: Shape) -> Shape:
        """As `minus`, except that a variant stays whole, loose and reported, where the difference is not exact."""
        return unite(*(self._without(variant, right) for variant in left))

    def _without(self, variant: Variant, right: Shape) -> Shape:
        try:
            return self.minus((variant,), right)
        except Inexact as reason:
            if self._task is None or (self._postponing and isinstance(reason, Unfinished)):
                raise
            self._task.report(str(reason))
            return loosen((variant,))

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
        if len(shape) > VARIANTS:
            raise Inexact(f"more than {VARIANTS} alternatives")
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
        name = self._new_name(ref.name)
        kept = ref if operation in _FROM_REF else other
        self._results[key] = (Ref(name=name),)
        self._unfinished.add(name)
        try:
            shape = self._unless_same(kept, body())
        except Inexact as reason:
            if isinstance(reason, Unfinished) and self._task and self._task.generation < GENERATIONS:
                return self._postpone_within(self._task, name, kept, body)
            for stale in list(self._results)[before:]:  # later results may refer to this one, which won't exist
                del self._results[stale]
            self._shapes[name] = loosen((kept,))  # for definitions read since
            raise
        finally:
            self._unfinished.discard(name)
        if name in self._used:
            self._shapes[name] = shape
        else:
            self._results[key] = shape
        return self._results[key]

    def _unless_same(self, kept: Variant, shape: Shape) -> Shape:
        """The shape, or the reference whose content it is."""
        return (kept,) if isinstance(kept, Ref) and shape == self.resolve(kept) else shape

    def _new_name(self, stem: str) -> str:
        self._named += 1
        return f"{stem}:{self._named}"

    def _postpone(self, name: str, task: Task) -> Shape:
        self._postponed[name] = task
        return (Ref(name=name),)

    def _postpone_within(self, task: Task, name: str, kept: Variant, body: Callable[[], Shape]) -> Shape:
        """Raises Unfinished if the task is to be postponed itself."""
        later = replace(task, compute=lambda: self._unless_same(kept, body()), fallback=(kept,))
        postponed = self._postpone(name, replace(later, generation=task.generation + 1))
        if self._postponing:
            raise Unfinished
        return postponed

    def _complete(self, name: str) -> None:
        """Run a postponed task. Of what it needs itself, it postpones what can't be computed even now."""
        self._unfinished.add(name)
        self._shapes[name] = self._run(self._postponed.pop(name), postponing=False)
        self._unfinished.discard(name)

    def _run(self, task: Task, *, postponing: bool) -> Shape:
        """Raises Unfinished if the task is to be postponed."""
        with self._between_tasks():
            self._task, self._postponing = task, postponing
            self._steps = min(STEPS, self._all_steps)
            try:
                return task.compute()
            except Inexact as reason:
                if postponing and isinstance(reason, Unfinished):
                    raise
                task.report(str(reason))
                return loosen(task.fallback)

    @contextmanager
    def _between_tasks(self) -> Iterator[None]:
        """The current task is interrupted, for a definition to be read or for another task."""
        interrupted = self._task, self._postponing, self._steps
        self._task = None
        try:
            yield
        finally:
            self._task, self._postponing, self._steps = interrupted

    def _apart(self, left: Variant, right: Variant) -> bool:
        if isinstance(left, AnyValue) or isinstance(right, AnyValue):
            return False
        key = (right, left) if (right, left) in self._disjoint else (left, right)
        if key not in self._disjoint:
            return self._decide_apart(key)
        return self._disjoint[key]

    def _decide_apart(self, pair: tuple[Variant, Variant]) -> bool:
        """The verdict is kept unless it may change when some definition is finished."""
        before, self._undecided = self._undecided, False
        self._disjoint[pair] = proved = False  # until proved: the pair may recur within itself
        try:
            proved = self._prove_apart(*pair)
        except Inexact as reason:
            self._undecided |= isinstance(reason, Unfinished)
        if self._undecided and not proved:
            del self._disjoint[pair]
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
