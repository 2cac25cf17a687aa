"""The subschemas of a schema that has not been validated yet, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from turngrammar.errors import RefusedSchema
from turngrammar.schema.dialect import Dialect, pointer
from turngrammar.schema.keyword_table import KeywordTable

MAX_DEPTH = 64  # of nested subschemas; references don't count
_INDEX = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Place:
    """A subschema: `path` are the tokens that lead to it from the one above."""

    schema: Any
    path: tuple[str, ...] = ()
    above: Place | None = None
    depth: int = 0

    @property
    def owner(self) -> Place | None:
        """The object of which this is a property."""
        return self.above if self.path[:-1] == ("properties",) else None

    @property
    def pointer(self) -> str:
        parts: list[str] = []
        place: Place | None = self
        while place is not None:
            parts.append(pointer(place.path))
            place = place.above
        return "".join(reversed(parts))


def places(schema: Any, dialect: Dialect, keywords: KeywordTable) -> Iterator[Place]:
    """The schema, and every subschema that a keyword of the dialect or a local reference leads to.

    The children of a place are looked up after it was yielded, so it may be changed. Raises RefusedSchema for excessive
    nesting.
    """
    seen: set[int] = set()
    references: dict[str, None] = {}
    pending = [Place(schema)]
    while pending:
        for place in pending:
            yield place
            seen.add(id(place.schema))
            if isinstance(place.schema, Mapping):
                references.update(_local_references(place.schema))
                pending.extend(_children(place, dialect, keywords))
        pending = _elsewhere(schema, references, seen)


def _children(place: Place, dialect: Dialect, keywords: KeywordTable) -> Iterator[Place]:
    if place.depth == MAX_DEPTH:
        if any(keywords.subschemas(place.schema)):
            raise RefusedSchema(f"its subschemas are nested more than {MAX_DEPTH} deep")
        return
    for path, child in keywords.subschemas(place.schema):
        if keywords.defines(path[0], dialect):
            yield Place(child, path, place, place.depth + 1)


def _local_references(schema: Mapping[str, Any]) -> dict[str, None]:
    reference = schema.get("$ref")
    return {reference: None} if isinstance(reference, str) and reference.startswith("#/") else {}


def _elsewhere(schema: Any, references: dict[str, None], seen: set[int]) -> list[Place]:
    """The targets of references that no keyword leads to, as in OpenAPI's `#/components/schemas/Pet`."""
    found: list[Place] = []
    while references:
        path = _path(references.popitem()[0])
        target = _at(schema, path)
        if isinstance(target, Mapping) and id(target) not in seen:
            seen.add(id(target))
            found.append(Place(target, path, Place(schema)))
    return found


def _path(reference: str) -> tuple[str, ...]:
    tokens = unquote(reference).split("/")[1:]
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def _at(schema: Any, path: tuple[str, ...]) -> Any:
    """The value at the path; None if there is none."""
    for token in path:
        if isinstance(schema, Mapping):
            schema = schema.get(token)
        elif isinstance(schema, list) and _INDEX.fullmatch(token) and int(token) < len(schema):
            schema = schema[int(token)]
        else:
            return None
    return schema
