"""A schema document: its dialect, its validity, and the targets of its references.

`referencing` resolves; nothing is ever fetched. The meta-schemas of the known dialects count as local.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from llguidance import LLTokenizer
from referencing.exceptions import InvalidAnchor, NoSuchAnchor, PointerToNowhere, Unresolvable

from turngrammar.errors import InvalidSchema, RefusedSchema, shown
from turngrammar.schema.algebra import ALTERNATIVES
from turngrammar.schema.dialect import DIALECTS, LATEST, Dialect, declares_dialect, dialect_within, is_resource, pointer
from turngrammar.schema.keyword_table import KeywordTable
from turngrammar.schema.normalize import normalize, require_valid
from turngrammar.spans import Texts

if TYPE_CHECKING:
    from referencing._core import Resolver

Schema = Mapping[str, Any] | bool


@dataclass(frozen=True)
class Options:
    """How to compile a schema.

    Attributes:
        dialect: for schemas without `$schema`: draft4, draft6, draft7, 2019-09 or 2020-12.
        assert_formats: known formats are asserted. False makes each an annotation, the default of drafts since 2019-09.
        digits: of integers without bounds in the schema, so that a small model doesn't print 400 of them. 20 digits
            hold every 64-bit integer. A bound in the schema that is farther out replaces this limit.
        alternatives: into which a keyword may split a schema; beyond, it is only checked.
        open_objects: an object that lists properties and has no keyword for others may have others, as in JSON Schema.
            False closes it: the grammar generates the listed names only.
        vocabulary: the model's, with which terminals are tried; None: every byte is a token.
        texts: those of which strings with `x-source` are spans; None: unknown, so that any strings are allowed.
        grounding: all strings that nothing but their length constrains are such spans.
    """

    dialect: str = LATEST
    assert_formats: bool = True
    digits: int = 20
    alternatives: int = ALTERNATIVES
    open_objects: bool = True
    vocabulary: LLTokenizer | None = None
    texts: Texts | None = None
    grounding: bool = False

    @property
    def grounds(self) -> bool:
        """Whether strings are spans that the schema doesn't say it of."""
        return self.grounding and self.texts is not None


DEFAULTS = Options()


@dataclass(frozen=True)
class Subschema:
    """A subschema with its context: the base of its references, and its dialect."""

    schema: Any
    resolver: Resolver[Any]
    dialect: Dialect

    def child(self, schema: Any) -> Subschema:
        """A direct subschema."""
        if not is_resource(schema):
            return Subschema(schema, self.resolver, self.dialect)
        dialect = dialect_within(schema, self.dialect)
        resource = dialect.specification.create_resource(schema)
        return Subschema(schema, self.resolver.in_subresource(resource), dialect)


class Source:
    """A schema document, normalized.

    Raises InvalidSchema for keywords that can't be read, RefusedSchema for unknown dialects and excessive nesting.

    Attributes:
        sent: the schema as it was sent. Each subschema of `schema` has its place there.
        places: those of all subschemas.
        notes: on how they were read.
    """

    def __init__(self, schema: Schema, options: Options, keywords: KeywordTable) -> None:
        normalized = normalize(schema, DIALECTS[options.dialect], keywords)
        self.sent = schema
        self.places = normalized.places
        self.schema, self.dialect = self.places[0].schema, self.places[0].dialect
        self.notes = normalized.notes
        self.keywords = keywords
        resource = self.dialect.specification.create_resource(self.schema)
        self.root = Subschema(self.schema, REGISTRY.resolver_with_root(resource), self.dialect)
        self._targets: dict[int, Subschema] = {}

    @property
    def allows_nullable(self) -> bool:
        """OpenAPI 3.0's `nullable` counts unless `$schema` declares a dialect, none of which has it."""
        return not declares_dialect(self.schema)

    @cached_property
    def pointers(self) -> dict[int, str]:
        """The pointer of each subschema of the document, by the identity of its mapping."""
        found: dict[int, str] = {}
        for place in self.places:
            above = found[id(place.above.schema)] if place.above else ""
            found.setdefault(id(place.schema), above + pointer(place.path))
        return found

    def anywhere(self, keyword: str) -> list[Mapping[str, Any]]:
        """The subschemas that have the keyword."""
        schemas = (place.schema for place in self.places)
        return [schema for schema in schemas if isinstance(schema, Mapping) and keyword in schema]

    @property
    def has_embedded_resources(self) -> bool:
        """Whether a subschema other than the root has an `$id`."""
        return any(node is not self.schema for node in self.anywhere("$id"))

    def at(self, node: Subschema) -> str:
        """The pointer of a subschema; "" for one outside the document or that no known keyword leads to."""
        return self.pointers.get(id(node.schema), "")

    def target(self, node: Subschema, keyword: str) -> Subschema:
        """The target of the node's reference. Raises RefusedSchema if it is remote, InvalidSchema if it is missing."""
        if id(node.schema) not in self._targets:
            self._targets[id(node.schema)] = self._look_up(node, keyword)
        return self._targets[id(node.schema)]

    def _look_up(self, node: Subschema, keyword: str) -> Subschema:
        reference = node.schema[keyword]
        where = self.at(node) + pointer((keyword,))
        if not isinstance(reference, str):  # the meta-schema of draft 4 allows this
            raise InvalidSchema(
                f"A reference must be a string; this is {shown(reference)}.", pointer=where, keyword=keyword
            )
        try:
            target = node.resolver.lookup(reference)
        except (PointerToNowhere, NoSuchAnchor, InvalidAnchor, TypeError, ValueError) as error:
            # referencing doesn't handle a pointer into a scalar (TypeError), or to a name in a list (ValueError).
            message = f"{shown(reference)} refers to nothing in this schema. Add what it names, or correct it."
            raise InvalidSchema(message, pointer=where, keyword=keyword) from error
        except Unresolvable as error:
            message = f"{shown(reference)} is a remote reference, which is never fetched. Put its schema under $defs."
            raise RefusedSchema(message, pointer=where, keyword=keyword) from error
        dialect = dialect_within(target.contents, node.dialect)
        if id(target.contents) not in self.pointers:
            require_valid(target.contents, dialect, self.keywords, where)
        return Subschema(target.contents, target.resolver, dialect)
