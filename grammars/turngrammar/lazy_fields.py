"""Dataclasses that cross processes with large fields still pickled: each is unpickled when it is first read.

Unpickling holds Python's lock from beginning to end, and its results cost the garbage collector time from then on. Much
of a large plan is read only once the answer is finished, or never.
"""

from __future__ import annotations

import pickle
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar

_PICKLED = "_pickled"
SLICE = 500  # items of a tuple: a few milliseconds of unpickling
Pickled = tuple[bytes, ...] | bytes  # a tuple in slices, anything else as a whole


class LazyFields:
    """A base of frozen dataclasses. `LAZY` names the fields that are pickled each by itself."""

    LAZY: ClassVar[tuple[str, ...]] = ()

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: cached properties are computed again."""
        pickled: dict[str, Pickled] = {**self.__dict__.get(_PICKLED, {})}
        pickled |= {name: _pickled(self.__dict__[name]) for name in self.LAZY if name not in pickled}
        small = {field.name: self.__dict__[field.name] for field in fields(self) if field.name not in pickled}  # type: ignore[arg-type]
        return {**small, _PICKLED: pickled}

    if not TYPE_CHECKING:  # or mypy would accept any attribute

        def __getattr__(self, name: str) -> Any:
            pickled = self.__dict__.get(_PICKLED, {})
            if name not in pickled:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            return self.__dict__.setdefault(name, _unpickled(pickled[name]))


def _pickled(value: Any) -> Pickled:
    if not isinstance(value, tuple):
        return pickle.dumps(value, 5)
    return tuple(pickle.dumps(value[at : at + SLICE], 5) for at in range(0, len(value), SLICE))


def _unpickled(pieces: Pickled) -> Any:
    if isinstance(pieces, bytes):
        return pickle.loads(pieces)
    return tuple(item for piece in pieces for item in pickle.loads(piece))
