"""The first reading of a wire tree: nodes -> llguidance Lark, for generation.

Free text needs care, since llguidance's lexer is greedy: a text and the literal that ends it are one lazy lexeme, and
a text that runs to the end of the turn is a lexeme that can't hold that literal. A special token is `<[id]>`; no other
lexeme matches it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from turngrammar import wire
from turngrammar.analysis import after, openings, texts
from turngrammar.errors import InvalidGrammar, RefusedSchema
from turngrammar.lark import elements, literals, members
from turngrammar.lark.escape import ANYTHING, join, one_of, quoted, repeated
from turngrammar.lark.heads import WORD, head
from turngrammar.lark.json_call import json_call
from turngrammar.lark.members import Argument
from turngrammar.lowered import Lowered
from turngrammar.notation import Notation
from turngrammar.schema import SchemaPlan
from turngrammar.spelling import CANONICAL, Spelling
from turngrammar.turn import enclosing

if TYPE_CHECKING:
    from turngrammar.client.inputs import InputPlan


@dataclass(frozen=True)
class Offer:
    """A tool that the model may call in this turn, its parameters compiled.

    `input` is a custom tool's. `pointer` is the tool's: of the parameters, or of the definition of the input.
    """

    name: str
    parameters: SchemaPlan
    pointer: str
    input: InputPlan | None = None


@dataclass(frozen=True)
class Filling:
    """What the leaves of a tree stand for in one turn.

    Attributes:
        offers: the tools that may be called.
        document: the schema of the content, where it is a document.
        client_grammar: the Lark expression of the content, where the client sent a grammar of its own.
        special: the special tokens of the vocabulary, text -> id.
        ends: the ids of the tokens that may end the turn beside the tokenizer's own, which the matcher knows.
    """

    offers: tuple[Offer, ...]
    document: SchemaPlan | None
    special: Mapping[str, int]
    ends: tuple[int, ...] = ()
    client_grammar: str = ""

    @property
    def ruled(self) -> Offer | None:
        """A custom tool whose input a grammar rules, which no schema can stand for."""
        return next((offer for offer in self.offers if offer.input and offer.input.grammar), None)


def write(tree: wire.Node, filling: Filling) -> str:
    """The Lark grammar that generates `tree`."""
    markup = "\n".join(texts(tree))
    # Where a tool is called like one, not even markup is written in it: the name is a client's.
    named = "\n".join(offer.name for offer in filling.offers)
    writer = Writer(filling, [token for token in filling.special if token in markup and token not in named])
    start = join(writer.walk(tree), _end(filling.ends))
    rules = [f"{name}{attribute}: {body}" for (attribute, body), name in writer.rules.items()]
    rules += [f"{name}: {body}" for name, body in writer.definitions.items()]
    return "\n".join(("%llguidance {}", f"start: {start or quoted('')}", *rules, ""))


def _end(ends: Sequence[int]) -> str:
    """A token that ends the turn; it may be left out, since the matcher adds the tokenizer's own end."""
    return f"({' | '.join(f'<[{end}]>' for end in ends)})?" if ends else ""


