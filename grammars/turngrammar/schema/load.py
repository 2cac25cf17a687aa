"""A schema document: its dialect, its validity, and the targets of its references.

`referencing` resolves; nothing is ever fetched. The meta-schemas of the known dialects count as local.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jsonschema import FormatChecker
from jsonschema.exceptions import ValidationError, best_match
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from llguidance import LLTokenizer
from referencing.exceptions import InvalidAnchor, NoSuchAnchor, PointerToNowhere, Unresolvable

from turngrammar.errors import InvalidSchema, RefusedSchema, shown
from turngrammar.schema.dialect import DIALECTS, LATEST, Dialect, declares_dialect, dialect_of, pointer
from turngrammar.schema.forms import required_form, surely_valid
from turngrammar.schema.keyword_table import KeywordTable

if TYPE_CHECKING:
    from referencing._core import Resolver

Schema = Mapping[str, Any] | bool

_LOCAL_DEFINITION = re.compile(r"#|#/(\$defs|definitions)/[^/]+")


@dataclass(frozen=True)
class Options:
    """How to compile a schema.

    Attributes:
        dialect: for schemas without `$schema`: draft4, draft6, draft7, 2019-09 or 2020-12.
        assert_formats: known formats are asserted. False makes each an annotation, the default of drafts since 2019-09.
        digits: of integers without bounds in the schema, so that a small model doesn't print 400 of them. 18 digits
            hold every 59-bit integer. A bound in the schema that is farther out replaces this limit.
        vocabulary: the model's, with which terminals are tried; None: every byte is a token.
    """

    dialect: str = LATEST
    assert_formats: bool = True
    digits: int = 18
    vocabulary: LLTokenizer | None = None


DEFAULTS = Options()


@dataclass(frozen=True)
class Subschema:
    """A subschema with its context: the base of its references, and its dialect."""

    schema: Any
    resolver: Resolver[Any]
    dialect: Dialect

    def child(self, schema: Any) -> Subschema:
        """A direct subschema."""
        if isinstance(schema, Mapping) and _identifies(schema):
            dialect = dialect_of(schema, self.dialect)
            resource = dialect.specification.create_resource(schema)
            return Subschema(schema, self.resolver.in_subresource(resource), dialect)
        return Subschema(schema, self.resolver, self.dialect)


def _identifies(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema.get("$id"), str) or isinstance(schema.get("id"), str)


class Source:
    """A schema document.

    Raises InvalidSchema if meta-validation fails, RefusedSchema for unknown dialects and excessive nesting.
    """

    def __init__(self, schema: Schema, options: Options, keywords: KeywordTable) -> None:
        self.schema = schema
        self.keywords = keywords
        self.dialect = dialect_of(schema, DIALECTS[options.dialect])
        self._validate(schema, self.dialect)
        resource = self.dialect.specification.create_resource(schema)
        self.root = Subschema(schema, REGISTRY.resolver_with_root(resource), self.dialect)
        self._targets: dict[int, Subschema] = {}

    @property
    def allows_nullable(self) -> bool:
        """OpenAPI 3.0's `nullable` counts unless `$schema` declares a dialect, none of which has it."""
        return not declares_dialect(self.schema)

    @cached_property
    def pointers(self) -> dict[int, str]:
        """The pointer of each subschema of the document, by the identity of its mapping."""
        return {id(node): pointer(tokens) for tokens, node in self.walk()}

    def walk(self) -> list[tuple[tuple[str, ...], Any]]:
        """Every subschema that known keywords lead to, with the tokens of its pointer."""
        nodes: list[tuple[tuple[str, ...], Any]] = [((), self.schema)]
        for tokens, node in nodes:
            if isinstance(node, Mapping):
                nodes.extend(((*tokens, *path), child) for path, child in self.keywords.subschemas(node))
        return nodes

    def anywhere(self, keyword: str) -> list[Mapping[str, Any]]:
        """The subschemas that have the keyword."""
        return [node for _, node in self.walk() if isinstance(node, Mapping) and keyword in node]

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
        except (PointerToNowhere, NoSuchAnchor, InvalidAnchor, TypeError) as error:
            # TypeError: the pointer leads into a number or a boolean, which referencing doesn't handle.
            message = f"{shown(reference)} refers to nothing in this schema. Add what it names, or correct it."
            raise InvalidSchema(message, pointer=where, keyword=keyword) from error
        except Unresolvable as error:
            message = f"{shown(reference)} is a remote reference, which is never fetched. Put its schema under $defs."
            raise RefusedSchema(message, pointer=where, keyword=keyword) from error
        dialect = dialect_of(target.contents, node.dialect)
        if not _LOCAL_DEFINITION.fullmatch(reference) and id(target.contents) not in self.pointers:
            # No known keyword leads there, so it has not been validated yet.
            self._validate(target.contents, dialect, unquote(reference[1:]) if reference.startswith("#/") else where)
        return Subschema(target.contents, target.resolver, dialect)

    def _validate(self, schema: Any, dialect: Dialect, where: str = "") -> None:
        """Raises InvalidSchema. `format` is not asserted: patterns have the syntax of ECMA-262, not of Python."""
        if surely_valid(schema, dialect, self.keywords):
            return
        checker = dialect.validator(dialect.validator.META_SCHEMA, registry=REGISTRY, format_checker=FormatChecker(()))
        error = best_match(checker.iter_errors(schema))
        if error is not None:
            raise self._invalid(error, where)

    def _invalid(self, error: ValidationError, where: str) -> InvalidSchema:
        path = tuple(error.absolute_path)
        keyword, rest = self.keywords.innermost(path)
        rule = required_form(keyword, self.keywords.rows.get(keyword), rest)
        if not rule or (isinstance(error.instance, Mapping) and error.validator != "type"):
            rule = f"The meta-schema requires {error.validator} {shown(error.validator_value)}"
        message = f"{rule}; this is {shown(error.instance)}."
        return InvalidSchema(message, pointer=where + pointer(path), keyword=keyword)
