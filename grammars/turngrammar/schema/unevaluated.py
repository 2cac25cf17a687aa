"""`unevaluatedProperties` and `unevaluatedItems`: which names and items were looked at, told apart case by case.

What a subschema has evaluated counts only where it holds. So the shape is split until, in each case, it is settled
which subschemas hold; there, the keyword is `additionalProperties` (or `items`) beyond what these evaluate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turngrammar.schema import regex
from turngrammar.schema.combine import NO_OBJECT
from turngrammar.schema.load import Node
from turngrammar.schema.regex import Language
from turngrammar.schema.shape import (
    ANYTHING,
    BOOLEAN,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Inexact,
    Object,
    Shape,
    array,
    object_,
    unite,
)

if TYPE_CHECKING:
    from turngrammar.schema.read import Reader

CASES = 48
DEPTH = 12

NO_ARRAY: Shape = (NULL, BOOLEAN, NUMBER, TEXT, OBJECT)


@dataclass(frozen=True)
class Seen:
    """What is evaluated: these names, names in these languages, or all of them; this many items, or all."""

    names: tuple[str, ...] = ()
    patterns: tuple[Language, ...] = ()
    all_names: bool = False
    items: int = 0
    all_items: bool = False

    def __or__(self, other: Seen) -> Seen:
        return Seen(
            tuple(dict.fromkeys(self.names + other.names)),
            self.patterns + other.patterns,
            self.all_names or other.all_names,
            max(self.items, other.items),
            self.all_items or other.all_items,
        )


Case = tuple[Shape, Seen]


def properties(reader: Reader, node: Node, shape: Shape) -> Shape:
    rest = reader.read(node.child(node.schema["unevaluatedProperties"]))
    return _apply(reader, node, shape, "unevaluatedProperties", lambda seen: _members(seen, rest))


def items(reader: Reader, node: Node, shape: Shape) -> Shape:
    rest = reader.read(node.child(node.schema["unevaluatedItems"]))
    return _apply(reader, node, shape, "unevaluatedItems", lambda seen: _tail(seen, rest))


def _apply(reader: Reader, node: Node, shape: Shape, keyword: str, limit: Callable[[Seen], Shape]) -> Shape:
    def limited() -> Shape:
        if keyword == "unevaluatedItems" and _counts_contained(reader):
            raise Inexact("items that `contains` matches count as evaluated")
        cases = _cases(reader, node, [(shape, _own(node, ()))], 0)
        return unite(*(reader.algebra.meet(case, limit(seen)) for case, seen in cases))

    return reader.attempt(node, keyword, shape, limited)


def _counts_contained(reader: Reader) -> bool:
    return any(isinstance(schema, Mapping) and "contains" in schema for _, schema in reader.source.walk())


def _members(seen: Seen, rest: Shape) -> Shape:
    if seen.all_names:
        return ANYTHING
    plain = regex.plain(regex.union(*seen.patterns))
    if plain is None:
        raise Inexact("the evaluated names would take too large a pattern")
    patterns = ((plain, ANYTHING),) if seen.patterns else ()
    names = tuple((name, ANYTHING) for name in seen.names)
    return (*NO_OBJECT, *object_(Object(properties=names, patterns=patterns, rest=rest)))


def _tail(seen: Seen, rest: Shape) -> Shape:
    return ANYTHING if seen.all_items else (*NO_ARRAY, *array(Array(prefix=(ANYTHING,) * seen.items, rest=rest)))


def _own(node: Node, beyond: tuple[str, ...] = ("unevaluatedProperties", "unevaluatedItems")) -> Seen:
    """What the schema's own keywords evaluate. `beyond` are those that evaluate all the rest."""
    schema = node.schema
    listed = schema.get("items") if isinstance(schema.get("items"), list) else schema.get("prefixItems", [])
    whole = "additionalItems" in schema if isinstance(schema.get("items"), list) else "items" in schema
    return Seen(
        tuple(schema.get("properties", ())),
        tuple(_language(source) for source in schema.get("patternProperties", ())),
        "additionalProperties" in schema or ("unevaluatedProperties" in schema and bool(beyond)),
        len(listed),
        whole or ("unevaluatedItems" in schema and bool(beyond)),
    )


