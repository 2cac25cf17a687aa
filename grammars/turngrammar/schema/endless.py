"""Schemas that refer to themselves for the same value, as in `{"$ref": "#"}`: no validator can finish with them.

Nor in time with references that double again and again: `a1` refers to `a0` twice, `a2` to `a1` twice, and so on.
Recursion through a property or an item ends with the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turngrammar.errors import RefusedSchema
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.places import Place

# Subschemas against which one value is checked, those that references repeat included. It takes some 10 us for each.
MOST_CHECKS = 10_000


def refuse_endless(source: Source, options: Options) -> None:
    """Raises RefusedSchema if a subschema that a document can need does so."""
    if leading := _leading_to_references(source):
        _InPlaceWalk(source, options, leading).every_value()


def _leading_to_references(source: Source) -> frozenset[int]:
    """The ids of the document's subschemas with a reference in them: only these can be endless."""
    names = source.keywords.referring
    leading: set[int] = set()
    for place in source.places:
        if isinstance(place.schema, Mapping) and not names.isdisjoint(place.schema):
            above: Place | None = place
            while above and id(above.schema) not in leading:
                leading.add(id(above.schema))
                above = above.above
    return frozenset(leading)


class _InPlaceWalk:
    """Depth first, through the subschemas that apply to one value."""

    def __init__(self, source: Source, options: Options, leading: frozenset[int]) -> None:
        self._source = source
        self._leading = leading
        self._options = options
        self._values = [source.root]  # where the walk of another value starts
        self._path: dict[int, tuple[Subschema, list[Subschema], Iterator[Subschema]]] = {}
        self._checks: dict[int, int] = {}  # of each node that is finished, with all that apply in its place

    def every_value(self) -> None:
        for start in self._values:
            self._enter(start)
            while self._path:
                key, (node, in_place, remaining) = next(reversed(self._path.items()))
                following = next(remaining, None)
                if following is None:
                    self._checks[key] = self._counted(node, in_place)
                    del self._path[key]
                else:
                    self._enter(following)

    def _enter(self, node: Subschema) -> None:
        key = id(node.schema)
        if key in self._checks or not self._leads(node.schema):
            return
        if key in self._path:
            message = (
                "The subschema refers to itself for the same value, without end. Refer to it in a property or item."
            )
            raise RefusedSchema(message, pointer=self._source.at(node), keyword="$ref")
        in_place: list[Subschema] = []
        for keyword, child in self._applied(node):
            (in_place if self._source.keywords.rows[keyword].in_place else self._values).append(child)
        self._path[key] = node, in_place, iter(in_place)

    def _counted(self, node: Subschema, in_place: list[Subschema]) -> int:
        checks = 1 + sum(self._checks.get(id(child.schema), 1) for child in in_place)
        if checks > MOST_CHECKS:
            message = (
                f"One value is checked against {checks} subschemas, more than {MOST_CHECKS}, because references repeat "
                "them. Refer to each of them once."
            )
            raise RefusedSchema(message, pointer=self._source.at(node), keyword="$ref")
        return checks

    def _leads(self, schema: Any) -> bool:
        """Whether there is a reference in it, or may be: a meta-schema that is referred to has no place here."""
        return id(schema) in self._leading or (isinstance(schema, Mapping) and id(schema) not in self._source.pointers)

    def _applied(self, node: Subschema) -> Iterator[tuple[str, Subschema]]:
        """The subschemas that the node applies, with the keyword that does."""
        overriding = node.dialect.overriding
        for keyword in (overriding,) if overriding and overriding in node.schema else node.schema:
            row = self._source.keywords.applying.get(keyword)
            if row is None or not row.asserts(node.dialect.name) or self._is_inert(node, keyword):
                continue
            if row.refers:
                yield keyword, self._source.target(node, keyword)
            else:
                children = self._source.keywords.subschemas({keyword: node.schema[keyword]})
                yield from ((keyword, node.child(child)) for _, child in children if self._leads(child))

    def _is_inert(self, node: Subschema, keyword: str) -> bool:
        inert = self._source.keywords.inert.get(keyword)
        return inert is not None and bool(inert(node.schema, self._source, self._options))
