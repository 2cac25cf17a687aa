"""Generating values in a notation of its own: lowered schemas -> Lark expressions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from grammars import wire
from grammars.escape import quoted, repeated
from grammars.lowered import Lowered, branches, free_members
from grammars.members import Branch, declared, text_terminal
from grammars.notation import Notation

if TYPE_CHECKING:
    from grammars.lark import Writer

Bounds = tuple[int, int | None]
_BARE_NAME = r"[^\x{0}-\x{20}\x{22}'=:,()\x{5b}\x{5d}\x{7b}\x{7d}]+"
_FREE_KEY = r"[^\x{22}\x{5c}\x{0}-\x{1f}]+"


@dataclass(frozen=True)
class Item:
    """A member or an item, in the order in which they are written."""

    body: str
    required: bool


def spelled(writer: Writer, node: wire.Spelled) -> str:
    root = writer.parameters
    speller = Speller(writer, node.notation, root)
    objects = [branch for branch in branches(root, root) if branch["type"] == "object"]
    return writer.either(speller.members(one, speller.argument, speller.free_argument, _BARE_NAME) for one in objects)


class Speller:
    """Writes values of one tool's schema in one notation."""

    def __init__(self, writer: Writer, notation: Notation, root: Lowered) -> None:
        self._writer = writer
        self._notation = notation
        self._root = root

    def value(self, schema: Lowered) -> str:
        """The rule of a value; "" where there is none."""
        if isinstance(schema, Mapping) and "$ref" in schema:
            key = (self._notation, id(self._root), schema["$ref"])
            return self._writer.named(key, lambda: self._either(branches(schema, self._root)))
        if schema is True or schema == {}:
            return self._writer.named((self._notation, "any"), lambda: self._either(branches(True, True)))
        return self._either(branches(schema, self._root))

    def _either(self, options: Any) -> str:
        bodies = [self._branch(option) for option in options]
        return self._writer.either(bodies) if bodies else ""

    def _branch(self, branch: Branch) -> str:
        if "enum" in branch:
            return self._writer.either(self._literal(self._notation.spell(value)) for value in branch["enum"])
        return _BRANCHES[branch["type"]](self, branch)

    def _literal(self, text: str) -> str:
        return self._writer.lit(wire.Lit(text))

    def null(self, branch: Branch) -> str:
        return quoted(self._notation.words[0])

    def boolean(self, branch: Branch) -> str:
        return self._writer.either(map(quoted, self._notation.words[1:]))

    def as_json(self, branch: Branch) -> str:
        return self._writer.json(branch)

    def string(self, branch: Branch) -> str:
        if self._notation.escapes:
            return self.as_json(branch)
        quote = self._notation.quote
        return f"{self._literal(quote)} {self._writer.closed(text_terminal(branch), quote)}"

    def array(self, branch: Branch) -> str:
        least, most = branch.get("minItems", 0), branch.get("maxItems")
        prefix = branch.get("prefixItems", ())[:most]
        items = [Item(self.value(item), index < least) for index, item in enumerate(prefix)]
        rest = self.value(branch.get("items", True))
        bounds = (max(least - len(items), 0), None if most is None else most - len(items))
        return f'"[" {self._list(items, rest, bounds, skips=False)} "]"'

    def object(self, branch: Branch) -> str:
        free = _BARE_NAME if self._notation.bare_keys else _FREE_KEY
        return f'"{{" {self.members(branch, self.key, self.free_key, free)} "}}"'

    def members(self, branch: Branch, name: Callable[[str], str], free_name: Callable[[str], str], free: str) -> str:
        """The members of an object. `name` writes a name and what follows it, `free_name` one that is a terminal."""
        required, items, others = branch.get("required", ()), [], []
        for key, names, schema in declared(branch, free):
            if value := self.value(schema):
                body = f"{free_name(names) if key is None else name(key)} {value}"
                items += [] if key is None else [Item(body, key in required)]
                others += [body] if key is None else []
        return self._list(items, self._writer.either(others) if others else "", free_members(branch), skips=True)

    def argument(self, name: str) -> str:
        return self._literal(self._bare(name, self._notation.pair))

    def free_argument(self, names: str) -> str:
        return f"{self._writer.terminal(names)} {quoted(self._notation.pair)}"

    def key(self, name: str) -> str:
        if self._notation.bare_keys:
            return self._literal(self._bare(name, self._notation.colon))
        return self._literal(self._notation.spell_key(name))

    def free_key(self, names: str) -> str:
        if self._notation.bare_keys:
            return f"{self._writer.terminal(names)} {quoted(self._notation.colon)}"
        open_quote, close_quote = quoted('"'), quoted('"' + self._notation.colon)
        return self._writer.terminal(f"{open_quote} ({names}) {close_quote}")

    def _bare(self, name: str, end: str) -> str:
        """A name without quotes, and what ends it."""
        if end in name or name != name.strip():
            raise self._writer.unwritable(name, end)
        return name + end

    def _list(self, items: Sequence[Item], rest: str, bounds: Bounds, *, skips: bool) -> str:
        """Items between commas, and then `rest` as often as `bounds` say.

        Each item has two rules: what goes on from it at the beginning of the list, and after a comma. `skips`: the
        items after one that is left out may still come.
        """
        comma = quoted(self._notation.comma)
        first, later = self._repeated(rest, bounds) if rest else ("", "")
        for item in reversed(items):
            alone, behind = f"{item.body} {later}".strip(), f"{comma} {item.body} {later}".strip()
            optional = not item.required
            first = self._writer.either([alone, *([first if skips else ""] * optional)])
            later = self._writer.either([behind, *([later if skips else ""] * optional)])
        return first

    def _repeated(self, rest: str, bounds: Bounds) -> tuple[str, str]:
        """`rest` repeated, at the beginning of a list and after an item."""
        least, most = bounds
        more = self._writer.rule(f"{quoted(self._notation.comma)} {rest}")
        after_one = repeated(more, max(least - 1, 0), None if most is None else most - 1)
        first = "" if most == 0 else f"{rest} {after_one}".strip()
        return self._writer.either([first, ""]) if first and not least else first, repeated(more, least, most)


_BRANCHES: Mapping[str, Callable[[Speller, Branch], str]] = {
    "null": Speller.null,
    "boolean": Speller.boolean,
    "integer": Speller.as_json,
    "number": Speller.as_json,
    "string": Speller.string,
    "array": Speller.array,
    "object": Speller.object,
}
