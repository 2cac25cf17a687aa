"""References that are JSON pointers without the `#` before them: `/$defs/Color` for `#/$defs/Color`.

By RFC 3986 such a reference is a path on a host. If it identifies a resource of the document, it stays what it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urljoin

from turngrammar.schema.places import Place, tokens_of, value_at

REFERENCE = "$ref"


def reference_of(schema: Any) -> str:
    """That of a subschema; "" for none."""
    reference = schema.get(REFERENCE) if isinstance(schema, Mapping) else None
    return reference if isinstance(reference, str) else ""


def is_path(schema: Any) -> bool:
    """Whether the reference of a subschema may be one of these."""
    return reference_of(schema).startswith("/")


def targets_of(places: Iterable[Place]) -> frozenset[str]:
    """Those of the references, with their fragments and without."""
    references = {reference for place in places if (reference := reference_of(place.schema))}
    return frozenset(references | {reference.partition("#")[0] for reference in references})


@dataclass(frozen=True)
class BarePointers:
    """Those of a document, of which it gets the places."""

    places: tuple[Place, ...]

    @cached_property
    def _targets(self) -> frozenset[str]:
        return targets_of(self.places)

    @cached_property
    def _addresses(self) -> frozenset[str]:
        return frozenset(map(self._address, filter(self._identifier, self.places)))

    def __contains__(self, place: Place) -> bool:
        """Whether the reference of the subschema leads to another one if `#` is put before it, and without to none."""
        reference, whole = reference_of(place.schema), self._resource(place)
        target = value_at(whole.schema, tokens_of(reference)) if is_path(place.schema) else None
        return isinstance(target, Mapping | bool) and _joined(self._address(whole), reference) not in self._addresses

    def _resource(self, place: Place) -> Place:
        """The whole to which pointers in the subschema are relative."""
        while place.above is not None and not self._identifier(place):
            place = place.above
        return place

    def _address(self, place: Place) -> str:
        above = self._address(place.above) if place.above is not None else ""
        return _joined(above, self._identifier(place))

    def _identifier(self, place: Place) -> str:
        """ "" if it has none. Draft 4's `id` often is a mere name: elsewhere it counts only if a reference has it."""
        schema = place.schema if isinstance(place.schema, Mapping) else {}
        found, older = schema.get("$id"), schema.get("id")
        if found is None and isinstance(older, str) and self._counts(older.rstrip("#"), place):
            found = older
        return found.partition("#")[0] if isinstance(found, str) else ""

    def _counts(self, identifier: str, place: Place) -> bool:
        return place.dialect.name == "draft4" or identifier in self._targets


def _joined(base: str, relative: str) -> str:
    """ "" if it is no address."""
    try:
        return urljoin(base, relative)
    except ValueError:
        return ""
