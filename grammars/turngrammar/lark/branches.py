"""Terminals for the branches of a lowered schema: each branch is one type with its keywords.

Where a string without quotes is an alternative to other types, their texts must not overlap, or the lexer could not
distinguish them: such a string is not a word of null or of booleans, and does not begin as a number, an array or an
object does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turngrammar.lowered import Lowered
from turngrammar.notation import JSON_WORDS, WORDS
from turngrammar.regex import printed_language
from turngrammar.terminals.expressions import ANYTHING, Bounds, any_text
from turngrammar.terminals.strings import Branch, text_regex

_FIRST_CHARACTERS = {"number": "[-0-9]", "integer": "[-0-9]", "array": r"\x{5b}", "object": r"\x{7b}"}
_WORDED = (None, True, False)


def member_bounds(branch: Branch) -> Bounds:
    """The number of members that an object may have."""
    return Bounds(branch.get("minProperties", 0), branch.get("maxProperties"))


def item_bounds(branch: Branch) -> Bounds:
    """The number of items that an array may have."""
    return Bounds(branch.get("minItems", 0), branch.get("maxItems"))


def declared_members(branch: Branch, free: str) -> Iterator[tuple[str | None, str, Lowered]]:
    """(name, terminal of free names, schema) of each member of an object, in order; the free ones at the end.

    `free` is a regex of the names that can be written where the schema does not list them.
    """
    properties, patterns = branch.get("properties", {}), branch.get("patternProperties", {})
    others = branch.get("additionalProperties", True)
    for name, value in properties.items():
        yield name, "", value
    if not patterns and others is False:
        return
    known = f" & ~/{any_text(tuple(properties))}/" if properties else ""
    for source, value in patterns.items():
        yield None, f"/{free}/ & /{text_regex(printed_language(source))}/{known}", value
    taken = "".join(f" & ~/{text_regex(printed_language(source))}/" for source in patterns)
    yield None, f"/{free}/{known}{taken}", others


def exclusions(others: Sequence[Branch]) -> Iterator[str]:
    """The terminals that keep a string without quotes apart from values of these branches."""
    types = {branch["type"] for branch in others}
    if literals := tuple(word for word, (kind, _) in WORDS.items() if kind in types):
        yield f"~/{any_text(literals)}/"
    for first in sorted({_FIRST_CHARACTERS[kind] for kind in types if kind in _FIRST_CHARACTERS}):
        yield f"~/{first}{ANYTHING}/"


def branch_words(branch: Branch, words: tuple[str, str, str] = JSON_WORDS) -> tuple[str, ...]:
    """The literals of a branch of null or of booleans, with these for null, true and false; () for another branch."""
    every = {"null": (None,), "boolean": (True, False)}.get(branch["type"], ())
    return tuple(words[_WORDED.index(value)] for value in branch.get("enum", every) if every)
