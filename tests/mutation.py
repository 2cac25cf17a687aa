"""Values that are almost right: what a client gets wrong, at random but the same each time."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from typing import Any

JUNK: list[Any] = [
    None, True, False, 0, -1, 1.5, 1e308, 10**30, "", "a", "\x00", "$ref", "#/", "x" * 100, "😀", [], {}, [[]],
    {"a": {}}, ["a", "a"], {"type": "object"}, {"$ref": "#"}, {"not": {}}, {"type": ["string", "null"]},
    {"pattern": "(("}, {"enum": []}, {"const": 1.0}, {"oneOf": [{}, {}]}, {"if": {}, "then": False},
    {"properties": {"": False}}, {"minItems": 5, "maxItems": 1},
]  # fmt: skip
KEYS = [
    "type", "$ref", "allOf", "not", "x", "", "items", "pattern", "minimum", "required", "format", "multipleOf",
    "additionalProperties", "dependentRequired", "unevaluatedProperties", "$id", "$anchor", "$schema", "nullable",
]  # fmt: skip

Path = tuple[Any, ...]


def mutated(value: Any, rng: random.Random) -> Any:
    """A copy with one to three places dropped, replaced or added to."""
    value = copy.deepcopy(value)
    for _ in range(rng.choice([1, 1, 2, 3])):
        places = list(_places(value))
        if places:
            _change(value, rng.choice(places), rng)
    return value


def _change(value: Any, place: Path, rng: random.Random) -> None:
    for step in place[:-1]:
        value = value[step]
    last, luck = place[-1], rng.random()
    if luck < 0.15:
        del value[last]
    elif luck < 0.3 and isinstance(value[last], dict):
        value[last][rng.choice(KEYS)] = copy.deepcopy(rng.choice(JUNK))
    else:
        value[last] = copy.deepcopy(rng.choice(JUNK))


def _places(value: Any) -> Iterator[Path]:
    steps = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for step in steps:
        yield (step,)
        yield from ((step, *deeper) for deeper in _places(value[step]))