class Writer:
    """Collects rules while it walks a tree; equal rules are written once. `tokens` are the special ones it may need."""

    def __init__(self, filling: Filling, tokens: Sequence[str]) -> None:
        self.rules: dict[tuple[str, str], str] = {}
        self.definitions: dict[str, str] = {}
        self._named: dict[Hashable, str] = {}
        self._filling = filling
        self._tool: Offer | None = None
        self._argument: Argument | None = None
        longest_first = sorted(tokens, key=len, reverse=True)
        self._tokens = re.compile(f"({'|'.join(map(re.escape, longest_first))})" if tokens else r"((?!))")

    def walk(self, node: wire.Node) -> str:
        """The Lark expression of `node`, "" where it writes nothing."""
        return _WRITERS[type(node)](self, node)

    def rule(self, body: str, attribute: str = "") -> str:
        """The name of the rule with this body."""
        if not attribute and body.isidentifier():
            return body
        return self.rules.setdefault((attribute, body), f"r{len(self.rules)}")

    def terminal(self, body: str) -> str:
        return self.rules.setdefault(("", body), f"T{len(self.rules)}")

    def named(self, key: Hashable, body: Callable[[], str]) -> str:
        """The name of a rule that may refer to itself: `body` is written once for each `key`."""
        if key not in self._named:
            self._named[key] = f"n{len(self._named)}"
            self.definitions[self._named[key]] = body()
        return self._named[key]

    def either(self, bodies: Iterable[str]) -> str:
        return self.rule(" | ".join(body or quoted("") for body in dict.fromkeys(bodies)))

    def lit(self, node: wire.Lit) -> str:
        return join(*map(self._lexeme, self._tokens.split(node.text)))

    def _lexeme(self, piece: str) -> str:
        """A special token, or a text without any."""
        if self._tokens.fullmatch(piece):
            return f"<[{self._filling.special[piece]}]>"
        return quoted(piece) if piece else ""

    def verbatim(self, text: str, markup: str) -> str:
        """Text of a client's, in which nothing but `markup` may be a special token."""
        if not self._tokens.fullmatch(markup):
            return quoted(text)
        pieces = re.split(f"({re.escape(markup)})", text)
        return join(*(self._lexeme(piece) if piece == markup else quoted(piece) for piece in pieces if piece))

    def space(self, node: wire.Space) -> str:
        return self.lit(wire.Lit(node.canonical))

    def seq(self, node: wire.Seq) -> str:
        plain = self._plain(node)
        return join(*map(self.walk, _into_heads(wire.parts(plain))))

    def _plain(self, node: wire.Node) -> wire.Node:
        """Literals as they are about to be written, so that neighbours become one lexeme."""
        match node:
            case wire.Seq(parts):
                return wire.seq(*map(self._plain, parts))
            case wire.Space(canonical):
                return wire.Lit(canonical)
            case wire.Name() if self._tool:
                return wire.Lit(self._tool.name)
            case wire.May(body):
                return self._plain(body)
            case wire.Stray() | wire.Ahead():
                return wire.Lit("")
            case _:
                return node

    def alt(self, node: wire.Alt) -> str:
        return self.either(map(self.walk, node.options))

    def opt(self, node: wire.Opt) -> str:
        return f"{self.rule(self.walk(node.body))}?"

    def may(self, node: wire.May) -> str:
        return self.walk(node.body)

    def nothing(self, node: wire.Stray | wire.Ahead) -> str:
        return ""

    def many(self, node: wire.Many) -> str:
        if node.most == 0:
            return ""
        if node.least == 0:
            return self.opt(wire.Opt(wire.Many(node.item, node.separator, 1, node.most)))
        item = self.rule(self.walk(node.item))
        more = self.rule(self.walk(wire.seq(node.separator, node.item)))
        return join(item, repeated(more, node.least - 1, None if node.most is None else node.most - 1))

    def text(self, node: wire.Text) -> str:
        stops = openings(node.then) if node.then else ()
        rest = self.terminal(_text_without(stops))
        if node.follows == "never" or node.then is None:
            return rest
        bodies = [self._until(stop, stops, node.then) for stop in stops]
        return self.either(bodies + [rest] * (node.follows == "may"))

    def _until(self, stop: str, stops: tuple[str, ...], then: wire.Node) -> str:
        """A text up to the first of `stops`, which is `stop`, and `then` from there on."""
        others = tuple(other for other in stops if other != stop)
        return join(self.closed(_text_without(others), stop), self.walk(after(then, stop)))

    def unlike(self, node: wire.Unlike) -> str:
        return self.terminal(f"/{ANYTHING}/ & ~/{head(node.calls)}{ANYTHING}/")

    def call(self, node: wire.Call) -> str:
        return self.either([self._call_of(offer, node) for offer in self._filling.offers])

    def _call_of(self, offer: Offer, node: wire.Call) -> str:
        self._tool = offer
        body = self._json_call(offer, node) or self.walk(wire.seq(node.head, node.tail))
        self._tool = None
        return body

    def _json_call(self, offer: Offer, node: wire.Call) -> str | None:
        """The call as one `%json`, where it is nothing else but for a separator, and a document could stand there."""
        if self._filling.document is None or self._filling.ruled:
            return None
        match self._plain(wire.seq(node.head, node.tail)):
            case wire.Seq((wire.Lit(before), wire.Arguments(spelling), wire.Lit(behind))) if "{" in before:
                start = before.find("{")
                schema = json_call(before[start:], offer.parameters, behind, spelling)
                return schema and join(self.lit(wire.Lit(before[:start])), self.rule(f"%json {schema}"))
            case _:
                return None

    def name(self, node: wire.Name) -> str:
        return quoted(self._tool.name) if self._tool else ""

    def id(self, node: wire.Id) -> str:
        return self.walk(node.body)

    def ordinal(self, node: wire.Ordinal) -> str:
        """Of four digits at most: a model that has begun to repeat one would never come to an end."""
        return self.terminal("/[1-9][0-9]{0,3}/" if node.first else "/0|[1-9][0-9]{0,3}/")

    def word(self, node: wire.Word) -> str:
        return self.terminal(f"/{WORD}/")

    def arguments(self, node: wire.Arguments) -> str:
        if self._tool is None:
            return ""
        custom = self._tool.input
        if custom and custom.grammar:
            return self.rule(custom.grammar)
        return self.schema(self._tool.parameters, node.spelling)

    def document(self, node: wire.Document) -> str:
        return self.schema(self._filling.document) if self._filling.document else ""

    def client_grammar(self, node: wire.Verbatim) -> str:
        return self.rule(self._filling.client_grammar)

    def schema(self, plan: SchemaPlan, spelling: Spelling = CANONICAL) -> str:
        return self.rule(f"%json {plan.spelled(spelling)}")

    def json(self, schema: Mapping[str, Any], spelling: Spelling = CANONICAL) -> str:
        """The expression of a part of the tool's schema."""
        root = self.parameters
        if '"$ref"' in json.dumps(schema) and isinstance(root, Mapping):
            schema = {**schema, "$defs": root["$defs"]}
        return self.rule(f"%json {spelling.schema(schema)}")

    def noted(self, schema: Mapping[str, Any], notation: Notation) -> str:
        """The same in a notation of its own."""
        return literals.Speller(self, notation, self.parameters).value(schema)

    @property
    def parameters(self) -> Lowered:
        """The lowered schema of the tool in hand."""
        assert self._tool
        if self._tool.input and self._tool.input.grammar:
            message = "A Lark grammar needs a wire format that writes arguments as JSON: use a regex instead."
            raise InvalidGrammar(message, pointer=enclosing(self._tool.pointer))
        return self._tool.parameters.lowered

    @property
    def argument(self) -> Argument:
        """The argument in hand."""
        assert self._argument
        return self._argument

    @argument.setter
    def argument(self, argument: Argument) -> None:
        self._argument = argument

    def unwritable(self, what: str, end: str, keyword: str = "properties") -> RefusedSchema:
        """The error for a text of the client's that the format has no spelling for."""
        assert self._tool
        message = f"this format can't write {what}: {end!r} would end it"
        return RefusedSchema(message, pointer=self._tool.pointer, keyword=keyword)

    def fused(self, text: str, end: str) -> str:
        """A client's text and the literal behind it: one lexeme, as far as that is no special token."""
        cut = self._cut(end)
        return join(quoted(text + end[:cut]), self.lit(wire.Lit(end[cut:])))

    def _cut(self, end: str) -> int:
        """Where its first special token begins. That ends a lexeme by itself, so nothing has to be fused from there."""
        token = self._tokens.search(end)
        return token.start() if token else len(end)

    def closed(self, terminal: str, end: str) -> str:
        """Text that a terminal expression describes, up to the literal `end`, which it does not hold: one lexeme."""
        cut = self._cut(end)
        text, rest = self.lit(wire.Lit(end[:cut])), self.lit(wire.Lit(end[cut:]))
        body = f"({terminal}) & {_without((end,))}"
        lexeme = self.terminal(f"({body}) {text}" if text else body)
        return join(lexeme if rest else self.rule(lexeme, "[lazy]"), rest)


