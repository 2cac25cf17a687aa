"""A schema as its draft has it.

Tools send much that no draft allows, or only an older one. What can mean one thing only is read as meant, and noted for
the report; anything else is an error. `readings.py` has the table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from turngrammar.errors import InvalidSchema
from turngrammar.schema.dialect import DIALECTS, LATEST, Dialect, declares_dialect, dialect_of, pointer
from turngrammar.schema.forms import malformed, misfit
from turngrammar.schema.keyword_table import KeywordTable
from turngrammar.schema.places import Place, places
from turngrammar.schema.readings import FOREIGN, READINGS, Notes, Site, read_null

Schema = Mapping[str, Any] | bool
_ORDER = {keyword: index for index, keyword in enumerate(READINGS)}
_TUPLES = DIALECTS["2019-09"]  # the last draft in which `items` may be a list


@dataclass(frozen=True)
class Normalized:
    """A schema in which every keyword has a value that the dialect allows.

    Each subschema stands where it stands in the client's schema, about whose keywords the notes are.
    """

    schema: Schema
    dialect: Dialect
    notes: Notes = field(default_factory=dict)


def normalize(schema: Schema, default: Dialect, keywords: KeywordTable) -> Normalized:
    """Raises InvalidSchema for a keyword that can't be read, RefusedSchema for an unknown dialect and deep nesting."""
    normalizing = _Normalizing(schema, default, keywords)
    if not any(normalizing.unread(place.schema) for place in places(schema, normalizing.dialect, keywords)):
        return Normalized(schema, normalizing.dialect)
    return normalizing.result()


class _Normalizing:
    def __init__(self, schema: Schema, default: Dialect, keywords: KeywordTable) -> None:
        self.schema = schema
        self.dialect = dialect_of(schema, default)
        self._declared = declares_dialect(schema)
        self._keywords = keywords
        self._notes: Notes = {}

    def unread(self, schema: Any) -> list[str]:
        """The keywords of a subschema that the dialect doesn't have, or not with their values."""
        if not isinstance(schema, dict):
            return [] if isinstance(schema, bool) else [""]
        foreign = () if self._declared else FOREIGN.keys() & schema.keys()
        return [
            *malformed(schema, self.dialect, self._keywords),
            *(keyword for keyword in foreign if not self._keywords.defines(keyword, self.dialect)),
        ]

    def result(self) -> Normalized:
        self.schema = deepcopy(self.schema)
        self._choose_dialect()
        self._targets = frozenset(self._references())
        for place in places(self.schema, self.dialect, self._keywords):
            self._read(place)
        return Normalized(self.schema, self.dialect, self._notes)
