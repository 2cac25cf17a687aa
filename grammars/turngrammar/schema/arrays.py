"""Arrays: read from their keywords, intersected, subtracted, and written in the normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import zip_longest
from typing import Any

from turngrammar.schema.algebra import Algebra
from turngrammar.schema.inhabited import Inhabited
from turngrammar.schema.items import at_most, constrained, containing, listed_values, with_item, with_prefix_item
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import ARRAY, NOTHING, Array, Contained, Inexact, Shape, array_shape, lower_limit, unite
from turngrammar.schema.unevaluated import Evaluated

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


def meet_arrays(algebra: Algebra, left: Array, right: Array) -> Shape:
    most = lower_limit(left.most, right.most)
    reach = max(len(left.prefix), len(right.prefix))
    length = reach if most is None else min(reach, most)
    met = array_shape(
        Array(
            prefix=tuple(algebra.inner(algebra.meet, left.item(i), right.item(i)) for i in range(length)),
            rest=algebra.inner(algebra.meet, left.rest, right.rest),
            least=max(left.least, right.least),
            most=most,
        )
    )
    return constrained(algebra, constrained(algebra, met, left), right)


def minus_arrays(algebra: Algebra, left: Array, right: Array) -> Shape:
    """Arrays that are too short, too long, or have an item that doesn't fit, or too few or too many that match."""
    if disjoint_arrays(algebra, left, right):
        return (left,)
    if right.distinct and not left.distinct:
        raise Inexact("the grammar can't require a repeated item")
    plain = replace(left, contained=None, distinct=False)
    shapes: list[Shape] = []
    if right.least:
        shapes.append(at_most(plain, right.least - 1))
    if right.most is not None:
        shapes.append(array_shape(replace(plain, least=max(left.least, right.most + 1))))
    shapes.extend(_item_misfits(algebra, plain, right))
    if right.contained is not None:
        shapes.extend(_miscounted(algebra, plain, right.contained))
    return constrained(algebra, unite(*shapes), left)


def _item_misfits(algebra: Algebra, left: Array, right: Array) -> Iterator[Shape]:
    """The first item that doesn't fit is at some position of the prefix, or behind it."""
    reach = max(len(left.prefix), len(right.prefix))
    for index in range(reach if left.most is None else min(reach, left.most)):
        item = left.item(index)
        yield with_item(left, index, algebra.inner(algebra.minus, item, right.item(index)))
        left = with_prefix_item(left, index, algebra.inner(algebra.meet, item, right.item(index)))
    misfit = algebra.minus(left.rest, right.rest)
    if misfit and (left.most is None or left.most > reach):
        if any(not algebra.disjoint(item, misfit) for item in left.prefix):
            raise Inexact("the grammar can't require a certain item behind others of its kind")
        yield containing(algebra, replace(left, least=max(left.least, reach + 1)), misfit, 1)


def _miscounted(algebra: Algebra, left: Array, counted: Contained) -> Iterator[Shape]:
    if counted.least:
        yield containing(algebra, left, counted.shape, 0, counted.least - 1)
    if counted.most is not None:
        yield containing(algebra, left, counted.shape, counted.most + 1)


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
    variant = _without_impossible_items(variant, lowering.inhabited)
    if variant.prefix:
        node["prefixItems"] = [lowering.shape(item) for item in variant.prefix]
    rest = lowering.shape(variant.rest)
    if rest != {}:
        node["items"] = rest
    if variant.distinct:
        node |= _distinct_node(lowering, variant)
    if variant.contained is not None:
        node |= _contains_node(lowering, variant.contained)
    if variant.least:
        node["minItems"] = min(variant.least, COUNTED_ITEMS)
    if variant.most is not None and rest is not False and variant.most <= COUNTED_ITEMS:
        node["maxItems"] = variant.most
    if rest is not False and max(variant.least, variant.most or 0) > COUNTED_ITEMS:
        reason = f"the grammar counts {COUNTED_ITEMS} items at most"
        lowering.ledger.check_everywhere(("minItems", "maxItems"), reason)
    return [typed("array", node)]


def _without_impossible_items(variant: Array, inhabited: Inhabited) -> Array:
    """The same arrays: they end before the first item that no value fits, and count only possible ones."""
    length = next((index for index, item in enumerate(variant.prefix) if not inhabited.shape(item)), None)
    if length is not None:
        return replace(variant, prefix=variant.prefix[:length], rest=NOTHING, contained=None)
    if variant.contained is not None and not inhabited.shape(variant.contained.shape):
        return replace(variant, rest=variant.contained.others, contained=None)
    return variant


def _distinct_node(lowering: Lowering, variant: Array) -> dict[str, Any]:
    """Items as one alternative for each value."""
    values = listed_values(lowering.algebra, variant) or ()
    return {"items": {"anyOf": [lowering.shape((value,)) for value in values]}, "uniqueItems": True}


def _contains_node(lowering: Lowering, counted: Contained) -> dict[str, Any]:
    """Items as two alternatives, of which the second is counted."""
    shape, others = lowering.shape(counted.shape), lowering.shape(counted.others)
    most = {} if counted.most is None else {"maxContains": counted.most}
    return {"items": {"anyOf": [others, shape]}, "contains": shape, "minContains": counted.least, **most}
