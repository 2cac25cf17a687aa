"""Objects: read from their keywords, intersected, subtracted, and written in the normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from turngrammar import regex
from turngrammar.regex import Language
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.shape import (
    ANYTHING,
    NOTHING,
    OBJECT,
    Boolean,
    Inexact,
    Null,
    Object,
    Others,
    Shape,
    StringEnum,
    lower_limit,
    object_shape,
    unite,
)
from turngrammar.schema.strings import pattern_language
from turngrammar.schema.unevaluated import Evaluated

COUNTED_MEMBERS = 1000
COUNTING_RULES = 4000

FOR_OTHERS = frozenset(("additionalProperties", "patternProperties", "unevaluatedProperties", "propertyNames"))

Region = tuple[Language, Shape]


def read_objects(reader: SchemaReader, node: Subschema) -> Shape:
    if not reader.has_keyword_of(node, "object"):
        return (OBJECT,)
    schema = node.schema
    properties = {name: reader.read(node.child(child)) for name, child in _ordered_properties(schema).items()}
    rest = reader.read(node.child(schema.get("additionalProperties", True)))
    most = schema.get("maxProperties")
    variant = Object(
        properties=tuple(properties.items()),
        rest=rest,
        required=tuple(schema.get("required", ())),
        least=int(schema.get("minProperties", 0)),
        most=None if most is None else int(most),
        **_of_others(schema, reader.options),
    )
    if "patternProperties" in schema:
        variant = _with_patterns(reader, node, "patternProperties", variant)
    return object_shape(variant)


def _of_others(schema: Mapping[str, Any], options: Options) -> dict[str, Any]:
    """What it states about names that it doesn't list; nothing if objects are open."""
    if options.open_objects:
        return {}
    if not FOR_OTHERS.isdisjoint(schema):
        return {"others": Others.STATED}
    listed = frozenset((*schema.get("properties", ()), *schema.get("required", ())))
    return {"others": Others.IMPLIED if "properties" in schema else Others.FREE, "listed": listed}


