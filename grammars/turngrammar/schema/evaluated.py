"""Which properties of an object a schema has looked at, for `unevaluatedProperties`.

jsonschema has such a function, but matches names by `re`, which a pattern can keep busy for years.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from jsonschema.exceptions import ValidationError
from referencing.jsonschema import lookup_recursive_ref

from turngrammar.schema.finder import finder

Names = Iterable[str]
Object = Mapping[str, Any]


def unevaluated_properties(validator: Any, allowed: Any, instance: Any, schema: Object) -> Iterator[ValidationError]:
    """The keyword, for jsonschema."""
    if not isinstance(instance, Mapping):
        return
    seen = evaluated(validator, instance, schema)
    for name, value in instance.items():
        if name in seen:
            continue
        if allowed is False:
            yield ValidationError(f"the property {name!r} is not allowed")
        else:
            yield from validator.descend(value, allowed, path=name)


def evaluated(validator: Any, instance: Object, schema: Any) -> set[str]:
    """The names, of an instance that fits the schema."""
    if not isinstance(schema, Mapping):
        return set()
    rules = ((rule, schema[keyword]) for keyword, rule in _RULES.items() if keyword in schema)
    return {name for rule, value in rules for name in rule(validator, instance, value, schema)}


def _referred(validator: Any, instance: Object, reference: Any, schema: Object) -> Names:
    return _within(validator, instance, validator._resolver.lookup(reference))


def _recursive(validator: Any, instance: Object, reference: Any, schema: Object) -> Names:
    return _within(validator, instance, lookup_recursive_ref(validator._resolver))


def _within(validator: Any, instance: Object, resolved: Any) -> Names:
    there = validator.evolve(schema=resolved.contents, _resolver=resolved.resolver)
    return evaluated(there, instance, resolved.contents)


def _listed(validator: Any, instance: Object, properties: Object, schema: Object) -> Names:
    return instance.keys() & properties.keys()


def _matching(validator: Any, instance: Object, patterns: Any, schema: Object) -> Names:
    return (name for pattern in patterns for name in instance if finder(pattern)(name))


def _others(validator: Any, instance: Object, allowed: Any, schema: Object) -> Names:
    return (name for name, value in instance.items() if _fits(validator, value, allowed))


def _dependent(validator: Any, instance: Object, schemas: Any, schema: Object) -> Names:
    triggered = (subschema for name, subschema in schemas.items() if name in instance)
    return (name for subschema in triggered for name in evaluated(validator, instance, subschema))


def _combined(validator: Any, instance: Object, schemas: Any, schema: Object) -> Names:
    fitting = (subschema for subschema in schemas if _fits(validator, instance, subschema))
    return (name for subschema in fitting for name in evaluated(validator, instance, subschema))


def _conditional(validator: Any, instance: Object, condition: Any, schema: Object) -> Names:
    if not _fits(validator, instance, condition):
        return evaluated(validator, instance, schema.get("else"))
    return evaluated(validator, instance, condition) | evaluated(validator, instance, schema.get("then"))


def _fits(validator: Any, instance: Any, schema: Any) -> bool:
    return next(validator.descend(instance, schema), None) is None


_RULES: Mapping[str, Callable[[Any, Object, Any, Object], Names]] = {
    "$ref": _referred,
    "$dynamicRef": _referred,
    "$recursiveRef": _recursive,
    "properties": _listed,
    "patternProperties": _matching,
    "additionalProperties": _others,
    "unevaluatedProperties": _others,
    "dependentSchemas": _dependent,
    **dict.fromkeys(("allOf", "anyOf", "oneOf"), _combined),
    "if": _conditional,
}
