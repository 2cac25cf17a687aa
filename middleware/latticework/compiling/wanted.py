"""A compile that is wanted, by its content, and how large it may be."""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import astuple, dataclass
from typing import Any

import msgspec

from turngrammar.errors import BeyondLimit
from turngrammar.plan import TOOL_POINTER, Turn


@dataclass(frozen=True)
class Wanted:
    """A turn that knows no special tokens, for the vocabulary does. `key` is equal where all else is."""

    turn: Turn
    vocabulary: str
    key: bytes


def wanted(turn: Turn, vocabulary: str) -> Wanted:
    """Takes milliseconds for a megabyte."""
    content: Any = (
        vocabulary,
        (turn.format.content, turn.reasoning),
        [(tool.name, tool.parameters, tool.input and astuple(tool.input)) for tool in turn.tools],
        astuple(turn.choice),
        (turn.schema, turn.written and astuple(turn.written), turn.answer_pointer),
    )
    # Version 2 spells equal values alike, and different ones differently: infinity and null, 1 and 1.0.
    return Wanted(turn, vocabulary, hashlib.blake2b(marshal.dumps(content, 2), digest_size=32).digest())


def refuse_size(turn: Turn, most: int) -> None:
    """Raises BeyondLimit for schemas and grammars of more than `most` bytes together."""
    parts: list[tuple[str, Any]] = [
        (TOOL_POINTER.format(at, "custom" if tool.input else "function"), tool.input or tool.parameters)
        for at, tool in enumerate(turn.tools)
    ]
    parts.append((turn.answer_pointer, turn.written or turn.schema))
    sizes = [(len(msgspec.json.encode(part)), pointer) for pointer, part in parts]
    if (size := sum(size for size, _ in sizes)) > most:
        message = f"Schemas and grammars of {size} bytes: this server takes at most {most} (max_schema_bytes)."
        raise BeyondLimit(message, pointer=max(sizes)[1])
