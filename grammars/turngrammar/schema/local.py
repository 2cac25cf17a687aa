"""The keywords that speak of one type each, read into pieces of that type."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction
from math import isfinite
from typing import TYPE_CHECKING, Any

from turngrammar.errors import InvalidSchema
from turngrammar.schema import regex
from turngrammar.schema.dialect import pointer
from turngrammar.schema.finder import finder
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.load import Node
from turngrammar.schema.objects import region
from turngrammar.schema.scalars import empty
from turngrammar.schema.shape import (
    ANYTHING,
    ARRAY,
    BOOLEAN,
    INTEGER,
    NOTHING,
    NULL,
    NUMBER,
    OBJECT,
    TEXT,
    Array,
    Inexact,
    Number,
    Object,
    Piece,
    Shape,
    Text,
    array,
    number,
    object_,
    text,
    unite,
)

if TYPE_CHECKING:
    from turngrammar.schema.read import Reader

_NUMBERS = frozenset(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"))
_TEXTS = frozenset(("minLength", "maxLength", "pattern", "format"))
_ARRAYS = frozenset(("items", "prefixItems", "additionalItems", "minItems", "maxItems"))
_OBJECTS = frozenset(
    ["properties", "patternProperties", "additionalProperties", "required", "minProperties", "maxProperties"]
)
KEYWORDS = _NUMBERS | _TEXTS | _ARRAYS | _OBJECTS | {"type", "nullable"}


def read(reader: Reader, node: Node) -> Shape:
    """What the schema's own keywords allow: `type` and those of each type, without combinators, `const` and `enum`."""
    schema = node.schema
    present = schema.keys() & KEYWORDS
    declared = schema.get("type")
    types = _ALL_TYPES if declared is None else [declared] if isinstance(declared, str) else declared
    if declared is None and not present - {"nullable"}:
        return ANYTHING
    pieces = [_READ[name](reader, node, present) for name in types if not (name == "integer" and "number" in types)]
    if declared is not None and nullable(node, reader):
        pieces.append((NULL,))
    return unite(*pieces)


def nullable(node: Node, reader: Reader) -> bool:
    """OpenAPI 3.0's keyword, honoured where no `$schema` says that it means nothing."""
    return node.schema.get("nullable") is True and "$schema" not in reader.root


def exactly(value: int | float) -> Fraction:
    """The decimal that the number was written as. Raises InvalidSchema for 1e400, which Python reads as infinite."""
    if isinstance(value, float) and not isfinite(value):
        raise InvalidSchema("a number in it is larger than a 64-bit float holds: leave it out, or write all its digits")
    return Fraction(value) if isinstance(value, int) else Fraction(repr(value))


def _read_number(reader: Reader, node: Node, present: set[str], base: Number = NUMBER) -> Shape:
    if not present & _NUMBERS:
        return (base,)
    schema = node.schema
    low, open_low = _limit(schema, "minimum", "exclusiveMinimum", max)
    high, open_high = _limit(schema, "maximum", "exclusiveMaximum", min)
    step = exactly(schema["multipleOf"]) if "multipleOf" in schema else None
    return number(replace(base, low=low, open_low=open_low, high=high, open_high=open_high, step=step))


def _limit(
    schema: Mapping[str, Any], closed: str, open_: str, stronger: Callable[..., Fraction]
) -> tuple[Fraction | None, bool]:
    """A bound and whether it is excluded. In draft 4 the excluding keyword is a flag beside the bound."""
    bound, excluded = schema.get(closed), schema.get(open_)
    if isinstance(excluded, bool) or excluded is None:
        return (None, False) if bound is None else (exactly(bound), excluded is True)
    if bound is None:
        return exactly(excluded), True
    limit = stronger(exactly(bound), exactly(excluded))
    return limit, limit == exactly(excluded)


def _read_text(reader: Reader, node: Node, present: set[str]) -> Shape:
    if not present & _TEXTS:
        return (TEXT,)
    schema = node.schema
    known = reader.options.assert_formats and schema.get("format") in FORMATS
    languages, loose = _languages(reader, node)
    most = schema.get("maxLength")
    piece = Text(
        languages=languages,
        formats=(schema["format"],) if known else (),
        least=int(schema.get("minLength", 0)),
        most=None if most is None else int(most),
        loose=loose,
    )
    constraints = len(languages) + known + ("minLength" in schema) + ("maxLength" in schema)
    return NOTHING if constraints > 1 and empty(piece) else text(piece)


