"""Shapes by name: the definitions of a schema, each read when its content is needed, and results of operations.

A keyword may need a definition that is still being read, because the keyword is inside it: `oneOf` in a property of a
tree's nodes, say. Its computation is then postponed: the result is a reference to a definition, computed at first use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from turngrammar.schema.shape import Inexact, Ref, Shape, loosen

# Operations on pairs of variants, for one keyword's rewriting and for a whole schema's. Each takes about 10 us.
STEPS = 10_000
ALL_STEPS = 50_000
RECURSIVE = "the subschema is recursive"
GENERATIONS = 2  # of postponed tasks: two definitions that negate each other would never end


class Unfinished(Inexact):
    """A computation needs a definition that is still being read or computed."""

    def __init__(self) -> None:
        super().__init__(RECURSIVE)


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


class Definitions:
    """Those of one schema.

    Args:
        read: the definition of that name; called once for each.
    """

    def __init__(self, read: Callable[[str], Shape]) -> None:
        self._read = read
        self._shapes: dict[str, Shape] = {}
        self._unfinished: set[str] = set()
        self._postponed: dict[str, Task] = {}
        self._waiting: dict[str, int] = {}  # of those, the number of finished definitions when last tried
        self._task: Task | None = None  # the current one
        self._whole = True  # whether it is postponed as a whole, or the operations within it that have to be
        self._named = 0
        self._steps = STEPS
        self._all_steps = ALL_STEPS

    def attempt(self, task: Task) -> Shape:
        """The result of a task, or a reference to it if it needs a definition that is still being read."""
        try:
            return self._run(task, whole=True)
        except Unfinished:
            return self._postpone(self.new_name(task.name), task)

    def resolve(self, ref: Ref) -> Shape:
        """The shape that a reference names. Raises Unfinished while that shape is being computed."""
        name = ref.name
        if name in self._unfinished:
            raise Unfinished
        if name in self._postponed:
            self._complete(name)
        elif name not in self._shapes:
            with self.computing(name), self._between_tasks():
                self._shapes[name] = self._read(name)
        shape = self._shapes[name]
        return loosen(shape) if ref.loose else shape

    def target(self, ref: Ref) -> Ref:
        """The definition itself, for a reference to one that is only a reference."""
        shape = self.resolve(ref)
        return self.target(shape[0]) if len(shape) == 1 and isinstance(shape[0], Ref) else ref

    def concede(self, shape: Shape, reason: Inexact) -> Shape:
        """A shape that is larger than the result should be. Raises the reason if the task has to be postponed."""
        if self._task is None or (self._whole and isinstance(reason, Unfinished)):
            raise reason
        self._task.report(str(reason))
        return loosen(shape)

    @property
    def finished(self) -> int:
        """The number of definitions whose content is known."""
        return len(self._shapes)

    def spend(self) -> None:
        """Another step. Raises Inexact if none is left."""
        self._steps -= 1
        self._all_steps -= 1
        if self._steps < 0:
            raise Inexact("the rewriting would grow too large")

    def new_name(self, stem: str) -> str:
        self._named += 1
        return f"{stem}:{self._named}"

    def add(self, name: str, shape: Shape) -> None:
        self._shapes[name] = shape

    @contextmanager
    def computing(self, name: str) -> Iterator[None]:
        """The definition is unfinished meanwhile."""
        self._unfinished.add(name)
        try:
            yield
        finally:
            self._unfinished.discard(name)

    def postpone(self, compute: Callable[[], Shape], fallback: Shape, reason: Inexact) -> Shape:
        """A reference to the result of a computation that raised the reason, because it is not needed now. Raises it if
        the whole task is to be postponed instead, or is itself too far from the schema's text."""
        task = self._task
        if task is None or self._whole or task.generation == GENERATIONS:
            raise reason
        later = replace(task, compute=compute, fallback=fallback, generation=task.generation + 1)
        return self._postpone(self.new_name(task.name), later)

    def give_up(self, name: str, compute: Callable[[], Shape], fallback: Shape, reason: Inexact) -> None:
        """A definition that couldn't be computed is the fallback, unless it was only too early."""
        if isinstance(reason, Unfinished) and self._task is not None:
            self._postpone(name, replace(self._task, compute=compute, fallback=fallback))
        else:
            self._shapes[name] = loosen(fallback)

    def _postpone(self, name: str, task: Task) -> Shape:
        self._postponed[name] = task
        return (Ref(name=name),)

    def _complete(self, name: str) -> None:
        """Run a postponed task, and postpone what can't be done even now; raise Unfinished while anything else runs."""
        busy = bool(self._unfinished) or self._task is not None
        if busy and self._waiting.get(name) == self.finished:
            raise Unfinished
        self._waiting[name] = self.finished
        with self.computing(name):
            self._shapes[name] = self._run(self._postponed[name], whole=busy)
        del self._postponed[name]

    def _run(self, task: Task, *, whole: bool) -> Shape:
        """Raises Unfinished if the task is to be postponed."""
        with self._between_tasks():
            self._task, self._whole = task, whole
            self._steps = min(STEPS, self._all_steps)
            try:
                return task.compute()
            except Inexact as reason:
                return self.concede(task.fallback, reason)

    @contextmanager
    def _between_tasks(self) -> Iterator[None]:
        """The current task is interrupted, for a definition to be read or for another task."""
        interrupted = self._task, self._whole, self._steps
        self._task = None
        try:
            yield
        finally:
            self._task, self._whole, self._steps = interrupted
