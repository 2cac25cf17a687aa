"""Generating arguments that are spelled one by one: markup around each, strings without quotes.

A string without quotes and the literal that ends it are one lexeme. Where other types are allowed beside strings, their
spellings must not meet, or the lexer would not know which it has in hand: there a free string is none of the words, and
does not open as a number, an array or an object does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turngrammar import wire
from turngrammar.lark import lists
from turngrammar.lark.escape import ANYTHING, escaped, join, one_of, quoted
from turngrammar.lark.lists import Bounds, Member
from turngrammar.lowered import Lowered, branches
from turngrammar.notation import JSON_WORDS, WORDS
from turngrammar.schema.formats import FORMATS
from turngrammar.schema.regex import pattern_text
from turngrammar.spelling import CANONICAL, Spelling

if TYPE_CHECKING:
    from turngrammar.lark.writer import Writer

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
    told = any(isinstance(part, wire.Typed | wire.TypeName) for part in wire.parts(node.each))
    if strings:
        writer.argument = Argument(name, names, strings, () if told else others, string=True)
        yield writer.walk(node.each)
    for group in _by_type(others) if wire.TYPE in wire.parts(node.each) else [others] * bool(others):
        writer.argument = Argument(name, names, () if told else strings, group, string=False)
        yield writer.walk(node.each)


def _by_type(others: tuple[Branch, ...]) -> Iterator[tuple[Branch, ...]]:
    """Branches of one JSON type each."""
    for kind in dict.fromkeys(map(_type, others)):
        yield tuple(branch for branch in others if _type(branch) == kind)


def _type(branch: Branch) -> str:
    return "number" if branch["type"] == "integer" else str(branch["type"])


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


def type_name(writer: Writer, node: wire.TypeName) -> str:
    argument = writer.argument
    return quoted("string" if argument.string else _type(argument.others[0]))


def value(writer: Writer, node: wire.Value) -> str:
    argument = writer.argument
    if argument.string:
        bodies = [f"({_free_text(branch, argument)})" for branch in argument.strings]
        return writer.closed(" | ".join(bodies), node.end)
    end = writer.lit(wire.Lit(node.end))
    if not argument.mixed and node.words == JSON_WORDS and node.notation is None:
        return f"{json_of(writer, argument.others, node.spelling)} {end}"
    literals = tuple(literal for branch in argument.others for literal in words(branch, node.words))
    noted = [branch for branch in argument.others if node.notation and branch["type"] in ("array", "object")]
    rest = [branch for branch in argument.others if not words(branch, node.words) and branch not in noted]
    bodies = [writer.closed(f"/{one_of(literals)}/", node.end)] if literals else []
    bodies += [f"{writer.noted(branch, node.notation)} {end}" for branch in noted if node.notation]
    bodies += [f"{json_of(writer, rest, node.spelling)} {end}"] if rest else []
    return writer.either(bodies)


def wrapped(writer: Writer, node: wire.Wrapped) -> str:
    """What is not wrapped holds none of the characters, so that it can't be taken for what is."""
    argument = writer.argument
    if not argument.string:
        return value(writer, node)
    held = f"[{escaped(node.characters)}]"
    inner = " | ".join(f"({text_terminal(branch)})" for branch in argument.strings)
    bodies = [join(writer.lit(wire.Lit(node.open)), writer.closed(inner, node.close + node.end))]
    if plain := [one for branch in argument.strings if (one := _without_characters(branch, node.characters))]:
        texts = [f"({_free_text(branch, argument)} & ~/{ANYTHING}{held}{ANYTHING}/)" for branch in plain]
        bodies.append(writer.closed(" | ".join(texts), node.end))
    return writer.either(bodies)


def _without_characters(branch: Branch, characters: str) -> Branch | None:
    """The branch, less the listed strings that hold any of these; None where that leaves none."""
    if "enum" not in branch:
        return branch
    left = [text for text in branch["enum"] if not set(text) & set(characters)]
    return {**branch, "enum": left} if left else None


def _free_text(branch: Branch, argument: Argument) -> str:
    """A string branch, kept apart from the branches that are no strings."""
    apart = unlike(argument.others) if "enum" not in branch else ()
    return " & ".join((text_terminal(branch), *apart))


def text_terminal(branch: Branch) -> str:
    """The terminal expression of a string branch, without quotes."""
    if "enum" in branch:
        return f"/{one_of(tuple(branch['enum']))}/"
    bounds = [f"/{whole(branch['pattern'])}/"] if "pattern" in branch else []
    bounds += (
        [f"/{whole(pattern_text(FORMATS[branch['format']].language))}/"] if branch.get("format") in FORMATS else []
    )
    bounds += [f"/{_length(branch.get('minLength', 0), branch.get('maxLength'))}/"]
    return " & ".join(bounds)


def _length(least: int, most: int | None) -> str:
    return ANYTHING if (least, most) == (0, None) else f"(.|\\n){{{least},{'' if most is None else most}}}"


def unlike(others: Sequence[Branch]) -> Iterator[str]:
    """What keeps a free string apart from values of these branches."""
    types = {branch["type"] for branch in others}
    if literals := tuple(word for word, (kind, _) in WORDS.items() if kind in types):
        yield f"~/{one_of(literals)}/"
    for opening in sorted({_OPENINGS[kind] for kind in types if kind in _OPENINGS}):
        yield f"~/{opening}{ANYTHING}/"


def words(branch: Branch, spelled: tuple[str, str, str] = JSON_WORDS) -> tuple[str, ...]:
    """The literals of a branch of null or of booleans."""
    every = {"null": (None,), "boolean": (True, False)}.get(branch["type"], ())
    return tuple(spelled[_WORDED.index(value)] for value in branch.get("enum", every) if every)


_WORDED = (None, True, False)


def json_of(writer: Writer, others: Sequence[Branch], spelling: Spelling = CANONICAL) -> str:
    return writer.json({"anyOf": list(others)} if len(others) > 1 else others[0], spelling)


def whole(source: str) -> str:
    """An unanchored pattern of a lowered schema as a Lark regex of whole strings."""
    opened, closed = source.startswith("^"), source.endswith("$") and not source.endswith("\\$")
    inner = source[1 if opened else 0 : -1 if closed else None]
    return ("" if opened else ANYTHING) + f"({inner})" + ("" if closed else ANYTHING)
