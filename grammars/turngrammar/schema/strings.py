"""Strings: read from their keywords, intersected, subtracted, and written in the normal form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from turngrammar import regex
from turngrammar.errors import InvalidSchema, shown
from turngrammar.regex import Language
from turngrammar.schema.algebra import Algebra
from turngrammar.schema.dialect import pointer
from turngrammar.schema.load import Options, Source, Subschema
from turngrammar.schema.lower import Lowering, typed
from turngrammar.schema.read import SchemaReader
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
from turngrammar.spans import Texts, is_span
from turngrammar.string_formats import FORMATS
from turngrammar.terminals import trial
from turngrammar.terminals.strings import PLAIN, SOURCE

CONSTRAINING = frozenset(("enum", "const", "pattern", "format"))


def read_strings(reader: SchemaReader, node: Subschema) -> Shape:
    schema, options = node.schema, reader.options
    named = schema.get(SOURCE) is True
    implied = options.grounds and not named and schema.keys().isdisjoint(CONSTRAINING)
    if implied:
        reader.ledger.ground(schema)
    elif not reader.has_keyword_of(node, "string"):
        return (STRING,)
    known = options.assert_formats and schema.get("format") in FORMATS
    languages, loose = _languages(reader, node)
    most = schema.get("maxLength")
    variant = String(
        languages=languages,
        formats=(schema["format"],) if known else (),
        least=int(schema.get("minLength", 0)),
        most=None if most is None else int(most),
        texts=options.texts if named or implied else None,
        implied=implied,
        loose=loose,
    )
    constraints = len(languages) + known + ("minLength" in schema) + ("maxLength" in schema)
    return NOTHING if constraints > 1 and _is_empty_string(variant) else string_shape(variant)


def _languages(reader: SchemaReader, node: Subschema) -> tuple[tuple[Language, ...], bool]:
    """The pattern as languages that all apply, and whether they also have other strings."""
    if "pattern" not in node.schema:
        return (), False
    whole = pattern_language(reader, node, "pattern", node.schema["pattern"])
    language = regex.widened(node.schema["pattern"]) if whole is None else whole
    return tuple(part for part in _conjuncts(language) if part != regex.ANY), whole is None


def _conjuncts(language: Language) -> tuple[Language, ...]:
    return language.parts if language.kind == "and" else (language,)


def pattern_language(reader: SchemaReader, node: Subschema, keyword: str, pattern: str) -> Language | None:
    """A pattern's language; None, and the keyword is checked, if it isn't regular."""
    try:
        return regex.compile_pattern(pattern)
    except regex.Irregular as error:
        reader.ledger.check(node.schema, keyword, f"{error}; only the finished text is matched with {shown(pattern)}")
        return None


def require_patterns(reader: SchemaReader, node: Subschema, keyword: str) -> None:
    """Raises InvalidSchema unless the keyword's patterns can be matched; notes how they are read."""
    value = node.schema[keyword]
    for pattern in [value] if isinstance(value, str) else value:
        try:
            for construct, meaning in regex.readings(pattern).items():
                reader.ledger.note(node.schema, keyword, f"`{construct}` is read as `{meaning}`")
            regex.pattern_matcher(pattern)
        except (regex.RegexError, RecursionError) as error:
            at = reader.source.at(node) + pointer((keyword,))
            raise InvalidSchema(_pattern_problem(pattern, error), pointer=at, keyword=keyword) from error


