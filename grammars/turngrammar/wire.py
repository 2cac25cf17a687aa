"""The nodes that a wire format is built of: one tree, of which lark, parser and render are three readings.

A tree describes everything that a model may write in one assistant turn. A leaf gives a piece of text its meaning, and
free text has the nodes that end it, so that no reading looks further than one node.

Tolerance is declared: only `Space`, `May` and `Stray` let the parser accept more than the grammar generates, and text
that must be `visible` or `Unlike` calls, of which it accepts an empty one too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from turngrammar.json_style import CANONICAL, JsonStyle
from turngrammar.notation import JSON_WORDS, Notation

Sink = Literal["content", "reasoning"]
Follows = Literal["must", "may", "never"]


class Node:
    """A piece of wire format. `a + b` is a sequence, `a | b` an ordered choice; a plain string is a literal."""

    def __add__(self, other: Node | str) -> Node:
        return seq(self, other)

    def __radd__(self, other: str) -> Node:
        return seq(other, self)

    def __or__(self, other: Node) -> Node:
        return Alt((self, other))


@dataclass(frozen=True)
class Lit(Node):
    """Exactly this text. Special tokens of the model's vocabulary in it are generated as such."""

    text: str


@dataclass(frozen=True)
class Space(Node):
    """Generated as `canonical`, read as any run of whitespace, even an empty one."""

    canonical: str = ""


@dataclass(frozen=True)
class Seq(Node):
    """A sequence; flat, and without two adjacent literals: build it with `seq`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Alt(Node):
    """The first option that matches. An option that has reported an event is final."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Opt(Node):
    """May be absent, in generation and in parsing."""

    body: Node


@dataclass(frozen=True)
class May(Node):
    """Always generated; the parser accepts its absence."""

    body: Node


@dataclass(frozen=True)
class Stray(Node):
    """Never generated; the parser accepts its presence."""

    body: Node


@dataclass(frozen=True)
class Many(Node):
    """`least` to `most` items (None: any number) with a separator between two of them."""

    item: Node
    separator: Node
    least: int = 1
    most: int | None = None


@dataclass(frozen=True)
class FreeText(Node):
    """Free text that goes to `sink`, and what comes after it.

    `then` opens with a literal, which ends the text wherever it occurs. It "must" follow, "may" follow (or the turn
    ends), or may "never" follow: then the text is the rest of the turn and must not hold what would open `then`.

    `visible`: a text is generated with at least one visible character, so that the turn is not empty. Before a `then`
    that "may" follow it need not have one: that is a call. `unlike`: literals with one of which it may not begin, even
    behind whitespace, because it would be read as something else.
    """

    sink: Sink
    then: Node | None = None
    follows: Follows = "must"
    visible: bool = False
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unlike(Node):
    """Content to the end of the turn that does not open as `calls` do: so text differs from calls that stand alone.

    It is generated with at least one visible character. `unlike`: as in `FreeText`.
    """

    calls: Node
    unlike: tuple[str, ...] = ()


@dataclass(frozen=True)
class Invocation(Node):
    """One tool call. Once `head` is read the call has started for good; after `tail` it has ended."""

    head: Node
    tail: Node


MAX_NAME = 256  # characters
PLAIN_NAME = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_NAME}}}")


@dataclass(frozen=True)
class Name(Node):
    """The name of the tool: any plain name, or that of a tool which may be called. Both end before what follows."""


@dataclass(frozen=True)
class Id(Node):
    """The text of `body` is the call's id, unchanged."""

    body: Node


@dataclass(frozen=True)
class Ordinal(Node):
    """The number of the call within its turn, from `first`."""

    first: int = 0


@dataclass(frozen=True)
class Word(Node):
    """Letters, digits, `_` and `-` without a meaning but in an `Id`; generated as the model likes.

    Rendered as `canonical` and the number of the call.
    """

    canonical: str


@dataclass(frozen=True)
class Ahead(Node):
    """Takes up no text: what follows opens with this one, by which a call that stands alone differs from text."""

    text: str


@dataclass(frozen=True)
class JsonArguments(Node):
    """All arguments as one JSON object, passed on unchanged; generated in `style`."""

    style: JsonStyle = CANONICAL


@dataclass(frozen=True)
class Members(Node):
    """The arguments one by one, each as `each`: a `Key` and a `Value`, perhaps a `Typed`, and markup."""

    each: Node


