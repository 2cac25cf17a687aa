"""Generating arguments that are spelled one by one: markup around each, strings without quotes.

A string without quotes and the literal that ends it are one lexeme. Where other types are allowed beside strings, their
spellings must not meet, or the lexer would not know which it has in hand: there a free string is none of the words, and
does not open as a number, an array or an object does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grammars import wire
from grammars.lark import lists
from grammars.lark.escape import ANYTHING, one_of
from grammars.lark.lists import Bounds, Member
from grammars.lowered import Lowered, branches
from grammars.notation import JSON_WORDS, WORDS
from grammars.schema.formats import FORMATS
from grammars.schema.regex import pattern

if TYPE_CHECKING:
    from grammars.lark.writer import Writer

Branch = Mapping[str, Any]
_FREE_NAME = r"[^\x{0}-\x{1f}<>\x{22}]+"
_OPENINGS = {"number": "[-0-9]", "integer": "[-0-9]", "array": r"\x{5b}", "object": r"\x{7b}"}


@dataclass(frozen=True)
class Argument:
    """One argument, in one of its spellings.

    Attributes:
        name: None where the schema leaves it free.
        names: the terminal expression of a free name.
        strings: the branches of its schema that are strings, and could be taken for the others.
        others: the branches that are not, likewise.
        string: whether this is the spelling of strings.
    """

    name: str | None
    names: str
    strings: tuple[Branch, ...]
    others: tuple[Branch, ...]
    string: bool

    @property
    def mixed(self) -> bool:
        return bool(self.strings and self.others)


def members(writer: Writer, node: wire.Members) -> str:
    root = writer.parameters
    objects = [branch for branch in branches(root, root) if branch["type"] == "object"]
    bodies = [_members_of(writer, node, one, root) for one in objects]
    return writer.either([body for body in bodies if body is not None])


def _members_of(writer: Writer, node: wire.Members, schema: Branch, root: Lowered) -> str | None:
    required, listed, free = schema.get("required", ()), [], []
    for name, names, value in declared(schema, _FREE_NAME):
        if bodies := list(_spellings(writer, node, name, names, tuple(branches(value, root)))):
            rule = writer.either(bodies)
            free += [rule] if name is None else []
            listed += [] if name is None else [Member(rule, name in required)]
    return lists.members(listed, writer.either(free) if free else "", counts(schema), "", writer.either)


def counts(schema: Branch) -> Bounds:
    """How many members an object may have."""
    return Bounds(schema.get("minProperties", 0), schema.get("maxProperties"))


def _spellings(
    writer: Writer, node: wire.Members, name: str | None, names: str, options: tuple[Branch, ...]
) -> Iterator[str]:
    strings = tuple(option for option in options if option["type"] == "string")
    others = tuple(option for option in options if option["type"] != "string")
    told = any(isinstance(part, wire.Typed) for part in wire.parts(node.each))
    if strings:
        writer.argument = Argument(name, names, strings, () if told else others, string=True)
        yield writer.walk(node.each)
    if others:
        writer.argument = Argument(name, names, () if told else strings, others, string=False)
        yield writer.walk(node.each)


def declared(schema: Branch, free: str) -> Iterator[tuple[str | None, str, Lowered]]:
    """(name, terminal of free names, schema) of each member of an object, in order; the free ones at the end.

    `free` is a regex of the names that can be written where the schema does not list them.
    """
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    for name, value in properties.items():
        yield name, "", value
    known = f" & ~/{one_of(tuple(properties))}/" if properties else ""
    for source, value in patterns.items():
        yield None, f"/{free}/ & /{whole(source)}/{known}", value
    taken = "".join(f" & ~/{whole(source)}/" for source in patterns)
    yield None, f"/{free}/{known}{taken}", schema.get("additionalProperties", True)


def key(writer: Writer, node: wire.Key) -> str:
    argument = writer.argument
    if argument.name is None:
        return writer.closed(argument.names, node.end)
    if node.end in argument.name:
        raise writer.unwritable(f"an argument named {argument.name!r}", node.end)
    return writer.fused(argument.name, node.end)


def typed(writer: Writer, node: wire.Typed) -> str:
    return writer.lit(wire.Lit(node.string if writer.argument.string else node.other))


def value(writer: Writer, node: wire.Value) -> str:
    argument = writer.argument
    if argument.string:
        bodies = [f"({_free_text(branch, argument)})" for branch in argument.strings]
        return writer.closed(" | ".join(bodies), node.end)
    if not argument.mixed and node.words == JSON_WORDS and node.notation is None:
        return _json(writer, node, argument.others)
    words = [literal for branch in argument.others for literal in _words(branch, node.words)]
    noted = [branch for branch in argument.others if node.notation and branch["type"] in ("array", "object")]
    rest = [branch for branch in argument.others if not _words(branch, node.words) and branch not in noted]
    bodies = [writer.closed(f"/{one_of(tuple(words))}/", node.end)] if words else []
    end = writer.lit(wire.Lit(node.end))
    bodies += [f"{writer.noted(branch, node.notation)} {end}" for branch in noted if node.notation]
    bodies += [_json(writer, node, rest)] if rest else []
    return writer.either(bodies)


def _free_text(branch: Branch, argument: Argument) -> str:
    """A string branch, kept apart from the branches that are no strings."""
    apart = _unlike(argument.others) if "enum" not in branch else ()
    return " & ".join((text_terminal(branch), *apart))


def text_terminal(branch: Branch) -> str:
    """The terminal expression of a string branch, without quotes."""
    if "enum" in branch:
        return f"/{one_of(tuple(branch['enum']))}/"
    bounds = [f"/{whole(branch['pattern'])}/"] if "pattern" in branch else []
    bounds += [f"/{whole(pattern(FORMATS[branch['format']].language))}/"] if branch.get("format") in FORMATS else []
    bounds += [f"/{_length(branch.get('minLength', 0), branch.get('maxLength'))}/"]
    return " & ".join(bounds)


def _length(least: int, most: int | None) -> str:
    return ANYTHING if (least, most) == (0, None) else f"(.|\\n){{{least},{'' if most is None else most}}}"


def _unlike(others: Sequence[Branch]) -> Iterator[str]:
    """What keeps a free string apart from values of these branches."""
    types = {branch["type"] for branch in others}
    words = tuple(word for word, (kind, _) in WORDS.items() if kind in types)
    if words:
        yield f"~/{one_of(words)}/"
    for opening in sorted({_OPENINGS[kind] for kind in types if kind in _OPENINGS}):
        yield f"~/{opening}{ANYTHING}/"


def _words(branch: Branch, words: tuple[str, str, str]) -> tuple[str, ...]:
    """The literals of a branch of null or of booleans."""
    every = {"null": (None,), "boolean": (True, False)}.get(branch["type"], ())
    return tuple(words[_WORDED.index(value)] for value in branch.get("enum", every) if every)


_WORDED = (None, True, False)


def _json(writer: Writer, node: wire.Value, others: Sequence[Branch]) -> str:
    schema = {"anyOf": list(others)} if len(others) > 1 else others[0]
    return f"{writer.json(schema, node.spelling)} {writer.lit(wire.Lit(node.end))}"


def whole(source: str) -> str:
    """An unanchored pattern of a lowered schema as a Lark regex of whole strings."""
    opened, closed = source.startswith("^"), source.endswith("$") and not source.endswith("\\$")
    inner = source[1 if opened else 0 : -1 if closed else None]
    return ("" if opened else ANYTHING) + f"({inner})" + ("" if closed else ANYTHING)
