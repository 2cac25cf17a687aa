"""What the writers of all nodes share: the lexemes of a turn, and the tool and argument that is being written.

Free text needs care, since llguidance's lexer is greedy: a text and the literal that ends it are one lazy lexeme, and
a text that runs to the end of the turn is a lexeme that can't hold that literal. A special token is `<[id]>`; no other
lexeme matches it.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from turngrammar import wire
from turngrammar.errors import PLACE_LENGTH, InvalidGrammar, RefusedSchema, cut
from turngrammar.lark.rule_set import RuleSet
from turngrammar.lowered import Lowered
from turngrammar.schema import SchemaPlan
from turngrammar.spans import Texts
from turngrammar.terminals.expressions import ANYTHING, VISIBLE, any_text, join, quoted
from turngrammar.terminals.strings import Branch
from turngrammar.terminals.trial import is_empty
from turngrammar.turn import enclosing

if TYPE_CHECKING:
    from turngrammar.client.inputs import InputPlan


@dataclass(frozen=True)
class CompiledTool:
    """A tool that the model may call in this turn, its parameters compiled.

    `input` is a custom tool's. `pointer` is the tool's: of the parameters, or of the definition of the input.
    """

    name: str
    parameters: SchemaPlan
    pointer: str
    input: InputPlan | None = None


@dataclass(frozen=True)
class GrammarContext:
    """What the leaves of a tree generate in one turn.

    Attributes:
        tools: the tools that may be called.
        document: the schema of the content, where it is a document.
        special_tokens: the special tokens of the vocabulary, text -> id.
        ends: the ids of the tokens that may end the turn beside the tokenizer's own, which the matcher knows.
        client_grammar: the Lark expression of the content, where the client sent a grammar of its own.
        texts: those of the spans.
    """

    tools: tuple[CompiledTool, ...]
    document: SchemaPlan | None
    special_tokens: Mapping[str, int]
    ends: tuple[int, ...] = ()
    client_grammar: str = ""
    texts: Texts = ()

    @property
    def grammar_tool(self) -> CompiledTool | None:
        """A custom tool whose input has a grammar, which no schema can express."""
        return next((tool for tool in self.tools if tool.input and tool.input.grammar), None)


@dataclass(frozen=True)
class Argument:
    """One argument, in one of its two forms: as a string, or as a value of another type.

    Attributes:
        name: None where the schema leaves it free.
        names: the terminal expression of a free name.
        strings: the branches of its schema that are strings, where only their text distinguishes them from the others.
        others: the branches of other types, where that is so.
        string: whether this is the form of strings.
    """

    name: str | None
    names: str
    strings: tuple[Branch, ...]
    others: tuple[Branch, ...]
    string: bool

    @property
    def mixed(self) -> bool:
        return bool(self.strings and self.others)


class RuleWriter(RuleSet, ABC):
    """Collects rules while a tree is walked.

    Attributes:
        context: what the leaves generate.
        tool: the tool whose call is being written; None outside calls.
    """

    def __init__(self, context: GrammarContext, tokens: Sequence[str]) -> None:
        """`tokens` are the special ones that the grammar may need."""
        super().__init__(context.texts)
        self.context = context
        self.tool: CompiledTool | None = None
        self._argument: Argument | None = None
        self._literals: dict[str, str] = {}
        longest_first = sorted(tokens, key=len, reverse=True)
        self._tokens = re.compile(f"({'|'.join(map(re.escape, longest_first))})" if tokens else r"((?!))")

    @abstractmethod
    def walk(self, node: wire.Node) -> str:
        """The Lark expression of `node`, "" where it generates nothing."""

    def literal(self, text: str) -> str:
        """The format's own text, special tokens in it as such."""
        if text not in self._literals:
            self._literals[text] = join(*map(self._lexeme, self._tokens.split(text)))
        return self._literals[text]

    def up_to_token(self, text: str) -> str:
        """The format's own text up to the end of its last special token; "" without any."""
        return text[: max((token.end() for token in self._tokens.finditer(text)), default=0)]

    def _lexeme(self, piece: str) -> str:
        """A special token, or a text without any."""
        if self._tokens.fullmatch(piece):
            return f"<[{self.context.special_tokens[piece]}]>"
        return quoted(piece) if piece else ""

    def client_text(self, text: str, markup: str) -> str:
        """A client's text, in which nothing but `markup` may be a special token."""
        if not self._tokens.fullmatch(markup):
            return quoted(text)
        pieces = re.split(f"({re.escape(markup)})", text)
        return join(*(self._lexeme(piece) if piece == markup else quoted(piece) for piece in pieces if piece))

    def fused(self, text: str, end: str) -> str:
        """A client's text and the literal behind it: one lexeme, up to the first special token."""
        cut = self._before_token(end)
        return join(quoted(text + end[:cut]), self.literal(end[cut:]))

    def _before_token(self, end: str) -> int:
        """The index of its first special token. That ends a lexeme by itself, so nothing has to be fused from there."""
        token = self._tokens.search(end)
        return token.start() if token else len(end)

    def closed(self, terminal: str, end: str) -> str:
        """Text that a terminal expression describes, up to the literal `end`, which it does not hold: one lexeme."""
        cut = self._before_token(end)
        text, rest = self.literal(end[:cut]), self.literal(end[cut:])
        body = f"({terminal}) & {any_bytes_without((end,))}"
        lexeme = self.terminal(f"({body}) {text}" if text else body)
        return join(lexeme if rest else self.rule(lexeme, "[lazy]"), rest)

    def closed_value(
        self, terminal: str, end: str, what: str, keyword: str = "properties", texts: Iterable[str] = ()
    ) -> str:
        """The same, of a client's texts, of which `texts` are some. Raises RefusedSchema where each holds the literal.

        A trial takes a millisecond, so there is none where one of `texts` shows the result.
        """
        if all(end in text for text in texts) and is_empty(f"({terminal}) & {any_bytes_without((end,))}"):
            raise self.unwritable(what, end, keyword)
        return self.closed(terminal, end)

    @property
    def parameters(self) -> Lowered:
        """The lowered schema of the current tool."""
        assert self.tool
        if self.tool.input and self.tool.input.grammar:
            message = "A Lark grammar needs a wire format that writes arguments as JSON: use a regex instead."
            raise InvalidGrammar(message).inside(enclosing(self.tool.pointer), self.tool.name)
        return self.tool.parameters.lowered

    @property
    def argument(self) -> Argument:
        """The current argument."""
        assert self._argument
        return self._argument

    @argument.setter
    def argument(self, argument: Argument) -> None:
        self._argument = argument

    def unwritable(self, what: str, end: str, keyword: str = "properties") -> RefusedSchema:
        """The error for a client's text that the format can't express."""
        assert self.tool
        problem = f"This wire format can't write {cut(what, PLACE_LENGTH)}: {end!r} would end it. Change {keyword}."
        return RefusedSchema(problem, keyword=keyword).inside(self.tool.pointer, self.tool.name)


def any_bytes_without(texts: tuple[str, ...]) -> str:
    """The terminal expression of anything without these texts, to be intersected with one of text.

    Alone it matches special tokens too: a complement is one of all bytes, and llguidance encodes those with 0xFF.
    """
    return f"~/{ANYTHING}{any_text(texts)}{ANYTHING}/" if texts else f"/{ANYTHING}/"


def text_without(texts: tuple[str, ...], *, visible: bool = False) -> str:
    """The same, of text alone. `visible`: it has at least one visible character."""
    text = f"/{VISIBLE if visible else ANYTHING}/"
    return f"{text} & {any_bytes_without(texts)}" if texts else text