@dataclass(frozen=True)
class Key(Node):
    """The name of an argument, and the literal that ends it."""

    end: str


@dataclass(frozen=True)
class Value(Node):
    """The value of an argument, and the literal that ends it: strings verbatim, anything else as JSON.

    Where the schema allows strings and more, a text that is JSON of another allowed type is that value, any other a
    string. Null, true and false are read as JSON's words and as Python's, and generated as `words`; lists and objects
    are generated as JSON in `style`, or in `notation` if there is one.
    """

    end: str
    words: tuple[str, str, str] = JSON_WORDS
    style: JsonStyle = CANONICAL
    notation: Notation | None = None


@dataclass(frozen=True, kw_only=True)
class Wrapped(Value):
    """A `Value`, but a string with any of `characters` is between `open` and `close`; other strings may be, too."""

    open: str
    close: str
    characters: str


@dataclass(frozen=True)
class Typed(Node):
    """One of two literals: the value is a string, or anything else."""

    string: str
    other: str


@dataclass(frozen=True)
class TypeName(Node):
    """The name of the value's JSON type, one of six, by which the value is read."""


@dataclass(frozen=True)
class Elements(Node):
    """The arguments as XML elements, each with the name of its argument, and nested values likewise.

    A member of an object is an element of its name, and an item of an array one of the name `item`. Strings are
    verbatim, other scalars JSON; an empty element is a string, an object or an array, the first of them that the schema
    allows, and null is a word. `mark` precedes each tag.

    Where the schema leaves a name free, the closing tag may have another name: no grammar can compare the two.
    """

    mark: str


@dataclass(frozen=True)
class NotationArguments(Node):
    """The arguments as a list of `name=value`, in another notation than JSON."""

    notation: Notation


@dataclass(frozen=True)
class Document(Node):
    """The content as one JSON value that fits the schema of the turn."""


@dataclass(frozen=True)
class Refusal(Node):
    """Text in place of the document, up to `close` and with it, or else to the end of the turn.

    By its first character it differs from JSON, whatever arrives first. It has none of the literals `without`, and does
    not open as the calls `unlike` do, which may be there instead.
    """

    without: tuple[str, ...] = ()
    unlike: Node | None = None
    close: str = ""


# What a refusal begins with, as the inside of a regex's brackets and as a test: JSON begins with none of these.
REFUSAL_OPENINGS = r"A-Z\x{C0}-\x{10FFFF}"


def opens_refusal(character: str) -> bool:
    return "A" <= character <= "Z" or character >= "\xc0"


@dataclass(frozen=True)
class Verbatim(Node):
    """Content of the client's own grammar. It is read as free text, up to `close`, or else to the end of the turn."""

    close: str = ""


NAME, ARGUMENTS, DOCUMENT, ORDINAL, TYPE = Name(), JsonArguments(), Document(), Ordinal(), TypeName()
NEWLINE = Space("\n")

_JSON_PIECE = re.compile(r'[{}\[\],:] ?|"[^"]*"|[^{}\[\],:"]+')


def lift(value: Node | str) -> Node:
    return Lit(value) if isinstance(value, str) else value


def seq(*values: Node | str) -> Node:
    """A flat sequence in which neighbouring literals are one, and neighbouring spaces too."""
    flat: list[Node] = []
    for part in _flat(values):
        last = flat[-1] if flat else None
        if isinstance(part, Lit) and isinstance(last, Lit):
            flat[-1] = Lit(last.text + part.text)
        elif isinstance(part, Space) and isinstance(last, Space):
            flat[-1] = Space(last.canonical + part.canonical)
        elif not isinstance(part, Lit) or part.text:
            flat.append(part)
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def parts(node: Node) -> tuple[Node, ...]:
    """The parts of a sequence; any other node alone."""
    return node.parts if isinstance(node, Seq) else (node,)


def _flat(values: Iterable[Node | str]) -> Iterable[Node]:
    for value in values:
        yield from parts(lift(value))


def json_text(text: str) -> Node:
    """A piece of JSON in the canonical style, whose punctuation may have any whitespace around it."""
    return seq(*(node for piece in _JSON_PIECE.findall(text) for node in _loose(piece)))


def _loose(piece: str) -> tuple[Node, ...]:
    mark, space = piece[:1], piece[1:]
    return (Space(), Lit(mark), Space(space)) if mark in "{}[],:" else (Lit(piece),)
