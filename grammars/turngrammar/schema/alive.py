"""Which pieces some finite value fits. A definition that requires itself allows nothing: its grammar never ends."""

from __future__ import annotations

from collections.abc import Callable

from turngrammar.schema import regex
from turngrammar.schema.algebra import Algebra, inner
from turngrammar.schema.arrays import item
from turngrammar.schema.objects import values
from turngrammar.schema.shape import Array, Object, Piece, Ref, Shape, Text


class Alive:
    """The least fixpoint over all definitions that `root` can reach."""

    def __init__(self, algebra: Algebra, root: Shape) -> None:
        self._names: set[str] = set()
        reached = _reach(algebra, root)
        grown = True
        while grown:
            before = len(self._names)
            self._names.update(name for name, shape in reached.items() if self.shape(shape))
            grown = len(self._names) > before

    def shape(self, shape: Shape) -> bool:
        return any(map(self.piece, shape))

    def piece(self, piece: Piece) -> bool:
        return _ALIVE.get(type(piece), _always)(self, piece)

    def ref(self, piece: Ref) -> bool:
        return piece.name in self._names

    def text(self, piece: Text) -> bool:
        return regex.NEVER not in piece.languages

    def array(self, piece: Array) -> bool:
        return all(self.shape(item(piece, i)) for i in range(min(piece.least, len(piece.prefix) + 1)))

    def object(self, piece: Object) -> bool:
        return all(map(self.shape, values(piece, piece.required)))


def _always(alive: Alive, piece: Piece) -> bool:
    return True


_ALIVE: dict[type[Piece], Callable[..., bool]] = {
    Ref: Alive.ref,
    Text: Alive.text,
    Array: Alive.array,
    Object: Alive.object,
}


def _reach(algebra: Algebra, root: Shape) -> dict[str, Shape]:
    """Every definition in use, by name."""
    found: dict[str, Shape] = {}
    seen: set[int] = set()
    queue = [root]
    for shape in queue:
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        for piece in shape:
            if isinstance(piece, Ref) and piece.name not in found:
                found[piece.name] = algebra.resolve(piece)
                queue.append(found[piece.name])
            queue.extend(inner(piece))
    return found
