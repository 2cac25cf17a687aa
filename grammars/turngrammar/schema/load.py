"""A schema as it comes in: its dialect, whether it is a schema at all, and what its references mean.

`referencing` resolves; nothing is ever fetched. Meta-schemas of the known dialects count as local.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from jsonschema import FormatChecker
from jsonschema.exceptions import best_match
from jsonschema_specifications import REGISTRY  # type: ignore[import-untyped]
from referencing.exceptions import InvalidAnchor, NoSuchAnchor, PointerToNowhere, Unresolvable

from turngrammar.errors import InvalidSchema, RefusedSchema
from turngrammar.schema.dialect import DIALECTS, Dialect, dialect_of, pointer, subschemas
from turngrammar.schema.options import Options
from turngrammar.schema.screen import surely_valid

if TYPE_CHECKING:
    from referencing._core import Resolver

Schema = Mapping[str, Any] | bool

_USUAL = re.compile(r"#|#/(\$defs|definitions)/[^/]+")


@dataclass(frozen=True)
class Node:
    """A subschema where it stands: what its references are relative to, and whose rules it follows."""

    schema: Any
    resolver: Resolver[Any]
    dialect: Dialect

    def child(self, schema: Any) -> Node:
        """A direct subschema."""
        if isinstance(schema, Mapping) and _identifies(schema):
            dialect = dialect_of(schema, self.dialect)
            return Node(schema, self.resolver.in_subresource(dialect.specification.create_resource(schema)), dialect)
        return Node(schema, self.resolver, self.dialect)


def _identifies(schema: Mapping[str, Any]) -> bool:
    return isinstance(schema.get("$id"), str) or isinstance(schema.get("id"), str)


class Source:
    """A schema document.

    Raises InvalidSchema where meta-validation does, RefusedSchema for unknown dialects and absurd depth.
    """

    def __init__(self, schema: Schema, options: Options) -> None:
        self.schema = schema
        self.dialect = dialect_of(schema, DIALECTS[options.dialect])
        _validate(schema, self.dialect)
        resource = self.dialect.specification.create_resource(schema)
        self.root = Node(schema, REGISTRY.resolver_with_root(resource), self.dialect)
        self._targets: dict[int, Node] = {}

    @cached_property
    def pointers(self) -> dict[int, str]:
        """Where each subschema of the document stands, by the identity of its mapping."""
        return {id(node): pointer(tokens) for tokens, node in self.walk()}

    def walk(self) -> list[tuple[tuple[str, ...], Any]]:
        """Every subschema that the dialects' keywords lead to, with the tokens of its pointer."""
        found: list[tuple[tuple[str, ...], Any]] = [((), self.schema)]
        for tokens, node in found:
            if isinstance(node, Mapping):
                found.extend(((*tokens, *path), child) for path, child in subschemas(node))
        return found

    def at(self, node: Node) -> str:
        """The pointer of a subschema; of one outside the document, or where no keyword leads, the nearest there is."""
        return self.pointers.get(id(node.schema), "")

    def target(self, node: Node, keyword: str = "$ref") -> Node:
        """What the node's reference refers to. Raises RefusedSchema if it is remote, InvalidSchema if it is nothing."""
        if id(node.schema) not in self._targets:
            self._targets[id(node.schema)] = self._look_up(node, keyword)
        return self._targets[id(node.schema)]

    def _look_up(self, node: Node, keyword: str) -> Node:
        reference = node.schema[keyword]
        where = self.at(node) + pointer((keyword,))
        if not isinstance(reference, str):  # the meta-schema of draft 4 says nothing of it
            raise InvalidSchema("a reference must be a string", pointer=where, keyword=keyword)
        try:
            found = node.resolver.lookup(reference)
        except (PointerToNowhere, NoSuchAnchor, InvalidAnchor, TypeError) as error:
            # TypeError: the pointer leads into a number or a boolean, which referencing does not foresee.
            raise InvalidSchema(f"{reference!r} refers to nothing", pointer=where, keyword=keyword) from error
        except Unresolvable as error:
            message = f"{reference!r} is a remote reference, which is never fetched: put its schema under $defs"
            raise RefusedSchema(message, pointer=where, keyword=keyword) from error
        dialect = dialect_of(found.contents, node.dialect)
        if not _USUAL.fullmatch(reference) and id(found.contents) not in self.pointers:
            # No keyword leads there, so nobody has validated it.
            _validate(found.contents, dialect, where)
        return Node(found.contents, found.resolver, dialect)


def _validate(schema: Any, dialect: Dialect, where: str = "") -> None:
    """Raises InvalidSchema. `format` is not asserted: whether a pattern is one is ECMA-262's business, not Python's."""
    if surely_valid(schema, dialect):
        return
    checker = dialect.validator(dialect.validator.META_SCHEMA, registry=REGISTRY, format_checker=FormatChecker(()))
    error = best_match(checker.iter_errors(schema))
    if error is not None:
        where += pointer(tuple(error.absolute_path))
        raise InvalidSchema(error.message, pointer=where, keyword=str(error.validator))
