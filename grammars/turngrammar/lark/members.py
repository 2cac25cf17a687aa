"""Generating arguments one by one: markup around each, strings without quotes.

A string without quotes and the literal that ends it are one lexeme.
"""

from __future__ import annotations

from collections.abc import Iterator

from turngrammar import wire
from turngrammar.lark.branches import (
    branch_words,
    declared_members,
    exclusions,
    member_bounds,
)
from turngrammar.lark.json_values import write_json
from turngrammar.lark.notation import NotationWriter
from turngrammar.lark.rules import Argument, RuleWriter
from turngrammar.lowered import Lowered, branches
from turngrammar.notation import JSON_WORDS
from turngrammar.terminals.expressions import Member, any_text, escaped, join, object_members, quoted
from turngrammar.terminals.strings import Branch, text_terminal

_FREE_NAME = r"[^\x{0}-\x{1f}<>\x{22}]+"


def write_members(writer: RuleWriter, node: wire.Members) -> str:
    root = writer.parameters
    objects = [branch for branch in branches(root, root) if branch["type"] == "object"]
    bodies = [_members_of(writer, node, branch, root) for branch in objects]
    return writer.either([body for body in bodies if body is not None])


def _members_of(writer: RuleWriter, node: wire.Members, schema: Branch, root: Lowered) -> str | None:
    required, listed, free = schema.get("required", ()), [], []
    for name, names, value in declared_members(schema, _FREE_NAME):
        if bodies := list(_forms(writer, node, name, names, tuple(branches(value, root)))):
            rule = writer.either(bodies)
            free += [rule] if name is None else []
            listed += [] if name is None else [Member(rule, name in required)]
    return object_members(listed, writer.either(free) if free else "", member_bounds(schema), "", writer.either)


def _forms(
    writer: RuleWriter, node: wire.Members, name: str | None, names: str, options: tuple[Branch, ...]
) -> Iterator[str]:
    strings = tuple(option for option in options if option["type"] == "string")
    others = tuple(option for option in options if option["type"] != "string")
    marked = any(isinstance(part, wire.Typed | wire.TypeName) for part in wire.parts(node.each))
    if strings:
        writer.argument = Argument(name, names, strings, () if marked else others, string=True)
        yield writer.walk(node.each)
    for group in _by_type(others) if wire.TYPE in wire.parts(node.each) else [others] * bool(others):
        writer.argument = Argument(name, names, () if marked else strings, group, string=False)
        yield writer.walk(node.each)


def _by_type(others: tuple[Branch, ...]) -> Iterator[tuple[Branch, ...]]:
    """Branches of one JSON type each."""
    for kind in dict.fromkeys(map(_json_type, others)):
        yield tuple(branch for branch in others if _json_type(branch) == kind)


def _json_type(branch: Branch) -> str:
    return "number" if branch["type"] == "integer" else str(branch["type"])


def write_key(writer: RuleWriter, node: wire.Key) -> str:
    argument = writer.argument
    if argument.name is None:
        return writer.closed_value(argument.names, node.end, "the names of the arguments")
    if node.end in argument.name:
        raise writer.unwritable(f"an argument named {argument.name!r}", node.end)
    return writer.fused(argument.name, node.end)


def write_typed(writer: RuleWriter, node: wire.Typed) -> str:
    return writer.literal(node.string if writer.argument.string else node.other)


def write_type_name(writer: RuleWriter, node: wire.TypeName) -> str:
    argument = writer.argument
    return quoted("string" if argument.string else _json_type(argument.others[0]))


def write_value(writer: RuleWriter, node: wire.Value) -> str:
    argument = writer.argument
    if argument.string:
        bodies = [f"({_free_text(branch, argument)})" for branch in argument.strings]
        return writer.closed_value(" | ".join(bodies), node.end, _strings_of(argument), texts=_listed(argument))
    end = writer.literal(node.end)
    if not argument.mixed and node.words == JSON_WORDS and node.notation is None:
        return f"{write_json(writer, {'anyOf': list(argument.others)}, writer.parameters, node.style)} {end}"
    literals = tuple(literal for branch in argument.others for literal in branch_words(branch, node.words))
    in_notation = [branch for branch in argument.others if node.notation and branch["type"] in ("array", "object")]
    rest = [branch for branch in argument.others if not branch_words(branch, node.words) and branch not in in_notation]
    bodies = [writer.closed(f"/{any_text(literals)}/", node.end)] if literals else []
    bodies += [
        f"{NotationWriter(writer, node.notation).value(branch)} {end}" for branch in in_notation if node.notation
    ]
    bodies += [f"{write_json(writer, {'anyOf': list(rest)}, writer.parameters, node.style)} {end}"] if rest else []
    return writer.either(bodies)


def write_wrapped(writer: RuleWriter, node: wire.Wrapped) -> str:
    """An unwrapped string has none of the characters, so that it differs from a wrapped one."""
    argument = writer.argument
    if not argument.string:
        return write_value(writer, node)
    others = f"[^{escaped(node.characters)}]*"  # with a complement, a maxLength of thousands takes llguidance seconds
    inner = " | ".join(f"({text_terminal(branch)})" for branch in argument.strings)
    wrapped = writer.closed_value(inner, node.close + node.end, _strings_of(argument), texts=_listed(argument))
    bodies = [join(writer.literal(node.open), wrapped)]
    if plain := [left for branch in argument.strings if (left := _without_characters(branch, node.characters))]:
        texts = [f"({_free_text(branch, argument)} & /{others}/)" for branch in plain]
        bodies.append(writer.closed(" | ".join(texts), node.end))
    return writer.either(bodies)


def _strings_of(argument: Argument) -> str:
    return "the strings of " + ("an argument without a name" if argument.name is None else repr(argument.name))


def _listed(argument: Argument) -> Iterator[str]:
    """The strings that the schema of an argument lists."""
    return (text for branch in argument.strings for text in branch.get("enum", ()))


def _without_characters(branch: Branch, characters: str) -> Branch | None:
    """The branch without the listed strings that have any of these; None where no string is left."""
    if "enum" not in branch:
        return branch
    left = [text for text in branch["enum"] if not set(text) & set(characters)]
    return {**branch, "enum": left} if left else None


def _free_text(branch: Branch, argument: Argument) -> str:
    """A string branch, kept apart from the branches of other types."""
    apart = exclusions(argument.others) if "enum" not in branch else ()
    return " & ".join((text_terminal(branch), *apart))
