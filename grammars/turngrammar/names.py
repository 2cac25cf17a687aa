"""Which names of tools a wire format can carry: the parser has to find their end, and no part of them may be markup."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from turngrammar import wire
from turngrammar.analysis import texts
from turngrammar.errors import InvalidTools, shown
from turngrammar.events import ArgumentsDelta, ToolCallEnd, ToolCallStart
from turngrammar.formats.format import Format
from turngrammar.parser import Parser
from turngrammar.parser.cursor import SPACE
from turngrammar.render import Call, render
from turngrammar.turn import Tool
from turngrammar.turn_tree import recovery_tree, turn_tree
from turngrammar.wire import MAX_NAME, PLAIN_NAME

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def refuse_name(tool: Tool, format: Format, special_tokens: Mapping[str, int]) -> None:
    """Raises InvalidTools for a tool whose name the format can't carry, with the reason and the fix."""
    if (why := unwritable(tool.name, format, special_tokens)) is not None:
        raise InvalidTools(f"{why} Rename the tool.", pointer=tool.name_pointer, tool=tool.name)


def unwritable(name: str, format: Format, special_tokens: Mapping[str, int]) -> str | None:
    """Why the format can't carry this name, as a sentence; None if it can.

    Every format carries letters, digits, `_`, `-` and `.`.
    """
    if len(name) > MAX_NAME:
        return f"The name has {len(name)} characters; {MAX_NAME} is the limit."
    if PLAIN_NAME.fullmatch(name):
        return None
    if not name or name.strip() != name:
        return "The name is empty, or begins or ends with whitespace."
    if (character := _first_refused(name, format)) is not None:
        return f"The wire format {format.name} can't write {shown(character)} in the name of a tool."
    markup = "\n".join(texts(format))
    if token := next((token for token in special_tokens if token in name and token in markup), None):
        return f"The name contains {shown(token)}, which is markup of the wire format {format.name}."
    if not _is_read_again(name, format):
        return f"The wire format {format.name} can't distinguish the name from its markup."
    return None


def _first_refused(name: str, format: Format) -> str | None:
    ends = ends_of_names(format.calls)
    return next((character for character in name if character in ends or _CONTROL.match(character)), None)


def _is_read_again(name: str, format: Format) -> bool:
    """Whether the parser reads a call of this name as one."""
    tree = turn_tree(format, format.calls, "auto", None, "may")
    parser = Parser(tree, recovery_tree(format, format.calls), {name: True})
    events = [*parser.feed(render(format, [Call(name, "{}")])), *parser.close()]
    started = [event.name for event in events if isinstance(event, ToolCallStart)]
    return started == [name] and all(
        isinstance(event, ToolCallStart | ArgumentsDelta | ToolCallEnd) for event in events
    )


def ends_of_names(calls: wire.Node) -> frozenset[str]:
    """The characters by which names end in these calls, and the backslash where names are JSON strings."""
    walk = _FirstCharacters()
    walk.firsts(calls, frozenset())
    return frozenset(walk.ends)


class _FirstCharacters:
    """Computes the characters with which nodes can open, and collects those that follow a name."""

    def __init__(self) -> None:
        self.ends: set[str] = set()

    def firsts(self, node: wire.Node, after: frozenset[str]) -> frozenset[str]:
        """The first characters of `node`; those of `after`, which follows, where `node` may be empty."""
        return _FIRSTS[type(node)](self, node, after)

    def name(self, node: wire.Name, after: frozenset[str]) -> frozenset[str]:
        self.ends |= after
        return frozenset()

    def literal(self, node: wire.Lit | wire.Ahead, after: frozenset[str]) -> frozenset[str]:
        return frozenset(node.text[:1])

    def space(self, node: wire.Space, after: frozenset[str]) -> frozenset[str]:
        return after | frozenset(SPACE)

    def sequence(self, node: wire.Seq, after: frozenset[str]) -> frozenset[str]:
        for before, part in zip((None, *node.parts[:-1])[::-1], node.parts[::-1], strict=True):
            after = self.firsts(part, after)
            if isinstance(part, wire.Name) and isinstance(before, wire.Lit) and _opens_json_string(before.text):
                self.ends.add("\\")
        return after

    def invocation(self, node: wire.Invocation, after: frozenset[str]) -> frozenset[str]:
        return self.firsts(wire.seq(node.head, node.tail), after)

    def choice(self, node: wire.Alt, after: frozenset[str]) -> frozenset[str]:
        return frozenset().union(*(self.firsts(option, after) for option in node.options))

    def perhaps(self, node: wire.Opt | wire.May | wire.Stray, after: frozenset[str]) -> frozenset[str]:
        return after | self.firsts(node.body, after)

    def many(self, node: wire.Many, after: frozenset[str]) -> frozenset[str]:
        return self.firsts(node.item, after | self.firsts(node.separator, after))

    def id(self, node: wire.Id, after: frozenset[str]) -> frozenset[str]:
        return self.firsts(node.body, after)

    def members(self, node: wire.Members, after: frozenset[str]) -> frozenset[str]:
        return after | self.firsts(node.each, after)

    def elements(self, node: wire.Elements, after: frozenset[str]) -> frozenset[str]:
        return after | frozenset((node.mark or "<")[:1])

    def arguments(self, node: wire.JsonArguments, after: frozenset[str]) -> frozenset[str]:
        return frozenset("{")

    def ordinal(self, node: wire.Ordinal, after: frozenset[str]) -> frozenset[str]:
        return frozenset("0123456789")

    def never_behind_a_name(self, node: wire.Node, after: frozenset[str]) -> frozenset[str]:
        return frozenset()


def _opens_json_string(text: str) -> bool:
    """Whether a name behind this text is a JSON string, and not an attribute, where a backslash is plain."""
    return text.endswith('"') and not text.endswith('="')


_FIRSTS: Mapping[type[wire.Node], Callable[[_FirstCharacters, Any, frozenset[str]], frozenset[str]]] = {
    wire.Name: _FirstCharacters.name,
    wire.Lit: _FirstCharacters.literal,
    wire.Ahead: _FirstCharacters.literal,
    wire.Space: _FirstCharacters.space,
    wire.Seq: _FirstCharacters.sequence,
    wire.Invocation: _FirstCharacters.invocation,
    wire.Alt: _FirstCharacters.choice,
    wire.Opt: _FirstCharacters.perhaps,
    wire.May: _FirstCharacters.perhaps,
    wire.Stray: _FirstCharacters.perhaps,
    wire.Many: _FirstCharacters.many,
    wire.Id: _FirstCharacters.id,
    wire.Members: _FirstCharacters.members,
    wire.Elements: _FirstCharacters.elements,
    wire.JsonArguments: _FirstCharacters.arguments,
    wire.Ordinal: _FirstCharacters.ordinal,
    **dict.fromkeys(
        (wire.Word, wire.Key, wire.Value, wire.Wrapped, wire.Typed, wire.TypeName, wire.NotationArguments),
        _FirstCharacters.never_behind_a_name,
    ),
}