def _ordered_properties(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """In the order of Gemini's `propertyOrdering`, if there is one."""
    properties: Mapping[str, Any] = schema.get("properties", {})
    order = schema.get("propertyOrdering")
    first = [name for name in order if isinstance(name, str) and name in properties] if isinstance(order, list) else []
    return {name: properties[name] for name in (*first, *properties)}


def inert_property_order(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    return "the order of the properties in the answer"


def _with_patterns(reader: SchemaReader, node: Subschema, keyword: str, variant: Object) -> Object:
    """The object with its patterns made disjoint, and each property narrowed by the patterns that match it."""
    declared: list[Region] = []
    for source, child in node.schema[keyword].items():
        shape = reader.read(node.child(child))
        language = pattern_language(reader, node, keyword, source)
        if language is None:
            return replace(variant, rest=unite(variant.rest, ANYTHING), loose=True)
        declared.append((language, shape))
    try:
        properties = {name: _narrowed(reader, name, shape, declared) for name, shape in variant.properties}
        patterns = _disjoint_regions(reader, declared)
    except Inexact as reason:
        reader.ledger.check(node.schema, keyword, str(reason))
        return replace(variant, rest=ANYTHING, loose=True)
    return replace(variant, properties=tuple(properties.items()), patterns=patterns)


def _narrowed(reader: SchemaReader, name: str, shape: Shape, declared: list[Region]) -> Shape:
    for language, other in declared:
        if regex.automaton(language).matches(name):
            shape = reader.algebra.meet(shape, other)
    return shape


def _disjoint_regions(reader: SchemaReader, declared: list[Region]) -> tuple[Region, ...]:
    """Regions of names: in one pattern only, or in several, which then all apply. Raises Inexact."""
    regions: list[Region] = []
    for language, shape in declared:
        split: list[Region] = []
        for known, other in regions:
            if regex.disjoint(known, language):
                split.append((known, other))
                continue
            split.extend(_region(regex.intersection(known, language), reader.algebra.meet(other, shape)))
            split.extend(_region(regex.intersection(known, regex.complement(language)), other))
            language = regex.intersection(language, regex.complement(known))
        regions = [*split, *_region(language, shape)]
    return tuple(regions)


def _region(language: Language, shape: Shape) -> Iterator[Region]:
    """The region with a printable language; none if no name is in it. Raises Inexact."""
    if regex.is_empty(language) is True:
        return
    printable = regex.printable(language)
    if printable is None:
        raise Inexact("the names in several patterns, or in one only, need a pattern that is too large")
    yield printable, shape


def evaluated_properties(properties: Any, schema: Mapping[str, Any]) -> Evaluated:
    return Evaluated(names=tuple(properties))


def evaluated_patterns(patterns: Any, schema: Mapping[str, Any]) -> Evaluated:
    try:
        return Evaluated(patterns=tuple(map(regex.compile_pattern, patterns)))
    except regex.RegexError as error:
        raise Inexact(str(error)) from error


def with_value(variant: Object, name: str, shape: Shape, *, required: bool) -> Shape:
    """The variant, with this shape for the value under `name`."""
    properties = dict(variant.properties) | {name: shape}
    names = dict.fromkeys(variant.required) | (dict.fromkeys([name]) if required else {})
    return object_shape(replace(variant, properties=tuple(properties.items()), required=tuple(names)))


def meet_objects(algebra: Algebra, left: Object, right: Object) -> Shape:
    mine, theirs = dict(left.properties), dict(right.properties)
    properties: dict[str, Shape] = {}
    for name in mine | theirs:
        own = mine[name] if name in mine else left.undeclared(name)
        other = theirs[name] if name in theirs else right.undeclared(name)
        properties[name] = algebra.inner(algebra.meet, own, other)
    return object_shape(
        Object(
            properties=tuple(properties.items()),
            patterns=tuple(_meet_patterns(algebra, left, right)),
            rest=algebra.inner(algebra.meet, left.rest, right.rest),
            required=tuple(dict.fromkeys(left.required + right.required)),
            least=max(left.least, right.least),
            most=lower_limit(left.most, right.most),
            others=max(left.others, right.others),
            listed=left.listed | right.listed,
        )
    )


def _meet_patterns(algebra: Algebra, left: Object, right: Object) -> Iterator[Region]:
    """The common refinement: names in patterns of both, of the left only, of the right only."""
    for mine, shape in left.patterns:
        for theirs, other in right.patterns:
            yield from _region(regex.intersection(mine, theirs), algebra.inner(algebra.meet, shape, other))
    for mine, shape in left.patterns:
        yield from _region(_excluding(mine, right.patterns), algebra.inner(algebra.meet, shape, right.rest))
    for theirs, other in right.patterns:
        yield from _region(_excluding(theirs, left.patterns), algebra.inner(algebra.meet, left.rest, other))


def _excluding(language: Language, others: tuple[Region, ...]) -> Language:
    overlapping = (other for other, _ in others if not regex.disjoint(language, other))
    return regex.intersection(language, *map(regex.complement, overlapping))


def minus_objects(algebra: Algebra, left: Object, right: Object) -> Shape:
    """Objects that lack a name, have a value that doesn't fit, too few members, or too many.

    The alternatives exclude each other: what one of them requires of a name, the next ones exclude. So their number
    grows with that of the names on which both sides differ, also when more is subtracted from each of them.
    """
    if disjoint_objects(algebra, left, right):
        return (left,)
    shapes: list[Shape] = []
    names = dict.fromkeys(_names(left) + _names(right))
    for name in sorted(names, key=lambda name: _rank(algebra, left, right, name)):
        misfit = algebra.inner(algebra.minus, left.value(name), right.value(name))
        may_lack = name not in left.required and name in right.required
        if misfit or may_lack:
            shapes.append(with_value(left, name, misfit, required=not may_lack))
            left = _narrowed_to(algebra, left, right, name)
    shapes.append(_open_misfits(algebra, left, right))
    if right.least > len(right.required):
        shapes.append(object_shape(replace(left, most=lower_limit(left.most, right.least - 1))))
    if right.most is not None:
        shapes.append(object_shape(replace(left, least=max(left.least, right.most + 1))))
    return unite(*shapes)


def _names(variant: Object) -> tuple[str, ...]:
    return (*dict(variant.properties), *variant.required)


def _rank(algebra: Algebra, left: Object, right: Object, name: str) -> int:
    """Names with the fewest values in common come first: most of the left is then settled by one alternative."""
    mine, theirs = left.value(name), right.value(name)
    if algebra.disjoint(mine, theirs):
        return 0
    return 1 if _lists_values(mine) or _lists_values(theirs) else 2


def _lists_values(shape: Shape) -> bool:
    return all(isinstance(variant, StringEnum | Boolean | Null) for variant in shape)


def _narrowed_to(algebra: Algebra, left: Object, right: Object, name: str) -> Object:
    """The left with what both sides allow under the name."""
    common = algebra.inner(algebra.meet, left.value(name), right.value(name))
    required = name in left.required or name in right.required
    narrowed = dict(left.properties) | {name: common}
    names = dict.fromkeys(left.required) | (dict.fromkeys([name]) if required else {})
    return replace(left, properties=tuple(narrowed.items()), required=tuple(names))


def _open_misfits(algebra: Algebra, left: Object, right: Object) -> Shape:
    """With a value that doesn't fit under a name that neither side lists: any member, or no shape requires it."""
    if right.rest and not right.patterns and not algebra.minus(left.unlisted, right.rest):
        return NOTHING
    regions = (*left.patterns, (regex.ANY, left.rest))
    misfits = [shape for language, shape in regions if _member_misfits(algebra, language, shape, right)]
    if not misfits:
        return NOTHING
    if any(dict(left.properties).values()) or not algebra.disjoint(left.unlisted, right.unlisted):
        raise Inexact("the grammar can't require a certain value under some unlisted name")
    return object_shape(replace(left, least=max(left.least, 1)))


def _member_misfits(algebra: Algebra, language: Language, shape: Shape, right: Object) -> bool:
    """Whether some value of the shape doesn't fit the right, under a name of the language."""
    return any(
        shape and not regex.disjoint(language, other) and algebra.minus(shape, allowed)
        for other, allowed in (*right.patterns, (regex.ANY, right.rest))
    )


def disjoint_objects(algebra: Algebra, left: Object, right: Object) -> bool:
    """Decided by the number of members, or by a member that one of them must have."""
    most = lower_limit(left.most, right.most)
    if most is not None and most < max(left.least, right.least):
        return True
    names = dict.fromkeys(left.required + right.required)
    return any(algebra.disjoint(left.value(name), right.value(name)) for name in names)


def write_object(lowering: Lowering, variant: Object) -> list[dict[str, Any]]:
    return [typed("object", _members_node(lowering, variant) | _count_node(lowering, variant))]


def _count_node(lowering: Lowering, variant: Object) -> dict[str, Any]:
    """The numbers of members. The grammar has a rule for each number of them that may precede a property."""
    least = variant.least if variant.least > len(variant.required) else None
    counts = {"minProperties": least, "maxProperties": variant.most}
    counted = max(least or 0, variant.most or 0)
    reason = ""
    if counted > COUNTED_MEMBERS or counted * len(variant.properties) > COUNTING_RULES:
        counts = {}
        reason = f"the grammar counts {COUNTED_MEMBERS} members at most, fewer where many are optional"
    elif variant.least > len(variant.required) + 1 and lowering.inhabited.shape(variant.unlisted):
        reason = "the grammar counts a repeated name twice"
    if reason:
        lowering.ledger.check_everywhere(("minProperties", "maxProperties"), reason)  # `not` exchanges them
    return {keyword: count for keyword, count in counts.items() if count is not None}


def _members_node(lowering: Lowering, variant: Object) -> dict[str, Any]:
    node: dict[str, Any] = {}
    known = dict(variant.properties)
    names = [*known, *(name for name in variant.required if name not in known)]
    if names:
        node["properties"] = dict(zip(names, map(lowering.shape, variant.values(names)), strict=True))
    if variant.patterns:
        languages = ((_beside(language, names), shape) for language, shape in variant.patterns)
        node["patternProperties"] = {
            regex.pattern_text(language): lowering.shape(shape)
            for language, shape in languages
            if language != regex.NEVER
        }
    rest = lowering.shape(variant.rest)
    if rest != {}:
        node["additionalProperties"] = rest
    if variant.required:
        node["required"] = list(variant.required)
    return node


def _beside(language: Language, names: list[str]) -> Language:
    """The pattern without the listed names: llguidance would apply it to them, too, which fails if they recurse."""
    matching = [name for name in names if regex.automaton(language).matches(name)]
    if not matching:
        return language
    return regex.printable(regex.intersection(language, regex.complement(regex.finite(matching)))) or language
