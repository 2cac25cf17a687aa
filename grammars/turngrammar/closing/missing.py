"""Which values of a document are none of what was written before it was closed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from turngrammar.closing.outline import Outline
from turngrammar.schema.dialect import pointer


@dataclass(frozen=True)
class Missing:
    """Attributes:

    cut: the JSON pointer of the innermost value that was begun and had not ended; None where none had.
    filled: the pointers of the values that were not begun, in document order, none of them within another.
    """

    cut: str | None
    filled: tuple[str, ...]


def missing(outline: Outline, end: str) -> Missing:
    """What `end` adds, which makes the document complete."""
    if outline.done or not outline.text:
        return Missing(None, () if outline.text else ("",))
    path: tuple[Any, ...] = ()
    behind: list[list[str]] = []
    value = json.loads(outline.text + end, object_pairs_hook=tuple)
    for level, frame in enumerate(outline.frames):
        members, done = _members(value), len(frame.values)
        inner = level + 1 < len(outline.frames) or outline.begun
        behind.append([pointer((*path, name)) for name, _ in members[done + inner :]])
        if inner:
            name, value = members[done]
            path = (*path, name)
    return Missing(pointer(path), tuple(name for names in reversed(behind) for name in names))


def _members(value: Any) -> list[tuple[Any, Any]]:
    """Of an object, read as pairs, or of a list."""
    return list(value if isinstance(value, tuple) else enumerate(value))
