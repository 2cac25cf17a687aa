"""Strings: read from their keywords, intersected, subtracted, and written as llguidance generates them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from turngrammar.errors import InvalidSchema, shown
from turngrammar.schema import regex
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.dialect import pointer
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
from turngrammar.schema.regex import Language
from turngrammar.schema.shape import (
    NOTHING,
    STRING,
    Inexact,
    Shape,
    String,
    StringEnum,
    enum_shape,
    lower_limit,
    string_shape,
    unite,
)

COUNTED_CHARACTERS = 1_000_000
COUNTED = 8  # repetitions; fewer are harmless


def read_strings(reader: SchemaReader, node: Subschema) -> Shape:
    if not reader.has_keyword_of(node, "string"):
        return (STRING,)
    schema = node.schema
    known = reader.options.assert_formats and schema.get("format") in FORMATS
    languages, loose = _languages(reader, node)
    most = schema.get("maxLength")
    variant = String(
        languages=languages,
        formats=(schema["format"],) if known else (),
        least=int(schema.get("minLength", 0)),
        most=None if most is None else int(most),
        loose=loose,
    )
    constraints = len(languages) + known + ("minLength" in schema) + ("maxLength" in schema)
    return NOTHING if constraints > 1 and _is_empty(variant) else string_shape(variant)


def _languages(reader: SchemaReader, node: Subschema) -> tuple[tuple[Language, ...], bool]:
    """The pattern as printable languages, and whether a part was left out."""
    if "pattern" not in node.schema:
        return (), False
    whole = pattern_language(reader, node, "pattern", node.schema["pattern"])
    if whole is None:
        return (), True
    parts = whole.parts if whole.kind == "and" else (whole,)
    printable = [regex.printable(part) for part in parts]
    if None in printable:
        reader.ledger.check(node.schema, "pattern", "its look-ahead needs a pattern that is too large")
    return tuple(part for part in printable if part is not None and part != regex.ANY), None in printable


def pattern_language(reader: SchemaReader, node: Subschema, keyword: str, pattern: str) -> Language | None:
    """A pattern's language; None, and the keyword is checked, if it isn't regular. Raises InvalidSchema."""
    try:
        return regex.compile_pattern(pattern)
    except regex.RegexError as error:
        try:
            regex.pattern_matcher(pattern)
        except ValueError:
            at = reader.source.at(node) + pointer((keyword,))
            message = f"{shown(pattern)} is not a valid regular expression of ECMA-262: {error}. Correct it."
            raise InvalidSchema(message, pointer=at, keyword=keyword) from error
        reader.ledger.check(node.schema, keyword, f"{error}; a backtracking engine checks {pattern!r}")
        return None


def inert_format(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    """Why `format` asserts nothing, or ""."""
    if schema["format"] not in FORMATS:
        return f"the format {schema['format']!r} is unknown and asserts nothing"
    return "" if options.assert_formats else "formats assert nothing (assert_formats is false)"


def string_language(variant: String | StringEnum) -> Language:
    if isinstance(variant, StringEnum):
        return regex.finite(variant.values)
    formats = (FORMATS[name].language for name in variant.formats)
    return regex.intersection(*variant.languages, *formats, regex.of_length(variant.least, variant.most))


def meet_enums(algebra: Algebra, left: StringEnum, right: StringEnum) -> Shape:
    other = set(right.values)
    return enum_shape(value for value in left.values if value in other)


def minus_enums(algebra: Algebra, left: StringEnum, right: StringEnum) -> Shape:
    other = set(right.values)
    return enum_shape(value for value in left.values if value not in other)


def meet_enum_string(algebra: Algebra, left: StringEnum, right: String) -> Shape:
    return enum_shape(value for value in left.values if _fits(value, right))


def meet_string_enum(algebra: Algebra, left: String, right: StringEnum) -> Shape:
    return meet_enum_string(algebra, right, left)


def minus_enum_string(algebra: Algebra, left: StringEnum, right: String) -> Shape:
    return enum_shape(value for value in left.values if not _fits(value, right))


def _fits(value: str, variant: String) -> bool:
    return (
        variant.least <= len(value)
        and (variant.most is None or len(value) <= variant.most)
        and all(regex.automaton(language).matches(value) for language in variant.languages)
        and all(FORMATS[name].matches(value) for name in variant.formats)
    )


def meet_strings(algebra: Algebra, left: String, right: String) -> Shape:
    both = String(
        languages=tuple(dict.fromkeys(left.languages + right.languages)),
        formats=tuple(dict.fromkeys(left.formats + right.formats)),
        least=max(left.least, right.least),
        most=lower_limit(left.most, right.most),
    )
    return NOTHING if _is_empty(both) else string_shape(both)


def _is_empty(variant: String) -> bool:
    """Whether provably no string fits."""
    return regex.is_empty(string_language(variant)) is True


def minus_string_enum(algebra: Algebra, left: String, right: StringEnum) -> Shape:
    return meet_strings(algebra, left, String(languages=(regex.all_but(right.values),)))


def minus_strings(algebra: Algebra, left: String, right: String) -> Shape:
    return unite(*(meet_strings(algebra, left, outside) for outside in _complements(right)))


def _complements(variant: String) -> Iterator[String]:
    """The complement of each constraint; their union is the complement of the variant."""
    if variant.least:
        yield String(most=variant.least - 1)
    if variant.most is not None:
        yield String(least=variant.most + 1)
    for language in (*variant.languages, *(FORMATS[name].language for name in variant.formats)):
        printable = regex.printable(regex.complement(language))
        if printable is None:
            raise Inexact("the complement of this pattern would grow too large")
        yield String(languages=(printable,))


def write_string(lowering: Lowering, variant: String) -> list[dict[str, Any]]:
    native = [name for name in variant.formats if FORMATS[name].native]
    others = [FORMATS[name].language for name in variant.formats if not FORMATS[name].native]
    patterns = [regex.pattern_text(language) for language in (*variant.languages, *others)]
    more = [{"format": name} for name in native[1:]] + [{"pattern": pattern} for pattern in patterns[1:]]
    node = _length_node(lowering, variant)
    if native:
        node["format"] = native[0]
    if patterns:
        node["pattern"] = patterns[0]
    if more:
        node["allOf"] = [typed("string", keyword) for keyword in more]
    return [typed("string", node)]


def _length_node(lowering: Lowering, variant: String) -> dict[str, Any]:
    node: dict[str, Any] = {}
    reason = ""
    if variant.least:
        node["minLength"] = min(variant.least, COUNTED_CHARACTERS)
    if variant.most is not None and any(map(_entangled, variant.languages)):
        reason = "beside a pattern that counts, it exhausts llguidance's lexer"
    elif variant.most is not None and variant.most <= COUNTED_CHARACTERS:
        node["maxLength"] = variant.most
    if max(variant.least, variant.most or 0) > COUNTED_CHARACTERS:
        reason = f"the grammar counts {COUNTED_CHARACTERS} characters at most"
    if reason:
        lowering.ledger.check_everywhere(("minLength", "maxLength"), reason)
    return node


def _entangled(node: Language, repeated: bool = False) -> bool:
    """Whether a counted repetition contains an unbounded one: its states multiply with those of a length."""
    if node.kind != "repeat":
        return any(_entangled(part, repeated) for part in node.parts)
    least, most = node.data
    if repeated and most is None:
        return True
    return _entangled(node.parts[0], repeated or max(least, most or 0) >= COUNTED)
