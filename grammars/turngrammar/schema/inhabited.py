"""Which variants some finite value fits. A definition that requires itself allows nothing: its grammar never ends."""

from __future__ import annotations

from collections.abc import Callable

from turngrammar import regex
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.shape import Array, Object, Ref, Shape, String, Variant, subshapes
from turngrammar.string_formats import FORMATS
from turngrammar.terminals.trial import any_span_fits


class Inhabited:
    """The least fixpoint over all definitions that `root` can reach."""

    def __init__(self, algebra: Algebra, root: Shape) -> None:
        self._names: set[str] = set()
        # By identity, with the shape that has it. An object asks for a property twice: what is nested, 2**depth times.
        self._known: dict[int, tuple[Shape, bool]] = {}
        definitions = _reachable_definitions(algebra, root)
        grown = True
        while grown:
            before = len(self._names)
            self._known.clear()
            rest = [(name, shape) for name, shape in definitions.items() if name not in self._names]
            self._names.update(name for name, shape in rest if self.shape(shape))
            grown = len(self._names) > before

    def shape(self, shape: Shape) -> bool:
        if (known := self._known.get(id(shape))) is None:
            known = self._known[id(shape)] = shape, any(map(self.variant, shape))
        return known[1]

    def variant(self, variant: Variant) -> bool:
        return _RULES.get(type(variant), _always)(self, variant)

    def ref(self, variant: Ref) -> bool:
        return variant.name in self._names

    def string(self, variant: String) -> bool:
        if variant.texts is None or not (variant.languages or variant.formats):
            return regex.NEVER not in variant.languages
        formats = (language for name in variant.formats for language in FORMATS[name].constraints)
        length = regex.of_length(variant.least, variant.most)
        return any_span_fits((*variant.languages, *formats, length), variant.texts)

    def array(self, variant: Array) -> bool:
        counted = variant.contained
        if counted is not None and counted.least and not all(map(self.shape, (*variant.prefix, counted.shape))):
            return False
        return all(self.shape(variant.item(i)) for i in range(min(variant.least, len(variant.prefix) + 1)))

    def object(self, variant: Object) -> bool:
        possible = sum(map(self.shape, dict(variant.properties).values()))
        enough = variant.least <= possible or self.shape(variant.unlisted)
        return enough and all(map(self.shape, variant.values(variant.required)))


def _always(inhabited: Inhabited, variant: Variant) -> bool:
    return True


_RULES: dict[type[Variant], Callable[..., bool]] = {
    Ref: Inhabited.ref,
    String: Inhabited.string,
    Array: Inhabited.array,
    Object: Inhabited.object,
}


def _reachable_definitions(algebra: Algebra, root: Shape) -> dict[str, Shape]:
    definitions: dict[str, Shape] = {}
    seen: set[int] = set()
    queue = [root]
    for shape in queue:
        if id(shape) in seen:
            continue
        seen.add(id(shape))
        for variant in shape:
            if isinstance(variant, Ref) and variant.name not in definitions:
                definitions[variant.name] = algebra.resolve(variant)
                queue.append(definitions[variant.name])
            queue.extend(subshapes(variant))
    return definitions
