"""Combinators, each told in intersections and differences of shapes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from turngrammar.schema import local
from turngrammar.schema.load import Node
from turngrammar.schema.shape import (
    ANYTHING,
    ARRAY,
    BOOLEAN,
    NOTHING,
    NULL,
    NUMBER,
    TEXT,
    Array,
    Boolean,
    Inexact,
    Number,
    Object,
    Shape,
    Words,
    loosen,
    object_,
    unite,
)

if TYPE_CHECKING:
    from turngrammar.schema.read import Reader

ALTERNATIVES = 64  # that dependencies, which double them, may lead to
NO_OBJECT: Shape = (NULL, BOOLEAN, NUMBER, TEXT, ARRAY)


def reference(reader: Reader, node: Node, shape: Shape) -> Shape:
    target = reader.refer(reader.source.target(node))
    return reader.attempt(node, "$ref", shape, reader.algebra.meet, shape, target)


def dynamic_reference(reader: Reader, node: Node, shape: Shape) -> Shape:
    """Where one anchor in the document could be meant, it is a plain reference; otherwise the call path decides."""
    keyword = "$dynamicRef" if "$dynamicRef" in node.schema else "$recursiveRef"
    anchors = {"$dynamicRef": "$dynamicAnchor", "$recursiveRef": "$recursiveAnchor"}[keyword]
    places = [found for _, found in reader.source.walk() if isinstance(found, Mapping) and anchors in found]
    resources = [found for _, found in reader.source.walk() if isinstance(found, Mapping) and "$id" in found]
    if len(places) > 1 or any(found is not reader.source.schema for found in resources):
        reader.ledger.check(node.schema, keyword, "which anchor it means depends on the path of references")
        return loosen(shape)
    target = reader.refer(reader.source.target(node, keyword))
    return reader.attempt(node, keyword, shape, reader.algebra.meet, shape, target)


def const(reader: Reader, node: Node, shape: Shape) -> Shape:
    return reader.attempt(node, "const", shape, _among, reader, shape, [node.schema["const"]])


def enum(reader: Reader, node: Node, shape: Shape) -> Shape:
    values = list(node.schema["enum"])
    if "type" in node.schema and local.nullable(node, reader):
        values.append(None)
    return reader.attempt(node, "enum", shape, _among, reader, shape, values)


def _among(reader: Reader, shape: Shape, values: list[Any]) -> Shape:
    """The listed values that the shape allows. Strings go together, the rest one by one, in the order of the list."""
    words = tuple(dict.fromkeys(value for value in values if isinstance(value, str)))
    pieces: list[Shape] = [(Words(values=words),)] if words else []
    pieces.extend(single(value) for value in values if not isinstance(value, str))
    return reader.algebra.meet(shape, unite(*pieces))


def single(value: Any) -> Shape:
    """The shape of one value."""
    if value is None:
        return (NULL,)
    if isinstance(value, bool):
        return (Boolean(values=frozenset((value,))),)
    if isinstance(value, str):
        return (Words(values=(value,)),)
    if isinstance(value, list):
        return (Array(prefix=tuple(map(single, value)), least=len(value), most=len(value)),)
    if isinstance(value, Mapping):
        members = tuple((name, single(item)) for name, item in value.items())
        return object_(Object(properties=members, required=tuple(value)))
    exact = local.exactly(value)
    return (Number(low=exact, high=exact, integer=exact.denominator == 1),)


def all_of(reader: Reader, node: Node, shape: Shape) -> Shape:
    for child in node.schema["allOf"]:
        other = reader.read(node.child(child))
        shape = reader.attempt(node, "allOf", shape, reader.algebra.meet, shape, other)
    return shape


def any_of(reader: Reader, node: Node, shape: Shape) -> Shape:
    branches = unite(*(reader.read(node.child(child)) for child in node.schema["anyOf"]))
    return reader.attempt(node, "anyOf", shape, reader.algebra.meet, shape, branches)


def one_of(reader: Reader, node: Node, shape: Shape) -> Shape:
    """Each branch without what it shares with others."""
    read = [reader.read(node.child(child)) for child in node.schema["oneOf"]]
    branches = [reader.attempt(node, "oneOf", shape, reader.algebra.meet, shape, other) for other in read]
    alone = (reader.attempt(node, "oneOf", mine, _alone, reader, branches, i) for i, mine in enumerate(branches))
    return unite(*alone)


def _alone(reader: Reader, branches: list[Shape], index: int) -> Shape:
    mine = branches[index]
    for other in chain(branches[:index], branches[index + 1 :]):
        if not reader.algebra.disjoint(branches[index], other):
            mine = reader.algebra.minus(mine, other)
    return mine


def negation(reader: Reader, node: Node, shape: Shape) -> Shape:
    forbidden = reader.read(node.child(node.schema["not"]))
    return reader.attempt(node, "not", shape, reader.algebra.minus, shape, forbidden)


def conditional(reader: Reader, node: Node, shape: Shape) -> Shape:
    """Within what `if` allows, `then`; without it, `else`."""
    schema, algebra = node.schema, reader.algebra
    if "then" not in schema and "else" not in schema:
        return shape
    condition = reader.read(node.child(schema["if"]))
    then, otherwise = (reader.read(node.child(schema.get(keyword, True))) for keyword in ("then", "else"))
    held = reader.attempt(node, "if", shape, algebra.meet, shape, condition)
    held = reader.attempt(node, "then", held, algebra.meet, held, then)
    narrowed = reader.attempt(node, "else", shape, algebra.meet, shape, otherwise)
    failed = reader.attempt(node, "if", narrowed, algebra.minus, narrowed, condition)
    return unite(held, failed)


def dependencies(reader: Reader, node: Node, shape: Shape) -> Shape:
    """For each name: objects without it, and those with it that fit what depends on it."""
    for keyword in ("dependencies", "dependentRequired", "dependentSchemas"):
        if node.dialect.knows(keyword):
            for name, needed in node.schema.get(keyword, {}).items():
                shape = reader.attempt(node, keyword, shape, _depending, reader, node, shape, name, needed)
    return shape


def _depending(reader: Reader, node: Node, shape: Shape, name: str, needed: Any) -> Shape:
    if isinstance(needed, list):
        wanted: Shape = (*NO_OBJECT, *object_(Object(rest=ANYTHING, required=tuple(dict.fromkeys([name, *needed])))))
    else:
        present = object_(Object(rest=ANYTHING, required=(name,)))
        wanted = (*NO_OBJECT, *reader.algebra.meet(present, reader.read(node.child(needed))))
    without: Shape = object_(Object(properties=((name, NOTHING),), rest=ANYTHING))
    met = unite(reader.algebra.meet(shape, without), reader.algebra.meet(shape, wanted))
    if len(met) > len(shape) and len(met) > ALTERNATIVES:
        raise Inexact(f"its cases, with those before, are more than {ALTERNATIVES} alternatives")
    return met
