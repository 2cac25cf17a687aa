"""Schemas that refer to themselves for the same value, as in `{"$ref": "#"}`: no validator can finish with them.

Recursion through a property or an item ends with the document.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from turngrammar.errors import RefusedSchema
from turngrammar.schema.load import Options, Source, Subschema


def refuse_endless(source: Source, options: Options) -> None:
    """Raises RefusedSchema if a subschema that a document can need does."""
    finished: set[int] = set()
    roots = [source.root]
    for root in roots:
        path: dict[int, tuple[Subschema, Iterator[Subschema]]] = {}
        _enter(source, options, root, path, finished, roots)
        while path:
            _, applied = next(reversed(path.values()))
            following = next(applied, None)
            if following is None:
                finished.add(path.popitem()[0])
            else:
                _enter(source, options, following, path, finished, roots)


def _enter(
    source: Source,
    options: Options,
    node: Subschema,
    path: dict[int, tuple[Subschema, Iterator[Subschema]]],
    finished: set[int],
    roots: list[Subschema],
) -> None:
    """Extend the path of subschemas that apply to the same value; `roots` get those of other values."""
    key = id(node.schema)
    if key in finished or not isinstance(node.schema, Mapping):
        return
    if key in path:
        raise _refusal(source, path[key][0])
    in_place: list[Subschema] = []
    for keyword, child in _applied(source, options, node):
        (in_place if source.keywords.rows[keyword].in_place else roots).append(child)
    path[key] = node, iter(in_place)


def _applied(source: Source, options: Options, node: Subschema) -> Iterator[tuple[str, Subschema]]:
    """The subschemas that the node applies, with the keyword that does."""
    overriding = node.dialect.overriding
    keywords = [overriding] if overriding in node.schema else list(node.schema)
    for keyword in keywords:
        row = source.keywords.rows.get(keyword)
        if row is None or not row.asserts(node.dialect.name) or (row.inert and row.inert(node.schema, source, options)):
            continue
        if row.refers:
            yield keyword, source.target(node, keyword)
        else:
            named = {keyword: node.schema[keyword]}
            yield from ((keyword, node.child(child)) for _, child in source.keywords.subschemas(named))


def _refusal(source: Source, node: Subschema) -> RefusedSchema:
    message = "the subschema refers to itself for the same value, so no check would end: recurse in a property or an item"
    return RefusedSchema(message, pointer=source.at(node), keyword="$ref")
