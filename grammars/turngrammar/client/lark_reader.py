"""A client's Lark grammar, which llguidance has accepted -> its definitions as trees, as far as lengths depend on them.

What this reader does not know, it takes for a text that may be empty.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_STRING = r'"(?:\\.|[^"\\\n])*"'
_TOKEN = re.compile(
    rf"""(?P<blank>\s+|//[^\n]*|\#[^\n]*)
      | (?P<directive>%(?:import|ignore|declare|override|extend)\b[^\n]*)
      | (?P<nested>%\w+\s*\{{)
      | (?P<range>{_STRING}\s*\.\.\s*{_STRING})
      | (?P<text>{_STRING}i?)
      | (?P<regex>/(?:\\.|[^/\\])+/[a-z]*)
      | (?P<special><[^>\n]*>)
      | (?P<begins>[?!]*[A-Za-z_]\w*(?:\.-?\d+)?[ \t]*(?P<attributes>\[[^\]\n]*\])?[ \t]*:(?!:))
      | (?P<name>[A-Za-z_]\w*)
      | (?P<count>~[ \t]*\d+(?:[ \t]*\.\.[ \t]*\d+)?|\{{[ \t]*\d*[ \t]*,?[ \t]*\d*[ \t]*\}})
      | (?P<mark>->|.)""",
    re.VERBOSE | re.DOTALL,
)
_NUMBER = re.compile(r"\d+")
_NESTED = re.compile(rf"{_STRING}|[{{}}]|[^{{}}\"]+|.", re.DOTALL)


@dataclass(frozen=True)
class LarkText:
    """A text of `least` characters or more."""

    least: int


@dataclass(frozen=True)
class Regex:
    """A regex with its slashes and flags."""

    source: str


@dataclass(frozen=True)
class Reference:
    name: str


@dataclass(frozen=True)
class Sequence_:
    parts: tuple[Tree, ...]


@dataclass(frozen=True)
class LarkChoice:
    options: tuple[Tree, ...]


@dataclass(frozen=True)
class Repeated:
    body: Tree
    least: int


@dataclass(frozen=True)
class Combined:
    """An expression of terminals with & or ~, which only the lexer understands."""

    parts: tuple[Tree, ...]


Tree: TypeAlias = LarkText | Regex | Reference | Sequence_ | LarkChoice | Repeated | Combined


@dataclass(frozen=True)
class Definition:
    """`source` is the Lark of the whole definition."""

    source: str
    tree: Tree

    def references(self) -> Iterator[str]:
        yield from _references(self.tree)


_Token = tuple[str, str]  # its kind and its text


def read_definitions(lark: str) -> Mapping[str, Definition] | None:
    """By name; None for a grammar with parameters, or one that this reader can't read."""
    if "::" in lark:
        return None
    definitions: dict[str, Definition] = {}
    try:
        for name, source, tokens in _definitions(lark):
            definitions[name] = Definition(source, _Expression(tokens).whole())
    except (IndexError, RecursionError):
        return None
    return definitions


def _definitions(lark: str) -> Iterator[tuple[str, str, Sequence[_Token]]]:
    name, begun, tokens = "", 0, list[_Token]()
    for kind, at, text in _tokens(lark):
        if kind in ("begins", "directive"):
            if name:
                yield name, lark[begun:at], tokens
            name, begun, tokens = _defined(text) if kind == "begins" else "", at, []
        elif kind != "blank":
            tokens.append((kind, text))
    if name:
        yield name, lark[begun:], tokens


def _defined(text: str) -> str:
    return text.lstrip("?!").partition(":")[0].partition("[")[0].partition(".")[0].strip()


def _tokens(lark: str) -> Iterator[tuple[str, int, str]]:
    at = 0
    while match := _TOKEN.match(lark, at):
        kind, begun, at = match.lastgroup or "", match.start(), match.end()
        if match["begins"]:
            kind = "begins"
        if kind == "nested":
            at = _end_of_nested(lark, at)
        yield kind, begun, lark[begun:at]


def _end_of_nested(lark: str, at: int) -> int:
    depth = 1
    while depth and (match := _NESTED.match(lark, at)):
        depth += (match[0] == "{") - (match[0] == "}")
        at = match.end()
    return at


class _Expression:
    """Reads the tokens of a body. Raises IndexError where it ends too early."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._at = 0

    def whole(self) -> Tree:
        tree = self._choice()
        if self._tokens[self._at][0] != "end":
            raise IndexError
        return tree

    def _choice(self) -> Tree:
        options = [self._sequence()]
        while self._takes("|"):
            options.append(self._sequence())
        return options[0] if len(options) == 1 else LarkChoice(tuple(options))

    def _sequence(self) -> Tree:
        parts, combined = list[Tree](), False
        while self._tokens[self._at] != ("end", "") and self._tokens[self._at][1] not in ("|", ")", "]"):
            if self._takes("->"):
                self._at += 1  # an alias
            elif self._takes("&") or self._takes("~"):
                combined = True
            else:
                parts.append(self._item())
        if combined:
            return Combined(tuple(parts))
        return parts[0] if len(parts) == 1 else Sequence_(tuple(parts))

    def _item(self) -> Tree:
        tree = self._atom()
        while (least := self._least()) is not None:
            tree = Repeated(tree, least)
        return tree

    def _atom(self) -> Tree:
        kind, text = self._tokens[self._at]
        self._at += 1
        if text in ("(", "["):
            inner = self._choice()
            self._at += 1
            return Repeated(inner, 0) if text == "[" else inner
        return _ATOMS[kind](text) if kind in _ATOMS else LarkText(0)

    def _least(self) -> int | None:
        """Of the quantifier that comes next; None if none comes."""
        kind, text = self._tokens[self._at]
        if kind != "count" and text not in ("?", "*", "+"):
            return None
        self._at += 1
        if kind != "count":
            return int(text == "+")
        number = _NUMBER.search(text.partition(",")[0])
        return int(number[0]) if number else 0

    def _takes(self, mark: str) -> bool:
        taken = self._tokens[self._at] == ("mark", mark)
        self._at += taken
        return taken


def _text(source: str) -> Tree:
    try:
        return LarkText(len(json.loads(source.removesuffix("i"))))
    except ValueError:
        return LarkText(0)


_ATOMS: Mapping[str, Callable[[str], Tree]] = {
    "text": _text,
    "regex": Regex,
    "name": Reference,
    "range": lambda text: LarkText(1),
    "special": lambda text: LarkText(1),
}


def _references(tree: Tree) -> Iterator[str]:
    match tree:
        case Reference(name):
            yield name
        case Sequence_(parts) | LarkChoice(parts) | Combined(parts):
            for part in parts:
                yield from _references(part)
        case Repeated(body):
            yield from _references(body)
