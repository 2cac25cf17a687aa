"""The first reading of a wire tree: nodes -> llguidance Lark, for generation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from turngrammar import wire
from turngrammar.analysis import after, openings, texts
from turngrammar.lark.calls import WORD, head_regex
from turngrammar.lark.elements import write_elements
from turngrammar.lark.json_values import write_json, write_json_call
from turngrammar.lark.members import (
    write_key,
    write_members,
    write_type_name,
    write_typed,
    write_value,
    write_wrapped,
)
from turngrammar.lark.notation import write_notation_arguments
from turngrammar.lark.rules import CompiledTool, GrammarContext, RuleWriter, any_bytes_without, text_without
from turngrammar.terminals.expressions import ANYTHING, VISIBLE, any_text, join, quoted, repeated


def write_grammar(tree: wire.Node, context: GrammarContext) -> str:
    """The Lark grammar that generates `tree`."""
    markup = "\n".join(texts(tree))
    # In the name of a tool not even markup is written as a special token: the name is a client's text.
    names = "\n".join(tool.name for tool in context.tools)
    tokens = [token for token in context.special_tokens if token in markup and token not in names]
    writer = GrammarWriter(context, tokens)
    return writer.grammar(join(writer.walk(tree), _end(context.ends)))


def _end(ends: Sequence[int]) -> str:
    """A token that ends the turn; it may be left out, since the matcher adds the tokenizer's own end."""
    return f"({' | '.join(f'<[{end}]>' for end in ends)})?" if ends else ""


class GrammarWriter(RuleWriter):
    """Walks a tree. Each method returns the Lark expression of its node.

    A tree has the call several times: behind text, first, and further ones. Their arguments are written once.
    """

    def __init__(self, context: GrammarContext, tokens: Sequence[str]) -> None:
        super().__init__(context, tokens)
        self._calls: dict[wire.Invocation, str] = {}
        self._arguments: dict[tuple[str, wire.Node], str] = {}

    def walk(self, node: wire.Node) -> str:
        if self.tool is None or type(node) not in _ARGUMENTS:
            return _WRITERS[type(node)](self, node)
        key = self.tool.name, node
        if key not in self._arguments:
            self._arguments[key] = _WRITERS[type(node)](self, node)
        return self._arguments[key]

    def lit(self, node: wire.Lit) -> str:
        return self.literal(node.text)

    def space(self, node: wire.Space) -> str:
        return self.literal(node.canonical)

    def seq(self, node: wire.Seq) -> str:
        plain = self._plain(node)
        return join(*map(self.walk, _into_heads(wire.parts(plain))))

    def _plain(self, node: wire.Node) -> wire.Node:
        """The literals that are going to be written, so that neighbours become one lexeme."""
        match node:
            case wire.Seq(parts):
                return wire.seq(*map(self._plain, parts))
            case wire.Space(canonical):
                return wire.Lit(canonical)
            case wire.Name() if self.tool:
                return wire.Lit(self.tool.name)
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

    def text(self, node: wire.FreeText) -> str:
        stops = openings(node.then) if node.then else ()
        unlike = self._not_opening(node)
        rest = self.terminal(text_without(stops, visible=node.visible) + unlike)
        if node.follows == "never" or node.then is None:
            return rest
        visible = node.visible and node.follows == "must"
        texts = {
            stop: text_without(tuple(other for other in stops if other != stop), visible=visible) for stop in stops
        }
        bodies = [
            join(self.closed(text + unlike, stop), self.walk(after(node.then, stop))) for stop, text in texts.items()
        ]
        return self.either(bodies + [rest] * (node.follows == "may"))

    def unlike(self, node: wire.Unlike) -> str:
        return self.terminal(f"/{VISIBLE}/ & {self._unlike(node.calls)}{self._not_opening(node)}")

    def _unlike(self, calls: wire.Node) -> str:
        names = [tool.name for tool in self.context.tools if not wire.PLAIN_NAME.fullmatch(tool.name)]
        return f"~/{head_regex(calls, names)}{ANYTHING}/"

    def _not_opening(self, node: wire.FreeText | wire.Unlike) -> str:
        """What keeps a text from beginning as it may not. None has a special token in it."""
        openings = tuple(text for text in node.unlike if not self.up_to_token(text))
        return f" & ~/[ \\t\\r\\n]*{any_text(openings)}{ANYTHING}/" if openings else ""

    def call(self, node: wire.Invocation) -> str:
        """What all calls begin with, up to its last special token, stands before the alternatives."""
        head = self._plain(node.head)
        first = wire.parts(head)[0]
        opening = self.up_to_token(first.text) if isinstance(first, wire.Lit) else ""
        rest = wire.Invocation(after(head, opening) if opening else head, self._plain(node.tail))
        if rest not in self._calls:
            self._calls[rest] = self.either([self._call_of(tool, rest) for tool in self.context.tools])
        return join(self.literal(opening), self._calls[rest])

    def _call_of(self, tool: CompiledTool, node: wire.Invocation) -> str:
        self.tool = tool
        body = self._json_call(tool, node) or self.walk(wire.seq(node.head, node.tail))
        self.tool = None
        return body

    def _json_call(self, tool: CompiledTool, node: wire.Invocation) -> str | None:
        """The call as JSON, perhaps behind a separator, where a document may be in its place."""
        if self.context.document is None or self.context.grammar_tool:
            return None
        match self._plain(wire.seq(node.head, node.tail)):
            case wire.Seq((wire.Lit(before), wire.JsonArguments(style), wire.Lit(behind))) if "{" in before:
                start = before.find("{")
                body = write_json_call(self, before[start:], tool.parameters.lowered, behind, style)
                return body and join(self.literal(before[:start]), body)
            case _:
                return None

    def name(self, node: wire.Name) -> str:
        return quoted(self.tool.name) if self.tool else ""

    def id(self, node: wire.Id) -> str:
        return self.walk(node.body)

    def ordinal(self, node: wire.Ordinal) -> str:
        """At most four digits: a model that begins to repeat one would never stop."""
        return self.terminal("/[1-9][0-9]{0,3}/" if node.first else "/0|[1-9][0-9]{0,3}/")

    def word(self, node: wire.Word) -> str:
        return self.terminal(f"/{WORD}/")

    def arguments(self, node: wire.JsonArguments) -> str:
        if self.tool is None:
            return ""
        custom = self.tool.input
        if custom and custom.grammar:
            return self.rule(custom.grammar)
        lowered = self.tool.parameters.lowered
        return write_json(self, lowered, lowered, node.style)

    def document(self, node: wire.Document) -> str:
        lowered = self.context.document.lowered if self.context.document else False
        return write_json(self, lowered, lowered)

    def refusal(self, node: wire.Refusal) -> str:
        text = f"/[{wire.REFUSAL_OPENINGS}]{ANYTHING}/ & {any_bytes_without(node.without)}"
        if node.unlike:
            text += f" & {self._unlike(node.unlike)}"
        return self.closed(text, node.close) if node.close else self.terminal(text)

    def client_grammar(self, node: wire.Verbatim) -> str:
        return self.rule(self.context.client_grammar)