def _without(held: tuple[str, ...]) -> str:
    """The terminal expression of any text that holds none of these, to be intersected with one of text.

    Alone it matches special tokens too: a complement is one of all bytes, and llguidance spells those with 0xFF.
    """
    return f"~/{ANYTHING}{one_of(held)}{ANYTHING}/" if held else f"/{ANYTHING}/"


def _text_without(held: tuple[str, ...]) -> str:
    """The same, of text alone."""
    return f"/{ANYTHING}/ & {_without(held)}" if held else f"/{ANYTHING}/"


def _into_heads(parts: Sequence[wire.Node]) -> Sequence[wire.Node]:
    """A literal before a call becomes one lexeme with the call's head.

    Where "\\n" and "\\n</calls>" can follow, the greedy lexer takes the first for the beginning of the second.
    """
    fused: list[wire.Node] = []
    for part in parts:
        if isinstance(part, wire.Call) and fused and isinstance(fused[-1], wire.Lit):
            part = wire.Call(wire.seq(fused.pop(), part.head), part.tail)
        fused.append(part)
    return fused


_WRITERS: Mapping[type[wire.Node], Callable[[Writer, Any], str]] = {
    wire.Lit: Writer.lit,
    wire.Space: Writer.space,
    wire.Seq: Writer.seq,
    wire.Alt: Writer.alt,
    wire.Opt: Writer.opt,
    wire.May: Writer.may,
    wire.Stray: Writer.nothing,
    wire.Ahead: Writer.nothing,
    wire.Many: Writer.many,
    wire.Text: Writer.text,
    wire.Unlike: Writer.unlike,
    wire.Call: Writer.call,
    wire.Name: Writer.name,
    wire.Id: Writer.id,
    wire.Ordinal: Writer.ordinal,
    wire.Word: Writer.word,
    wire.Arguments: Writer.arguments,
    wire.Members: members.members,
    wire.Key: members.key,
    wire.Typed: members.typed,
    wire.TypeName: members.type_name,
    wire.Elements: elements.elements,
    wire.Value: members.value,
    wire.Wrapped: members.wrapped,
    wire.Spelled: literals.spelled,
    wire.Document: Writer.document,
    wire.Verbatim: Writer.client_grammar,
}
