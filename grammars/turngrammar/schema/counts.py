"""Minimum and maximum numbers of members, in a form that llguidance can enforce.

It counts members only if each listed property is required. So an object with optional properties is split, by the first
optional one that is present, until the rest is settled.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from turngrammar.schema.inhabited import Inhabited
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import NOTHING, Object, Shape

OBJECTS = 64


def split_by_count(variant: Object, inhabited: Inhabited, ledger: Ledger, keywords: tuple[str, ...]) -> list[Object]:
    """Objects with the variant as their union; or more than it, and the keywords are recorded as checked."""
    open_ended = inhabited.shape(variant.rest) or any(inhabited.shape(shape) for _, shape in variant.patterns)
    listed = dict(variant.properties)
    required = frozenset(variant.required)
    optional = [name for name, shape in listed.items() if name not in required and inhabited.shape(shape)]
    possible = None if open_ended else len(variant.required) + len(optional)
    most = variant.most if possible is None or (variant.most is not None and variant.most < possible) else None
    least = variant.least
    if least <= len(variant.required) and most is None:
        return [replace(variant, least=0, most=None)]
    if open_ended and least > len(variant.required) + 1:
        ledger.check_everywhere(keywords, "llguidance counts a repeated name twice")
    if not open_ended and (least, most) == (len(variant.required) + 1, None):
        return [replace(variant, least=least, most=None)]
    parts: list[Object] = []
    for part in _split(replace(variant, most=most), optional, open_ended):
        parts.append(part)
        if len(parts) > OBJECTS:
            ledger.check_everywhere(keywords, f"more than {OBJECTS} sets of properties are possible")
            return [replace(variant, least=0, most=None)]
    return parts


def _split(variant: Object, optional: list[str], open_ended: bool) -> Iterator[Object]:
    """By the first optional property present; without any, unlisted names have to make up the count."""
    least = max(variant.least - len(variant.required), 0)
    room = None if variant.most is None else variant.most - len(variant.required)
    if room is not None and room < 0:
        return
    if least == 0 and room is None:
        yield variant
        return
    if open_ended or least == 0:
        yield _with(variant, dict.fromkeys(optional, NOTHING), ())
    for index, name in enumerate(optional):
        rest = optional[index + 1 :]
        if not open_ended and least > 1 + len(rest):
            return
        yield from _split(_with(variant, dict.fromkeys(optional[:index], NOTHING), (name,)), rest, open_ended)


def _with(variant: Object, absent: dict[str, Shape], present: tuple[str, ...]) -> Object:
    properties = tuple((name, absent.get(name, shape)) for name, shape in variant.properties)
    return replace(variant, properties=properties, required=variant.required + present)
