"""Objects that are closed by default: the schema states nothing about names beside the listed properties.

A shape is closed as it is written, once everything is intersected and subtracted. So it lists what all subschemas
together list or require, and no negation takes part. What is generated stays valid, and something is still generated
wherever something was: an object is left open where the listed names don't suffice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from turngrammar.schema.inhabited import Inhabited
from turngrammar.schema.shape import NOTHING, Object, Others, Shape, Variant, object_shape, unite


def closed(inhabited: Inhabited, shape: Shape) -> Shape:
    """The shape, its objects closed.

    A difference, as of the branches of `oneOf`, also has variants with names that only the other side lists. They are
    left out if there is a variant that has the listed ones only.
    """
    if not any(map(_closes, shape)):
        return shape
    whole = _whole(inhabited, shape) if len(shape) > 1 else set()  # one by itself has nothing to be left out for
    return unite(*(_closed_variant(inhabited, variant, whole) for variant in shape))


def _whole(inhabited: Inhabited, shape: Shape) -> set[frozenset[str]]:
    """The listed names that suffice for some variant."""
    return {variant.listed for variant in _closing(shape) if _suffices(inhabited, variant, variant.listed)}


def is_closed(inhabited: Inhabited, shape: Shape) -> bool:
    """Whether closing changes it."""
    return any(_suffices(inhabited, variant, _known_names(variant)) for variant in _closing(shape))


def _closing(shape: Iterable[Variant]) -> Iterator[Object]:
    return (variant for variant in shape if isinstance(variant, Object) and _closes(variant))


def _closes(variant: Variant) -> bool:
    """One that allows more than its schema stays open: nobody knows which names a valid document needs."""
    return isinstance(variant, Object) and variant.others is Others.IMPLIED and not variant.loose


def _known_names(variant: Object) -> frozenset[str]:
    return variant.listed.union(variant.required)


def _suffices(inhabited: Inhabited, variant: Object, names: frozenset[str]) -> bool:
    """Whether some value has these names only."""
    possible = sum(map(inhabited.shape, variant.values(names)))
    return names.issuperset(variant.required) and variant.least <= possible and inhabited.variant(variant)


def _closed_variant(inhabited: Inhabited, variant: Variant, whole: set[frozenset[str]]) -> Shape:
    if not isinstance(variant, Object) or not _closes(variant):
        return (variant,)
    if variant.listed in whole and not _suffices(inhabited, variant, variant.listed):
        return NOTHING
    names = _known_names(variant)
    if not _suffices(inhabited, variant, names):
        return (replace(variant, others=Others.STATED),)
    known = dict(variant.properties)
    listed = [*(name for name in known if name in names), *sorted(names.difference(known))]
    properties = tuple(zip(listed, variant.values(listed), strict=True))
    return object_shape(
        replace(variant, properties=properties, patterns=(), rest=NOTHING, others=Others.STATED, listed=frozenset())
    )