def _languages(reader: Reader, node: Node) -> tuple[tuple[regex.Language, ...], bool]:
    """The pattern as languages that can be printed, and whether something had to be left out."""
    if "pattern" not in node.schema:
        return (), False
    whole = compiled(reader, node, node.schema["pattern"], "pattern")
    if whole is None:
        return (), True
    parts = whole.parts if whole.kind == "and" else (whole,)
    plain = [regex.plain(part) for part in parts]
    if None in plain:
        reader.ledger.check(node.schema, "pattern", "its look-ahead would take too large a pattern")
    kept = tuple(part for part in plain if part is not None and part != regex.ANY)
    return kept, None in plain


def compiled(reader: Reader, node: Node, source: str, keyword: str) -> regex.Language | None:
    """A pattern's language; None, and a note, where only a backtracking engine can check it. Raises InvalidSchema."""
    try:
        return regex.compile_pattern(source)
    except regex.RegexError as error:
        try:
            finder(source)
        except ValueError:
            at = reader.source.at(node) + pointer((keyword,))
            raise InvalidSchema(f"{source!r} is no regular expression: {error}", pointer=at, keyword=keyword) from error
        reader.ledger.check(node.schema, keyword, f"{error}; a backtracking engine checks {source!r}")
        return None


def _read_array(reader: Reader, node: Node, present: set[str]) -> Shape:
    if not present & _ARRAYS:
        return (ARRAY,)
    schema = node.schema
    items = schema.get("items", True)
    prefix = schema.get("prefixItems", ()) if not node.dialect.listed_items else ()
    if isinstance(items, list):
        prefix, items = items, schema.get("additionalItems", True)
    most = schema.get("maxItems")
    piece = Array(
        prefix=tuple(reader.read(node.child(item)) for item in prefix),
        rest=reader.read(node.child(items)),
        least=int(schema.get("minItems", 0)),
        most=None if most is None else int(most),
    )
    return array(piece)


def _read_object(reader: Reader, node: Node, present: set[str]) -> Shape:
    if not present & _OBJECTS:
        return (OBJECT,)
    schema = node.schema
    properties = {name: reader.read(node.child(child)) for name, child in schema.get("properties", {}).items()}
    rest = reader.read(node.child(schema.get("additionalProperties", True)))
    most = schema.get("maxProperties")
    piece = Object(
        properties=tuple(properties.items()),
        rest=rest,
        required=tuple(schema.get("required", ())),
        least=int(schema.get("minProperties", 0)),
        most=None if most is None else int(most),
    )
    return object_(_with_patterns(reader, node, piece) if "patternProperties" in schema else piece)


def _with_patterns(reader: Reader, node: Node, piece: Object) -> Object:
    """The object with `patternProperties`: properties narrowed by those they match, patterns made disjoint."""
    declared: list[tuple[regex.Language, Shape]] = []
    for source, child in node.schema["patternProperties"].items():
        shape = reader.read(node.child(child))
        language = compiled(reader, node, source, "patternProperties")
        if language is None:
            return replace(piece, rest=unite(piece.rest, ANYTHING), loose=True)
        declared.append((language, shape))
    try:
        properties = {name: _narrowed(reader, name, shape, declared) for name, shape in piece.properties}
        patterns = _disjoint(reader, declared)
    except Inexact as reason:
        reader.ledger.check(node.schema, "patternProperties", str(reason))
        return replace(piece, rest=ANYTHING, loose=True)
    return replace(piece, properties=tuple(properties.items()), patterns=patterns)


def _narrowed(reader: Reader, name: str, shape: Shape, declared: list[tuple[regex.Language, Shape]]) -> Shape:
    for language, other in declared:
        if regex.automaton(language).matches(name):
            shape = reader.algebra.meet(shape, other)
    return shape


def _disjoint(reader: Reader, declared: list[tuple[regex.Language, Shape]]) -> tuple[tuple[regex.Language, Shape], ...]:
    """Regions of names: in one pattern only, or in several, whose shapes then all apply. Raises Inexact."""
    regions: list[tuple[regex.Language, Shape]] = []
    for language, shape in declared:
        split: list[tuple[regex.Language, Shape]] = []
        for known, other in regions:
            if regex.disjoint(known, language):
                split.append((known, other))
                continue
            split.extend(region(regex.meet(known, language), reader.algebra.meet(other, shape)))
            split.extend(region(regex.meet(known, regex.negate(language)), other))
            language = regex.meet(language, regex.negate(known))
        regions = [*split, *region(language, shape)]
    return tuple(regions)


_Read = Callable[["Reader", Node, set[str]], Shape]


def _always(piece: Piece) -> _Read:
    return lambda reader, node, present: (piece,)


_READ: Mapping[str, _Read] = {
    "null": _always(NULL),
    "boolean": _always(BOOLEAN),
    "integer": lambda reader, node, present: _read_number(reader, node, present, INTEGER),
    "number": _read_number,
    "string": _read_text,
    "array": _read_array,
    "object": _read_object,
}
_ALL_TYPES = ("null", "boolean", "number", "string", "array", "object")
