"""The subschemas of a document, and where they stand."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import unquote

from turngrammar.errors import RefusedSchema
from turngrammar.schema.dialect import Dialect, dialect_of, is_resource, pointer
from turngrammar.schema.keyword_table import KeywordTable

MAX_DEPTH = 64  # of nested subschemas; references don't count
_INDEX = re.compile(r"[0-9]{1,9}")


class Place(NamedTuple):
    """A subschema: `path` are the tokens that lead to it from the one above."""

    schema: Any
    dialect: Dialect
    path: tuple[str, ...] = ()
    above: Place | None = None
    depth: int = 0

    @property
    def owner(self) -> Place | None:
        """The object of which this is a property."""
        return self.above if self.path[:-1] == ("properties",) else None

    @property
    def pointer(self) -> str:
        return (self.above.pointer if self.above else "") + pointer(self.path)


def places(schema: Any, dialect: Dialect, keywords: KeywordTable) -> Iterator[Place]:
    """The document, and every subschema that a keyword of its dialect or a local reference leads to.

    The children of a place are looked up after it was yielded, so it may be changed. Raises RefusedSchema for excessive
    nesting.
    """
    root = Place(schema, dialect)
    seen: set[int] = set()
    references: dict[str, None] = {}
    pending = [root]
    while pending:
        for place in pending:
            yield place
            seen.add(id(place.schema))
            if isinstance(place.schema, dict):
                if "$ref" in place.schema:
                    references[str(place.schema["$ref"])] = None
                pending.extend(_child_places(place, keywords))
        pending = [place for place in _targets(root, references) if id(place.schema) not in seen]
        references.clear()


def _child_places(place: Place, keywords: KeywordTable) -> Iterator[Place]:
    for path, child in keywords.subschemas(place.schema):
        if keywords.defines(path[0], place.dialect):
            if place.depth == MAX_DEPTH:
                raise RefusedSchema(f"Subschemas nest more than {MAX_DEPTH} deep. Move the inner ones to $defs.")
            yield Place(child, _dialect(child, place, path), path, place, place.depth + 1)


def _dialect(child: Any, place: Place, path: tuple[str, ...]) -> Dialect:
    return dialect_of(child, place.dialect, place.pointer + pointer(path)) if is_resource(child) else place.dialect


def _targets(root: Place, references: Iterable[str]) -> Iterator[Place]:
    """Those of local references. Not all are under a keyword: OpenAPI has `#/components/schemas/Pet`."""
    for reference in references:
        if not reference.startswith("#/"):
            continue
        path = tokens_of(reference)
        target = value_at(root.schema, path)
        if isinstance(target, Mapping):
            yield Place(target, _dialect(target, root, path), path, root)


def tokens_of(reference: str) -> tuple[str, ...]:
    """The tokens of the JSON pointer in a reference, which may be percent-encoded."""
    tokens = unquote(reference).split("/")[1:]
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in tokens)


def value_at(value: Any, path: tuple[str, ...]) -> Any:
    """The value at that path within another; None if there is none."""
    for token in path:
        if isinstance(value, Mapping):
            value = value.get(token)
        elif isinstance(value, list) and _INDEX.fullmatch(token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return None
    return value
