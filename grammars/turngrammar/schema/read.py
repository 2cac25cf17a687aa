"""A schema read into shapes: first the keywords that narrow, in the order of the schema, then those that depend on the
result."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from turngrammar.schema.algebra import Algebra, Operations
from turngrammar.schema.definitions import Task, Unfinished
from turngrammar.schema.keyword_table import ANY_TYPE
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import ANYTHING, BARE, NOTHING, NULL, Ref, Shape, unite

# Keywords that may require a name of an object farther in; the others do so through `algebra.meet`.
LISTING = frozenset(
    ("$dynamicRef", "$recursiveRef", "patternProperties", "dependentSchemas", "dependencies", "const", "enum")
)


class SchemaReader:
    """Reads the subschemas of one document. Definitions are read when an operation or the output needs them."""

    def __init__(self, source: Source, options: Options, types: TypeReaders, operations: Operations) -> None:
        self.source = source
        self.keywords = source.keywords
        self.options = options
        self.ledger = Ledger(source)
        self.algebra = Algebra(self._define, operations, options.alternatives)
        self._types = types
        self._names: dict[int, str] = {}
        self._nodes: dict[str, Subschema] = {}
        self._shapes: dict[int, Shape] = {}
        self._reading: set[int] = set()
        self._lost_a_meet = False

    def read(self, node: Subschema) -> Shape:
        """The shape of a subschema. If it allows more than that, it is loose, and the ledger has the reason."""
        schema = node.schema
        if isinstance(schema, bool):
            return ANYTHING if schema else NOTHING
        key = id(schema)
        if key not in self._shapes and (bare := self._bare(schema)) is not None:
            self._shapes[key] = bare
        elif key not in self._shapes:
            self._reading.add(key)
            shape = self._read_keywords(node)
            self._shapes[key] = unite(shape, (NULL,)) if self._nullable(node) else shape
            self._reading.discard(key)
        return self._shapes[key]

    def _bare(self, schema: Mapping[str, Any]) -> Shape | None:
        """The shape of a schema with a type and nothing else that counts; None of others."""
        declared = schema.get("type")
        if self.options.grounds and declared == "string":
            return None
        return BARE.get(declared) if isinstance(declared, str) and schema.keys() <= _BARE_KEYWORDS else None

    @property
    def lists_all_names(self) -> bool:
        """Whether all that a subschema lists or requires has reached the shapes."""
        return not self._lost_a_meet and LISTING.isdisjoint(keyword for _, keyword in self.ledger.reasons)

    def known(self, schema: Any) -> Shape | None:
        """The shape of a subschema that has been read."""
        return self._shapes.get(id(schema))

    def refer(self, node: Subschema) -> Shape:
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
        self, node: Subschema, keyword: str, fallback: Shape, operation: Callable[..., Shape], *operands: Any
    ) -> Shape:
        """The result of the operation. If no shape expresses it, `fallback`, loose; the keyword is then checked."""

        def report(reason: str) -> None:
            self.ledger.check(node.schema, keyword, reason)
            self._lost_a_meet |= operation == self.algebra.meet

        return self.algebra.definitions.attempt(Task(keyword, lambda: operation(*operands), fallback, report))

    def asserts(self, node: Subschema, keyword: str) -> bool:
        """Whether the node has the keyword, and its dialect knows it."""
        return keyword in node.schema and self.keywords.asserts(keyword, node.dialect)

    def _nullable(self, node: Subschema) -> bool:
        """Whether OpenAPI 3.0's keyword allows null, too. Without a `type` beside it, that is what tools mean by it."""
        return node.schema.get("nullable") is True and self.source.allows_nullable

    def _define(self, name: str) -> Shape:
        """The named definition. Raises Unfinished if it is just being read."""
        node = self._nodes[name]
        if id(node.schema) in self._reading:
            raise Unfinished
        return self.read(node)

    def _read_keywords(self, node: Subschema) -> Shape:
        schema: Mapping[str, Any] = node.schema
        overriding = node.dialect.overriding
        if overriding is not None and overriding in schema:
            return self.keywords.narrowing[overriding](self, node, overriding, ANYTHING)
        for keyword, require in self.keywords.require.items():
            if keyword in schema:
                require(self, node, keyword)
        if not schema.keys() & self.keywords.structural:
            return self._read_types(node)
        shape = ANYTHING
        pending = True
        for keyword in schema:
            if keyword in self.keywords.typed and pending:
                pending = False
                shape = self.attempt(node, keyword, shape, self.algebra.meet, shape, self._read_types(node))
            elif keyword in self.keywords.narrowing and self.asserts(node, keyword):
                shape = self.keywords.narrowing[keyword](self, node, keyword, shape)
        for keyword, change in self.keywords.changing.items():
            if self.asserts(node, keyword):
                shape = change(self, node, keyword, shape)
        return shape

    def _read_types(self, node: Subschema) -> Shape:
        """What `type` and the keywords of each type allow, without combinators, `const` and `enum`."""
        declared = node.schema.get("type")
        present = node.schema.keys() & self.keywords.typed
        if declared is None and not present - self.keywords.of_type[ANY_TYPE]:
            return ANYTHING
        types = _ALL_TYPES if declared is None else [declared] if isinstance(declared, str) else declared
        read = [self._types[kind](self, node) for kind in types if not (kind == "integer" and "number" in types)]
        return unite(*read)

    def has_keyword_of(self, node: Subschema, kind: str) -> bool:
        """Whether the node has a keyword of that type."""
        return not self.keywords.of_type[kind].isdisjoint(node.schema)


_BARE_KEYWORDS = frozenset(("type", "title", "description", "default"))
TypeReaders = Mapping[str, Callable[[SchemaReader, Subschema], Shape]]
_ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")


def inert_nullable(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    """Why OpenAPI 3.0's `nullable` asserts nothing, or ""."""
    if not source.allows_nullable:
        return f"asserts nothing in {source.dialect.name}"
    return "" if schema["nullable"] is True else "asserts nothing unless it is true"
