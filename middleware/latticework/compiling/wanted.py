"""A compile that is wanted, by its content, and how large it may be."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from turngrammar.errors import BeyondLimit
from turngrammar.turn import Turn, enclosing


@dataclass(frozen=True)
class Wanted:
    """A turn that knows no special tokens, for the vocabulary does."""

    turn: Turn
    vocabulary: str

    @cached_property
    def key(self) -> bytes:
        """Equal where turn and vocabulary are. Computed only where there is something to compile."""
        return self.turn.key + self.vocabulary.encode()


def wanted(turn: Turn, vocabulary: str) -> Wanted:
    return Wanted(turn, vocabulary)


def refuse_size(turn: Turn, most: int) -> None:
    """Raises BeyondLimit for schemas and grammars of more than `most` bytes together."""
    parts: list[tuple[str, Any]] = [
        (enclosing(tool.name_pointer), tool.input or tool.parameters) for tool in turn.tools
    ]
    parts += [(turn.content.pointer, turn.content)] if turn.content else []
    sizes = [(len(msgspec.json.encode(part)), pointer) for pointer, part in parts]
    if (size := sum(size for size, _ in sizes)) > most:
        message = f"Schemas and grammars of {size} bytes: this server takes at most {most} (max_schema_bytes)."
        raise BeyondLimit(message, pointer=max(sizes)[1])
