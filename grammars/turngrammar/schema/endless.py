"""Schemas that refer to themselves for the same value, as in `{"$ref": "#"}`: no validator can finish with them.

Recursion through a property or an item ends with the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from turngrammar.errors import RefusedSchema
from turngrammar.schema.load import Options, Source, Subschema


def refuse_endless(source: Source, options: Options) -> None:
    """Raises RefusedSchema if a subschema that a document can need does so."""
    _Walk(source, options).every_value()


class _Walk:
    """Depth first, through the subschemas that apply to one value."""

    def __init__(self, source: Source, options: Options) -> None:
        self._source = source
        self._options = options
        self._values = [source.root]  # where the walk of another value starts
        self._path: dict[int, tuple[Subschema, Iterator[Subschema]]] = {}
        self._finished: set[int] = set()

    def every_value(self) -> None:
        for start in self._values:
            self._enter(start)
            while self._path:
                key, (_, remaining) = next(reversed(self._path.items()))
                following = next(remaining, None)
                if following is None:
                    self._finished.add(key)
                    del self._path[key]
                else:
                    self._enter(following)

    def _enter(self, node: Subschema) -> None:
        key = id(node.schema)
        if key in self._finished or not isinstance(node.schema, Mapping):
            return
        if key in self._path:
            message = (
                "The subschema refers to itself for the same value, without end. Refer to it in a property or item."
            )
            raise RefusedSchema(message, pointer=self._source.at(node), keyword="$ref")
        in_place: list[Subschema] = []
        for keyword, child in self._applied(node):
            (in_place if self._source.keywords.rows[keyword].in_place else self._values).append(child)
        self._path[key] = node, iter(in_place)

    def _applied(self, node: Subschema) -> Iterator[tuple[str, Subschema]]:
        """The subschemas that the node applies, with the keyword that does."""
        overriding = node.dialect.overriding
        for keyword in (overriding,) if overriding and overriding in node.schema else node.schema:
            row = self._source.keywords.rows.get(keyword)
            if row is None or not row.asserts(node.dialect.name) or self._is_inert(node, keyword):
                continue
            if row.refers:
                yield keyword, self._source.target(node, keyword)
            else:
                children = self._source.keywords.subschemas({keyword: node.schema[keyword]})
                yield from ((keyword, node.child(child)) for _, child in children)

    def _is_inert(self, node: Subschema, keyword: str) -> bool:
        inert = self._source.keywords.inert.get(keyword)
        return inert is not None and bool(inert(node.schema, self._source, self._options))
