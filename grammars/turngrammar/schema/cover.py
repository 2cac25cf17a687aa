"""Unions with more objects than llguidance can follow at once, as fewer objects that allow more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil

from turngrammar.schema.algebra import Algebra
from turngrammar.schema.items import resolved
from turngrammar.schema.shape import Object, Shape, unite


def with_fewer_objects(algebra: Algebra, shape: Shape, most: int, close: Callable[[Shape], Shape]) -> Shape:
    """The same shape if it has no more objects than that. Otherwise loose ones, each in place of several, closed."""
    variants = close(resolved(algebra, shape))
    objects = [variant for variant in variants if isinstance(variant, Object)]
    if len(objects) <= most:
        return shape
    size = ceil(len(objects) / most)
    covers = (covering(objects[start : start + size]) for start in range(0, len(objects), size))
    others = tuple(variant for variant in variants if not isinstance(variant, Object))
    return unite(others, tuple(covers))


def covering(objects: Sequence[Object]) -> Object:
    """The smallest object, as a shape, that allows all that any of these does."""
    names = list(dict.fromkeys(name for variant in objects for name, _ in variant.properties))
    values = zip(*(variant.values(names) for variant in objects), strict=True)
    mosts = [variant.most for variant in objects if variant.most is not None]
    return Object(
        properties=tuple((name, unite(*shapes)) for name, shapes in zip(names, values, strict=True)),
        rest=unite(*(variant.unlisted for variant in objects)),
        required=tuple(name for name in objects[0].required if all(name in variant.required for variant in objects)),
        least=min(variant.least for variant in objects),
        most=max(mosts) if len(mosts) == len(objects) else None,
        loose=True,
    )
