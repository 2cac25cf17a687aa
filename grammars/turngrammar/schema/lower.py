"""Shapes written as JSON Schema in a normal form, which the grammar enforces: each node is `{}`, `$ref`, `anyOf`,
`const` or `enum`, or one `type` with that type's own keywords.

Shapes that occur several times, and definitions, are written once under `$defs`. What llguidance can't enforce is
left out here and recorded as checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from turngrammar.exact import number_of
from turngrammar.schema.algebra import ALTERNATIVES, Algebra
from turngrammar.schema.closing import closed
from turngrammar.schema.cover import with_fewer_objects
from turngrammar.schema.inhabited import Inhabited
from turngrammar.schema.load import Options
from turngrammar.schema.report import Ledger
from turngrammar.schema.shape import (
    BARE_TYPES,
    BOOLEAN,
    EVERY_TYPE,
    NULL,
    NUMBER,
    STRING,
    AnyValue,
    Boolean,
    Number,
    Ref,
    Shape,
    StringEnum,
    Variant,
)
from turngrammar.schema.usage import ShapeUses

Lowered = dict[str, Any] | bool

ANY_GROUNDED = "grounded:any"
_UNITING = ("anyOf", "oneOf", "not", "if", "dependentSchemas", "dependentRequired", "dependencies")


class Lowering:
    """Writes one document. `$defs` fill up while shapes are written."""

    def __init__(self, algebra: Algebra, ledger: Ledger, options: Options, writers: VariantWriters) -> None:
        self.algebra = algebra
        self.ledger = ledger
        self.options = options
        self.definitions: dict[str, Lowered] = {}
        self._writers = writers
        self._shared: dict[object, str] = {}
        self._pending: list[str] = []  # definitions with references to them; written in sequence, not nested

    def document(self, root: Shape) -> Lowered:
        """The whole schema; False if no value fits."""
        self.inhabited = Inhabited(self.algebra, root)
        self._uses = ShapeUses(self.algebra, root)
        body = self.shape(root)
        for name in self._pending:
            self.definitions[name] = self._union(self.algebra.resolve(Ref(name=name)))
        if not self.definitions or isinstance(body, bool):
            return body
        return {**body, "$defs": self.definitions}

    def shape(self, shape: Shape) -> Lowered:
        """One node."""
        if (bare := BARE_TYPES.get(id(shape))) is not None and not self.options.grounds:
            return typed(bare, {})
        if not self.inhabited.shape(shape):
            return False
        if not self._uses.repeats(shape):
            return self._union(shape)
        return self._once(id(shape), lambda: self._union(shape))

    def reference(self, variant: Ref) -> list[dict[str, Any]]:
        """A reference to a definition, which is written later."""
        name = self.algebra.definitions.target(variant).name
        if name not in self.definitions:
            self.definitions[name] = False
            self._pending.append(name)
        return [_reference_to(name)]

    def _once(self, key: object, write: Callable[[], Lowered]) -> dict[str, Any]:
        """A reference to a node that is written at its first use."""
        if key not in self._shared:
            name = self._shared[key] = f"shared:{len(self._shared)}"
            self.definitions[name] = False  # keeps the place: definitions are in the order of first use
            self.definitions[name] = write()
        return _reference_to(self._shared[key])

    def _union(self, shape: Shape) -> Lowered:
        if len(shape) >= len(EVERY_TYPE) and set(shape) >= set(EVERY_TYPE):
            return self._anything()
        constants: list[Any] = []
        nodes: list[dict[str, Any]] = []
        for variant in filter(self.inhabited.variant, self._with_few_objects(shape)):
            if isinstance(variant, AnyValue):
                return self._anything()
            values = _constants(variant)
            constants.extend(values)
            nodes.extend([] if values else self._variant(variant))
        if constants:
            nodes.insert(0, {"const": constants[0]} if len(constants) == 1 else {"enum": constants})
        return _any_of(nodes)

    def _anything(self) -> Lowered:
        """Any value; with grounding, one whose strings are spans."""
        if not self.options.grounds:
            return {}
        self.ledger.grounded.add("")
        if ANY_GROUNDED not in self.definitions:
            self.definitions[ANY_GROUNDED] = False
            anything = _reference_to(ANY_GROUNDED)
            scalars = (node for variant in (NULL, BOOLEAN, NUMBER, STRING) for node in self._variant(variant))
            nodes = [*scalars, typed("array", {"items": anything}), typed("object", {"additionalProperties": anything})]
            self.definitions[ANY_GROUNDED] = _any_of(nodes)
        return _reference_to(ANY_GROUNDED)

    def _with_few_objects(self, shape: Shape) -> Shape:
        """As many as the options allow: fewer than usual where llguidance has given up on the grammar of more."""
        most = self.options.alternatives
        fewer = shape if most == ALTERNATIVES else with_fewer_objects(self.algebra, shape, most, self._closed)
        if fewer is not shape:
            self.ledger.check_everywhere(_UNITING, f"llguidance can't follow more than {most} alternative objects")
        return self._closed(fewer)

    def _closed(self, shape: Shape) -> Shape:
        return shape if self.options.open_objects else closed(self.inhabited, shape)

    def _variant(self, variant: Variant) -> list[dict[str, Any]]:
        if self._uses.recurs(variant):
            return [self._once(variant, lambda: _any_of(self._writers[type(variant)](self, variant)))]
        return self._writers[type(variant)](self, variant)


VariantWriters = Mapping[type[Variant], Callable[..., list[dict[str, Any]]]]  # (lowering, variant) -> nodes


def typed(name: str, keywords: Mapping[str, Any]) -> dict[str, Any]:
    """A node of one type."""
    return {"type": name, **keywords}


def _any_of(nodes: list[dict[str, Any]]) -> Lowered:
    if not nodes:
        return False
    return nodes[0] if len(nodes) == 1 else {"anyOf": nodes}


def _reference_to(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _constants(variant: Variant) -> list[Any]:
    """The values of a variant that lists them."""
    if isinstance(variant, StringEnum):
        return list(variant.values)
    if isinstance(variant, Boolean) and len(variant.values) == 1:
        return list(variant.values)
    if isinstance(variant, Number) and variant.low is not None and variant.single:
        return [number_of(variant.low)] if variant.point else []
    return []
