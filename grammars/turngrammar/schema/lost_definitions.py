"""References to a definition that was removed, from inside of a copy of it.

A tool that puts definitions in the place of references can't do so with a recursive one, and leaves the reference in
its copy of the definition: `{"title": "Node", "properties": {"next": {"$ref": "#/$defs/Node"}}}`, without `$defs`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from turngrammar.schema.bare_pointers import reference_of
from turngrammar.schema.places import Place, tokens_of, value_at

_DEFINITIONS = ("$defs", "definitions")


def enclosing_copy(place: Place) -> str | None:
    """The pointer of the innermost subschema around a reference that has the title of a missing definition."""
    reference = reference_of(place.schema)
    tokens = tokens_of(reference) if reference.startswith("#/") else ()
    if len(tokens) != 2 or tokens[0] not in _DEFINITIONS:
        return None
    around = [place, *_above(place)]
    if value_at(around[-1].schema, tokens) is not None or any("$id" in part.schema for part in around[:-1]):
        return None
    return next((part.pointer for part in around[1:] if part.schema.get("title") == tokens[1]), None)


def _above(place: Place) -> Iterator[Place]:
    while place.above is not None:
        place = place.above
        if isinstance(place.schema, Mapping):
            yield place
