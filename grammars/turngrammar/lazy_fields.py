"""Values that cross processes in pieces: what is bulky stays bytes until somebody asks for it.

Unpickling holds Python's lock from the beginning to the end, and what has been unpickled is the garbage collector's
business from then on. Much of a large plan is asked for once its answer is finished, or never.
"""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

_PACKED = "_packed"
SLICE = 500  # items of a tuple: a few milliseconds of unpickling
Pieces = tuple[bytes, ...] | bytes  # those of a tuple, or anything else at once


class LazyFields:
    """A base of frozen dataclasses. `BULKY` names the fields that are pickled each by itself."""

    BULKY: ClassVar[tuple[str, ...]] = ()

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what is made of them is made again."""
        packed: dict[str, Pieces] = {**self.__dict__.get(_PACKED, {})}
        packed |= {name: _pack(self.__dict__[name]) for name in self.BULKY if name not in packed}
        small = {one.name: self.__dict__[one.name] for one in fields(self) if one.name not in packed}  # type: ignore[arg-type]
        return {**small, _PACKED: packed}

    if not TYPE_CHECKING:  # mypy would believe in any attribute

        def __getattr__(self, name: str) -> Any:
            packed = self.__dict__.get(_PACKED, {})
            if name not in packed:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return self.__dict__.setdefault(name, _unpack(packed[name]))


def _pack(value: Any) -> Pieces:
    if not isinstance(value, tuple):
        return pickle.dumps(value, 5)
    return tuple(pickle.dumps(value[at : at + SLICE], 5) for at in range(0, len(value), SLICE))


def _unpack(pieces: Pieces) -> Any:
    if isinstance(pieces, bytes):
        return pickle.loads(pieces)
    return tuple(item for piece in pieces for item in pickle.loads(piece))
