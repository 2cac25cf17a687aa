"""Arrays: read from their keywords, intersected, subtracted, and written in the normal form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from turngrammar.schema.algebra import Algebra
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import ARRAY, Array, Inexact, Shape, array_shape, lower_limit, unite
from turngrammar.schema.unevaluated import Evaluated

POSITIONS = 16  # items of a bounded array with a shape for each position
COUNTED_ITEMS = 1000  # each is a symbol of llguidance's grammar, which has room for 65,000


def read_arrays(reader: SchemaReader, node: Subschema) -> Shape:
    if not reader.has_keyword_of(node, "array"):
        return (ARRAY,)
    schema = node.schema
    items = schema.get("items", True)
    prefix = schema.get("prefixItems", ()) if not node.dialect.listed_items else ()
    if isinstance(items, list):
        prefix, items = items, schema.get("additionalItems", True)
    most = schema.get("maxItems")
    return array_shape(
        Array(
            prefix=tuple(reader.read(node.child(item)) for item in prefix),
            rest=reader.read(node.child(items)),
            least=int(schema.get("minItems", 0)),
            most=None if most is None else int(most),
        )
    )


def inert_additional_items(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    """Why `additionalItems` asserts nothing, or ""."""
    return "" if isinstance(schema.get("items"), list) else "asserts nothing without a list of items"


def evaluated_items(items: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated(items=len(items)) if isinstance(items, list) else Evaluated(all_items=True)


def evaluated_prefix(prefix: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated() if isinstance(schema.get("items"), list) else Evaluated(items=len(prefix))


def evaluated_additional_items(additional: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated(all_items=isinstance(schema.get("items"), list))


def with_item(variant: Array, index: int, shape: Shape) -> Shape:
    """The arrays of the variant that have an item at that index, of that shape."""
    prefix = [variant.item(i) for i in range(max(index + 1, len(variant.prefix)))]
    prefix[index] = shape
    return array_shape(replace(variant, prefix=tuple(prefix), least=max(variant.least, index + 1)))


def meet_arrays(algebra: Algebra, left: Array, right: Array) -> Shape:
    most = lower_limit(left.most, right.most)
    reach = max(len(left.prefix), len(right.prefix))
    length = reach if most is None else min(reach, most)
    return array_shape(
        Array(
            prefix=tuple(algebra.meet(left.item(i), right.item(i)) for i in range(length)),
            rest=algebra.meet(left.rest, right.rest),
            least=max(left.least, right.least),
            most=most,
        )
    )


def minus_arrays(algebra: Algebra, left: Array, right: Array) -> Shape:
    """Arrays that are too short, too long, or have an item that doesn't fit."""
    shapes: list[Shape] = []
    if right.least:
        shapes.append(array_shape(replace(left, most=lower_limit(left.most, right.least - 1))))
    if right.most is not None:
        shapes.append(array_shape(replace(left, least=max(left.least, right.most + 1))))
    reach = max(len(left.prefix), len(right.prefix))
    shapes.extend(_misfit(algebra, left, right, i) for i in range(reach))
    if algebra.minus(left.rest, right.rest):
        if left.most is None or left.most > POSITIONS:
            raise Inexact("the grammar can't require a certain item at some position of an unbounded array")
        shapes.extend(_misfit(algebra, left, right, i) for i in range(reach, left.most))
    return unite(*shapes)


def _misfit(algebra: Algebra, left: Array, right: Array, index: int) -> Shape:
    return with_item(left, index, algebra.minus(left.item(index), right.item(index)))


def disjoint_arrays(algebra: Algebra, left: Array, right: Array) -> bool:
    """Decided by length, or by an item that both must have."""
    least, most = max(left.least, right.least), lower_limit(left.most, right.most)
    if most is not None and most < least:
        return True
    pairs = zip_longest(left.prefix[:least], right.prefix[:least])
    return any(
        algebra.disjoint(left.rest if mine is None else mine, right.rest if theirs is None else theirs)
        for mine, theirs in pairs
    ) or (least > max(len(left.prefix), len(right.prefix)) and algebra.disjoint(left.rest, right.rest))


def write_array(lowering: Lowering, variant: Array) -> list[dict[str, Any]]:
    node: dict[str, Any] = {}
    if variant.prefix:
        node["prefixItems"] = [lowering.shape(item) for item in variant.prefix]
    rest = lowering.shape(variant.rest)
    if rest != {}:
        node["items"] = rest
    if variant.least:
        node["minItems"] = min(variant.least, COUNTED_ITEMS)
    if variant.most is not None and rest is not False and variant.most <= COUNTED_ITEMS:
        node["maxItems"] = variant.most
    if rest is not False and max(variant.least, variant.most or 0) > COUNTED_ITEMS:
        reason = f"the grammar counts {COUNTED_ITEMS} items at most"
        lowering.ledger.check_everywhere(("minItems", "maxItems"), reason)
    return [typed("array", node)]
