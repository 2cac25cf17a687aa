"""Documents with their keys in the order of a lowered schema's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend

from turngrammar.exact import fraction

Lowered = Mapping[str, Any] | bool


def _assert_multiple(validator: Any, step: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    if isinstance(instance, int | float | Decimal) and fraction(instance) % fraction(step):
        yield ValidationError(f"{instance} is not a multiple of {step}")


_DecimalValidator: type[Validator] = extend(Draft202012Validator, {"multipleOf": _assert_multiple})  # type: ignore[no-untyped-call]


def arrange(instance: Any, schema: Lowered) -> Any:
    """The same value. If alternatives differ, the first that the value fits determines the order."""
    return _Arranging(schema).value(instance, schema)


class _Arranging:
    def __init__(self, document: Lowered) -> None:
        self.definitions = document.get("$defs", {}) if isinstance(document, Mapping) else {}

    def value(self, instance: Any, schema: Lowered) -> Any:
        node = self.settle(instance, schema)
        if isinstance(instance, dict):
            return self.object(instance, node)
        if isinstance(instance, list):
            prefix, rest = node.get("prefixItems", []), node.get("items", {})
            return [self.value(item, prefix[i] if i < len(prefix) else rest) for i, item in enumerate(instance)]
        return instance

    def object(self, instance: dict[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
        known = node.get("properties", {})
        names = [*(name for name in known if name in instance), *(name for name in instance if name not in known)]
        return {name: self.value(instance[name], _value_schema(node, name)) for name in names}

    def settle(self, instance: Any, schema: Lowered) -> Mapping[str, Any]:
        """The node that describes the instance: references followed, the first fitting alternative chosen."""
        while isinstance(schema, Mapping) and ("$ref" in schema or "anyOf" in schema):
            if "$ref" in schema:
                schema = self.definitions[schema["$ref"].removeprefix("#/$defs/")]
            else:
                options = schema["anyOf"]
                schema = next((option for option in options if self.fits(instance, option)), options[-1])
        return schema if isinstance(schema, Mapping) else {}

    def fits(self, instance: Any, schema: Lowered) -> bool:
        if isinstance(schema, bool):
            return schema
        return bool(_DecimalValidator({**schema, "$defs": self.definitions}).is_valid(instance))


def _value_schema(node: Mapping[str, Any], name: str) -> Lowered:
    """The schema of the value under a name. Patterns of a lowered object are disjoint."""
    known: Mapping[str, Lowered] = node.get("properties", {})
    if name in known:
        return known[name]
    patterns: Mapping[str, Lowered] = node.get("patternProperties", {})
    matching = (schema for pattern, schema in patterns.items() if re.search(pattern, name))
    return next(matching, node.get("additionalProperties", {}))
