"""`minProperties` and `maxProperties`, spelled so that llguidance can enforce them.

It counts members only where each listed property is required. So an object with optional ones is split: by which of
them is the first to be present, until the rest is settled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from turngrammar.schema.alive import Alive
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import NOTHING, Object, Shape

OBJECTS = 64
COUNTS = ("minProperties", "maxProperties")  # either can end up as the other: `not` turns them round


def spelled(piece: Object, alive: Alive, ledger: Ledger) -> list[Object]:
    """Objects that together are the piece; or the piece without its counts, and a note."""
    open_ended = alive.shape(piece.rest) or any(alive.shape(shape) for _, shape in piece.patterns)
    listed = dict(piece.properties)
    required = frozenset(piece.required)
    optional = [name for name, shape in listed.items() if name not in required and alive.shape(shape)]
    possible = None if open_ended else len(piece.required) + len(optional)
    most = piece.most if possible is None or (piece.most is not None and piece.most < possible) else None
    least = piece.least
    if least <= len(piece.required) and most is None:
        return [replace(piece, least=0, most=None)]
    if open_ended and least > len(piece.required) + 1:
        ledger.check_everywhere(COUNTS, "a repeated name would be counted twice")
    if not open_ended and (least, most) == (len(piece.required) + 1, None):
        return [replace(piece, least=least, most=None)]
    found: list[Object] = []
    for one in _split(replace(piece, most=most), optional, open_ended):
        found.append(one)
        if len(found) > OBJECTS:
            ledger.check_everywhere(COUNTS, f"more than {OBJECTS} sets of properties would do")
            return [replace(piece, least=0, most=None)]
    return found


def _split(piece: Object, optional: list[str], open_ended: bool) -> Iterator[Object]:
    """By the first optional property present; without any, the open names have to make up the count."""
    least = max(piece.least - len(piece.required), 0)
    room = None if piece.most is None else piece.most - len(piece.required)
    if room is not None and room < 0:
        return
    if least == 0 and room is None:
        yield piece
        return
    if open_ended or least == 0:
        yield _with(piece, dict.fromkeys(optional, NOTHING), ())
    for index, name in enumerate(optional):
        rest = optional[index + 1 :]
        if not open_ended and least > 1 + len(rest):
            return
        yield from _split(_with(piece, dict.fromkeys(optional[:index], NOTHING), (name,)), rest, open_ended)


def _with(piece: Object, absent: dict[str, Shape], present: tuple[str, ...]) -> Object:
    properties = tuple((name, absent.get(name, shape)) for name, shape in piece.properties)
    return replace(piece, properties=properties, required=piece.required + present)