def _language(source: str) -> Language:
    try:
        return regex.compile_pattern(source)
    except regex.RegexError as error:
        raise Inexact(str(error)) from error


def _cases(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    """The cases, split by the node's combinators."""
    if depth > DEPTH:
        raise Inexact("its subschemas are nested too deeply, or refer to each other")
    for keyword, split in _SPLIT.items():
        if keyword in node.schema and node.dialect.knows(keyword):
            cases = split(reader, node, cases, depth)
            if len(cases) > CASES:
                raise Inexact(f"more than {CASES} cases have to be told apart")
    return cases


def _inside(reader: Reader, child: Node, cases: list[Case], depth: int) -> list[Case]:
    """The cases where the child holds, with what it evaluates. The shapes are within the child's already."""
    if not isinstance(child.schema, Mapping):
        return cases
    own = _own(child)
    return _cases(reader, child, [(shape, seen | own) for shape, seen in cases], depth + 1)


def _where(reader: Reader, child: Node, cases: list[Case], depth: int) -> list[Case]:
    """Where the child holds, with what it evaluates, and where it doesn't."""
    allowed = reader.read(child)
    holds = [(reader.algebra.meet(shape, allowed), seen) for shape, seen in cases]
    fails = [(reader.algebra.minus(shape, allowed), seen) for shape, seen in cases]
    return _possible([*_inside(reader, child, _possible(holds), depth), *fails])


def _possible(cases: list[Case]) -> list[Case]:
    return [(shape, seen) for shape, seen in cases if shape != NOTHING]


def _children(node: Node, keyword: str) -> Iterator[Node]:
    value: Any = node.schema[keyword]
    for child in value.values() if isinstance(value, Mapping) else value:
        yield node.child(child)


def _split_ref(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    return _inside(reader, reader.source.target(node), cases, depth)


def _split_dynamic(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    raise Inexact("what a dynamic reference evaluates depends on the path of references")


def _split_all(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    for child in _children(node, "allOf"):
        cases = _inside(reader, child, cases, depth)
    return cases


def _split_some(keyword: str) -> Callable[[Reader, Node, list[Case], int], list[Case]]:
    def split(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
        for child in _children(node, keyword):
            if _evaluates(reader, child):
                cases = _where(reader, child, cases, depth)
        return cases

    return split


def _evaluates(reader: Reader, child: Node) -> bool:
    """False only for subschemas that surely evaluate nothing."""
    if not isinstance(child.schema, Mapping):
        return False
    return _own(child) != Seen() or any(keyword in child.schema for keyword in _SPLIT)


def _split_if(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    condition = node.child(node.schema["if"])
    allowed = reader.read(condition)
    holds = _possible([(reader.algebra.meet(shape, allowed), seen) for shape, seen in cases])
    fails = _possible([(reader.algebra.minus(shape, allowed), seen) for shape, seen in cases])
    holds = _inside(reader, condition, holds, depth)
    if "then" in node.schema:
        holds = _inside(reader, node.child(node.schema["then"]), holds, depth)
    if "else" in node.schema:
        fails = _inside(reader, node.child(node.schema["else"]), fails, depth)
    return [*holds, *fails]


def _split_dependent(reader: Reader, node: Node, cases: list[Case], depth: int) -> list[Case]:
    for name, schema in node.schema["dependentSchemas"].items():
        present = object_(Object(rest=ANYTHING, required=(name,)))
        absent = (*NO_OBJECT, *object_(Object(properties=((name, NOTHING),), rest=ANYTHING)))
        holds = _possible([(reader.algebra.meet(shape, present), seen) for shape, seen in cases])
        fails = [(reader.algebra.meet(shape, absent), seen) for shape, seen in cases]
        cases = _possible([*_inside(reader, node.child(schema), holds, depth), *fails])
    return cases


_SPLIT: Mapping[str, Callable[[Reader, Node, list[Case], int], list[Case]]] = {
    "$ref": _split_ref,
    "$dynamicRef": _split_dynamic,
    "$recursiveRef": _split_dynamic,
    "allOf": _split_all,
    "anyOf": _split_some("anyOf"),
    "oneOf": _split_some("oneOf"),
    "if": _split_if,
    "dependentSchemas": _split_dependent,
}