def _into_heads(parts: Sequence[wire.Node]) -> Sequence[wire.Node]:
    """A literal before a call becomes one lexeme with the call's head.

    Where "\\n" and "\\n</calls>" can follow, the greedy lexer takes the first for the beginning of the second.
    """
    fused: list[wire.Node] = []
    for part in parts:
        if isinstance(part, wire.Invocation) and fused and isinstance(fused[-1], wire.Lit):
            part = wire.Invocation(wire.seq(fused.pop(), part.head), part.tail)
        fused.append(part)
    return fused


_ARGUMENTS = (wire.JsonArguments, wire.Members, wire.Elements, wire.NotationArguments)
_WRITERS: Mapping[type[wire.Node], Callable[[GrammarWriter, Any], str]] = {
    wire.Lit: GrammarWriter.lit,
    wire.Space: GrammarWriter.space,
    wire.Seq: GrammarWriter.seq,
    wire.Alt: GrammarWriter.alt,
    wire.Opt: GrammarWriter.opt,
    wire.May: GrammarWriter.may,
    wire.Stray: GrammarWriter.nothing,
    wire.Ahead: GrammarWriter.nothing,
    wire.Many: GrammarWriter.many,
    wire.FreeText: GrammarWriter.text,
    wire.Unlike: GrammarWriter.unlike,
    wire.Invocation: GrammarWriter.call,
    wire.Name: GrammarWriter.name,
    wire.Id: GrammarWriter.id,
    wire.Ordinal: GrammarWriter.ordinal,
    wire.Word: GrammarWriter.word,
    wire.JsonArguments: GrammarWriter.arguments,
    wire.Members: write_members,
    wire.Key: write_key,
    wire.Typed: write_typed,
    wire.TypeName: write_type_name,
    wire.Elements: write_elements,
    wire.Value: write_value,
    wire.Wrapped: write_wrapped,
    wire.NotationArguments: write_notation_arguments,
    wire.Document: GrammarWriter.document,
    wire.Refusal: GrammarWriter.refusal,
    wire.Verbatim: GrammarWriter.client_grammar,
}