def _pattern_problem(pattern: str, error: regex.RegexError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return f"In the pattern `{regex.excerpt(pattern, 0)}`, groups nest too deeply: write it flatter."
    return f"In the pattern `{regex.excerpt(pattern, error.at)}`, {error}."


def inert_format(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    """Why `format` asserts nothing, or ""."""
    if schema["format"] not in FORMATS:
        return f"the format {schema['format']!r} is unknown and asserts nothing"
    return "" if options.assert_formats else "formats assert nothing (assert_formats is false)"


def inert_source(schema: Mapping[str, Any], source: Source, options: Options) -> str:
    """Why `x-source` asserts nothing, or ""."""
    return "" if schema[SOURCE] is True else "asserts nothing unless it is true"


def variant_language(variant: String | StringEnum) -> Language:
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
        and (variant.texts is None or variant.implied or is_span(value, variant.texts))
    )


def meet_strings(algebra: Algebra, left: String, right: String) -> Shape:
    both = String(
        languages=tuple(dict.fromkeys(left.languages + right.languages)),
        formats=tuple(dict.fromkeys(left.formats + right.formats)),
        least=max(left.least, right.least),
        most=lower_limit(left.most, right.most),
        texts=right.texts if left.texts is None else left.texts,
        implied=not _names_texts(left) and not _names_texts(right),
    )
    if both.implied and (both.texts is None or not both.free):
        both = replace(both, texts=None, implied=False)
    return NOTHING if _is_empty_string(both) else string_shape(both)


def _names_texts(variant: String) -> bool:
    return variant.texts is not None and not variant.implied


def _is_empty_string(variant: String) -> bool:
    """Whether provably no string fits."""
    return regex.is_empty(variant_language(variant)) is True


def minus_string_enum(algebra: Algebra, left: String, right: StringEnum) -> Shape:
    return meet_strings(algebra, left, String(languages=(regex.all_but(right.values),)))


def minus_strings(algebra: Algebra, left: String, right: String) -> Shape:
    return unite(*(meet_strings(algebra, left, outside) for outside in _complements(right)))


def _complements(variant: String) -> Iterator[String]:
    """The complement of each constraint; their union is the complement of the variant. Raises Inexact."""
    if variant.texts is not None and not variant.implied:
        raise Inexact("the strings that stand in no text have no grammar")
    if variant.least:
        yield String(most=variant.least - 1)
    if variant.most is not None:
        yield String(least=variant.most + 1)
    for language in (*variant.languages, *(FORMATS[name].language for name in variant.formats)):
        yield String(languages=_conjuncts(regex.complement(language)))


def write_string(lowering: Lowering, variant: String) -> list[dict[str, Any]]:
    """The narrowest node that llguidance's lexer holds; what that leaves out is recorded."""
    if variant == STRING and not lowering.options.grounds:
        return [typed("string", {})]
    if lowering.options.grounds and variant.texts is None and variant.free:
        lowering.ledger.grounded.add("")
        variant = replace(variant, texts=lowering.options.texts)
    candidates = _ever_wider_strings(variant) if variant.texts is None else _ever_wider_spans(variant, variant.texts)
    node, dropped = next(
        (node, dropped)
        for candidate, dropped in candidates
        if (node := _string_node(candidate)) is not None and _is_held(lowering, candidate, node)
    )
    if dropped:
        lowering.ledger.check_everywhere(dropped, "llguidance's lexer exceeds its limits with it")
    return [node if variant.texts is None else {SOURCE: False, **node}]


def _ever_wider_spans(variant: String, texts: Texts) -> Iterator[tuple[String, tuple[str, ...]]]:
    """Whatever is left out, spans are as long as possible."""
    for candidate, dropped in _ever_wider_strings(variant):
        yield replace(candidate, texts=texts), dropped
    for candidate, dropped in _ever_wider_strings(variant):
        yield replace(candidate, texts=None), (*dropped, SOURCE)


def _is_held(lowering: Lowering, variant: String, node: dict[str, Any]) -> bool:
    if variant.texts is None:
        return node.keys() <= PLAIN or trial.is_held(node, lowering.options.vocabulary)
    return trial.holds_spans(node, variant.texts, lowering.options.vocabulary)


def _ever_wider_strings(variant: String) -> Iterator[tuple[String, tuple[str, ...]]]:
    """From the narrowest to the widest, with the keywords that are left out."""
    yield variant, ()
    formats = tuple(FORMATS[name].language for name in variant.formats)
    merged = regex.printable(regex.intersection(*variant.languages, *formats))
    alone = variant if merged is None else replace(variant, languages=(merged,), formats=())
    yield alone, ()
    if variant.least or variant.most is not None:
        yield from ((replace(candidate, least=0, most=None), _LENGTHS) for candidate in (variant, alone))
    for count in reversed(range(len(variant.languages))):
        yield String(languages=variant.languages[:count], least=variant.least, most=variant.most), _PATTERNS
    yield STRING, (*_PATTERNS, *_LENGTHS)


def _string_node(variant: String) -> dict[str, Any] | None:
    """A node with the first constraint; `allOf` has the others. None if one can't be written."""
    patterns = [_pattern(language) for language in variant.languages]
    written = [pattern for pattern in patterns if pattern is not None]
    if len(written) < len(patterns):
        return None
    constraints = [*written, *({"format": name} for name in variant.formats)]
    node = {**_length_node(variant), **(constraints[0] if constraints else {})}
    if variant.texts is not None:
        node[SOURCE] = True
    if constraints[1:]:
        node["allOf"] = [typed("string", constraint) for constraint in constraints[1:]]
    return typed("string", node)


def _pattern(language: Language) -> dict[str, Any] | None:
    """The pattern of a `not` is excluded."""
    if (printable := regex.printable(language)) is not None:
        return {"pattern": regex.pattern_text(printable)}
    if language.kind == "not" and not language.parts[0].boolean:
        return {"not": {"pattern": regex.pattern_text(language.parts[0])}}
    return None


def _length_node(variant: String) -> dict[str, Any]:
    node: dict[str, Any] = {}
    if variant.least:
        node["minLength"] = variant.least
    if variant.most is not None:
        node["maxLength"] = variant.most
    return node


_LENGTHS = ("minLength", "maxLength")
_PATTERNS = ("pattern", "format")
