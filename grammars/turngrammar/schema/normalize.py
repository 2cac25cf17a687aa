"""A schema as its draft has it.

Tools send much that no draft allows, or only an older one. What can mean one thing only is read as meant, and noted for
the report; anything else is an error. `readings.py` has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from turngrammar.errors import InvalidSchema, shown
from turngrammar.schema.bare_pointers import REFERENCE, BarePointers, is_path, targets_of
from turngrammar.schema.contradictions import contradicted
from turngrammar.schema.dialect import DIALECTS, LATEST, Dialect, declares_dialect, dialect_of, pointer
from turngrammar.schema.forms import malformed, misfit
from turngrammar.schema.keyword_table import KeywordTable
from turngrammar.schema.lost_definitions import enclosing_copy
from turngrammar.schema.places import Place, places
from turngrammar.schema.readings import FOREIGN, READINGS, Reading, read_null
from turngrammar.schema.sites import Note, Notes, Site

Schema = Mapping[str, Any] | bool
_POSITIONS = {keyword: position for position, keyword in enumerate(READINGS)}
_TUPLES = DIALECTS["2019-09"]  # the last draft in which `items` may be a list
_NEWER = ("prefixItems", "$dynamicRef", "$dynamicAnchor")  # than that


@dataclass(frozen=True)
class Normalized:
    """A schema in which each keyword has a value that its dialect allows.

    Every subschema stands where it stands in the client's schema, about whose keywords the notes are. The first of the
    places is the whole.
    """

    places: tuple[Place, ...]
    notes: Notes = field(default_factory=dict)


def normalize(schema: Schema, default: Dialect, keywords: KeywordTable, *, patterns: bool = True) -> Normalized:
    """Raises InvalidSchema for a keyword that can't be read, RefusedSchema for an unknown dialect and deep nesting.

    Without `patterns`, none is compiled, so it takes linear time: formats that contradict a pattern stay.
    """
    if not isinstance(schema, Mapping | bool):
        raise InvalidSchema(f"A schema must be an object, true or false; this is {shown(schema)}.")
    dialect = dialect_of(schema, default)
    normalizing = _Normalizing(schema, dialect, keywords, patterns)
    found = tuple(places(schema, dialect, keywords))
    return normalizing.result() if any(map(normalizing.unread, found)) else Normalized(found)


def require_valid(schema: Any, dialect: Dialect, keywords: KeywordTable, where: str) -> None:
    """Raises InvalidSchema if the target of the reference at that pointer is not a valid schema."""
    if not isinstance(schema, Mapping | bool):
        raise InvalidSchema(
            f"It refers to {shown(schema)}. A schema must be an object, true or false.", pointer=where, keyword="$ref"
        )
    for place in places(schema, dialect, keywords):
        for keyword in malformed(place.schema, place.dialect, keywords):
            problem = _invalid(place, keyword, keywords).problem
            raise InvalidSchema(f"It refers to an invalid schema. {problem}", pointer=where, keyword="$ref")


def _invalid(place: Place, name: str, keywords: KeywordTable) -> InvalidSchema:
    wrong = misfit(name, keywords.rows[name], place.schema[name], place.dialect)
    message = f"{wrong.requirement}; this is {shown(wrong.value)}."
    return InvalidSchema(message, pointer=place.pointer + pointer(wrong.path), keyword=name)


class _Normalizing:
    def __init__(self, schema: Schema, dialect: Dialect, keywords: KeywordTable, patterns: bool) -> None:
        self._schema: Any = schema
        self._dialect = dialect
        self._keywords = keywords
        self._patterns = patterns
        self._foreign = () if declares_dialect(schema) else tuple(FOREIGN)
        self._notes: Notes = {}

    def unread(self, place: Place) -> list[str]:
        """The keywords of a subschema that its dialect doesn't have, or not with their values beside these others."""
        found = malformed(place.schema, place.dialect, self._keywords)
        if isinstance(place.schema, dict):
            found += [name for name in self._foreign if name in place.schema and self._is_foreign(name, place)]
            found += contradicted(place.schema, patterns=self._patterns)
            found += [REFERENCE] if self._is_misplaced(place) else []
        return found

    def _is_foreign(self, keyword: str, place: Place) -> bool:
        return not self._keywords.defines(keyword, place.dialect)

    def _is_misplaced(self, place: Place) -> bool:
        """Whether the reference leads nowhere as it is, but where it is meant to lead is clear."""
        return (is_path(place.schema) and place in self._bare_pointers) or enclosing_copy(place) is not None

    @cached_property
    def _bare_pointers(self) -> BarePointers:
        return BarePointers(tuple(self._places()))

    def result(self) -> Normalized:
        self._schema = deepcopy(self._schema)
        self._choose_dialect()
        targets = targets_of(self._places())
        return Normalized(tuple(self._read(place, targets) for place in self._places()), self._notes)

    def _places(self) -> Iterator[Place]:
        return places(self._schema, self._dialect, self._keywords)

    def _choose_dialect(self) -> None:
        """A list of `items` means an older draft, also where the latest is declared."""
        subschemas = [place for place in self._places() if isinstance(place.schema, Mapping)]
        tuples = [place for place in subschemas if place.dialect.name == LATEST and _has_tuple(place.schema)]
        if not tuples or self._dialect.name != LATEST:
            return
        for place in subschemas:
            if any(place.schema.get(keyword) for keyword in _NEWER):
                raise _mixed(tuples[0], place)
        self._dialect = _TUPLES
        if declares_dialect(self._schema):
            self._schema["$schema"] = _TUPLES.uri
        self._notes.update(note for place in tuples for note in _tuple_notes(place))

    def _read(self, place: Place, targets: frozenset[str]) -> Place:
        sites = [Site(keyword, place, targets, self._notes) for keyword in self.unread(place)]
        for site in sites:
            read_null(site)
        for site in sorted(sites, key=lambda site: _POSITIONS.get(site.keyword, len(_POSITIONS))):
            # It may have been read with another one.
            if site.keyword in self.unread(place):
                any(reading(site) for reading in self._readings(site))
        for keyword in malformed(place.schema, place.dialect, self._keywords):
            raise _invalid(place, keyword, self._keywords)
        return place

    def _readings(self, site: Site) -> Sequence[Reading]:
        if self._is_foreign(site.keyword, site.place):
            return (FOREIGN[site.keyword],)
        return READINGS.get(site.keyword, ())


def _has_tuple(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema.get("items"), list) and schema["items"] != []


def _tuple_notes(place: Place) -> Iterator[tuple[tuple[str, str], Note]]:
    for keyword, read_as in (("items", "prefixItems"), ("additionalItems", "items")):
        if keyword in place.schema:
            yield (place.pointer, keyword), Note(f"is read as `{read_as}`", place.pointer, keyword)


def _mixed(older: Place, newer: Place) -> InvalidSchema:
    found = next(keyword for keyword in _NEWER if newer.schema.get(keyword))
    message = f"items is a list, as up to draft 2019-09, but {newer.pointer}/{found} is of 2020-12. Use prefixItems."
    return InvalidSchema(message, pointer=f"{older.pointer}/items", keyword="items")
