"""A schema read into shapes: keywords that narrow in the order they are written, then those that look at the result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from turngrammar.schema import combine, local, members, unevaluated
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.load import Node, Source
from turngrammar.schema.options import Options
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import ANYTHING, NOTHING, Inexact, Ref, Shape, loosen


class Reader:
    """Reads the subschemas of one document. Definitions are read when an operation or the output asks for them."""

    def __init__(self, source: Source, options: Options) -> None:
        self.source = source
        self.root: Mapping[str, Any] = source.schema if isinstance(source.schema, Mapping) else {}
        self.options = options
        self.ledger = Ledger(source)
        self.algebra = Algebra(self._define)
        self._names: dict[int, str] = {}
        self._nodes: dict[str, Node] = {}
        self._shapes: dict[int, Shape] = {}
        self._reading: set[int] = set()

    def read(self, node: Node) -> Shape:
        """The shape of a subschema. Where it allows more than that, it is loose, and the ledger says why."""
        schema = node.schema
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        key = id(schema)
        if key not in self._shapes:
            self._reading.add(key)
            self._shapes[key] = self._read(node)
            self._reading.discard(key)
        return self._shapes[key]

    def refer(self, node: Node) -> Shape:
        """A reference to the node's shape, by a name made of its pointer."""
        if isinstance(node.schema, bool):
            return self.read(node)
        key = id(node.schema)
        if key not in self._names:
            stem = re.sub(r"[^\w.-]", "_", self.source.at(node).rpartition("/")[2], flags=re.ASCII) or "root"
            name = stem if stem not in self._nodes else f"{stem}:{len(self._nodes)}"
            self._names[key], self._nodes[name] = name, node
        return (Ref(name=self._names[key]),)

    def attempt(
        self, node: Node, keyword: str, fallback: Shape, operation: Callable[..., Shape], *operands: Any
    ) -> Shape:
        """What the operation makes of its operands. Where that can't be said, `fallback`; the keyword is checked."""
        self.algebra.allow()
        try:
            return operation(*operands)
        except Inexact as reason:
            self.ledger.check(node.schema, keyword, str(reason))
            return loosen(fallback)

    def _define(self, name: str) -> Shape:
        """The named definition. Raises Inexact where reading it has led to this question."""
        node = self._nodes[name]
        if id(node.schema) in self._reading:
            raise Inexact("it is told in terms of itself")
        return self.read(node)

    def _read(self, node: Node) -> Shape:
        schema: Mapping[str, Any] = node.schema
        if "$ref" in schema and node.dialect.lone_ref:
            return combine.reference(self, node, ANYTHING)
        if not schema.keys() & _SPECIAL:
            return local.read(self, node)
        shape = ANYTHING
        pending = True
        for keyword in schema:
            if keyword in local.KEYWORDS and pending:
                pending = False
                shape = self.attempt(node, keyword, shape, self.algebra.meet, shape, local.read(self, node))
            elif keyword in _NARROWING and _known(node, keyword):
                shape = _NARROWING[keyword](self, node, shape)
        for keyword, change in _CHANGING.items():
            if keyword in schema and _known(node, keyword):
                shape = change(self, node, shape)
        return shape


def _known(node: Node, keyword: str) -> bool:
    return node.dialect.knows(keyword)


_Step = Callable[[Reader, Node, Shape], Shape]

_NARROWING: Mapping[str, _Step] = {
    "$ref": combine.reference,
    "$dynamicRef": combine.dynamic_reference,
    "$recursiveRef": combine.dynamic_reference,
    "const": combine.const,
    "enum": combine.enum,
    "allOf": combine.all_of,
    "anyOf": combine.any_of,
}
_CHANGING: Mapping[str, _Step] = {
    "oneOf": combine.one_of,
    "if": combine.conditional,
    "dependencies": combine.dependencies,
    "dependentRequired": combine.dependencies,
    "dependentSchemas": combine.dependencies,
    "propertyNames": members.property_names,
    "contains": members.contains,
    "not": combine.negation,
    "uniqueItems": members.unique_items,
    "unevaluatedProperties": unevaluated.properties,
    "unevaluatedItems": unevaluated.items,
}
_SPECIAL = _NARROWING.keys() | _CHANGING.keys()
