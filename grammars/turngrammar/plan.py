"""One assistant turn: (format, tools, choice, schema) -> the grammar that generates it, its parser, and its last check.

Compiling is pure and cached by `Turn.key`.
"""

from __future__ import annotations

import hashlib
import json
import marshal
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any

from turngrammar import lark, wire
from turngrammar.analysis import at_most
from turngrammar.cache import Cache
from turngrammar.client.inputs import compile_input
from turngrammar.client.written import Written, expression
from turngrammar.errors import GrammarError, InvalidGrammar, InvalidTools
from turngrammar.formats import Format
from turngrammar.lark import Offer
from turngrammar.packed import Packed
from turngrammar.parser import MOST_NAME, Parser
from turngrammar.render import Call
from turngrammar.scan import load
from turngrammar.schema import KeywordReport, Schema, SchemaPlan, Violation, compile_schema
from turngrammar.tools import Tool
from turngrammar.turns import Mode, Reasoning, anything, turn_tree

TOOL_POINTER = "/tools/{}/{}"
SCHEMA_POINTER = "/response_format/json_schema/schema"
KEPT = 8 * 2**20  # characters of all cached grammars together
_NAME = re.compile(f"[A-Za-z0-9_.-]{{1,{MOST_NAME}}}")


@dataclass(frozen=True)
class ToolChoice:
    """Whether and what the model may call.

    Attributes:
        mode: "none" text only, "auto" text and then perhaps calls, "required" calls only.
        names: the tools that may be called; None: all that are offered.
        most: the maximal number of calls; None: any.
    """

    mode: Mode = "auto"
    names: tuple[str, ...] | None = None
    most: int | None = None


@dataclass(frozen=True)
class Turn:
    """What one assistant turn may be.

    Attributes:
        format: the wire format that the model speaks.
        tools: what is offered, in the order of the request.
        choice: what may be called of it.
        schema: of the document that the content must be; None: it is none.
        written: the content in a form of the client's own; None: it has none.
        answer_pointer: where the schema, or that form, stands in the request.
        special_tokens: the special tokens of the model's vocabulary, text -> id.
        ends: the ids of the tokens that may end the turn beside the tokenizer's own end of sequence.
        reasoning: "open" where the prompt has opened the block, "may" where the model may, "off" where it does not;
            "closed" behind the block, "answer" where the prompt has opened the frame of the answer.
    """

    format: Format
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = ToolChoice()
    schema: Schema | None = None
    written: Written | None = None
    answer_pointer: str = SCHEMA_POINTER
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    reasoning: Reasoning = "off"

    @property
    def constrained(self) -> bool:
        """Whether there is anything to compile: without tools, a schema or a form, a turn is free text."""
        return bool(self.tools) or self.schema is not None or self.written is not None

    @cached_property
    def key(self) -> bytes:
        """A digest of every field, the whole format included: the same for equal turns in every process.

        It takes milliseconds for a megabyte of schemas. Schemas must be plain JSON values.
        """
        # Version 2 encodes equal values alike and different ones differently: infinity and null, 1 and 1.0.
        return hashlib.blake2b(marshal.dumps(_plain(self), 2), digest_size=32).digest()


def _plain(value: Any) -> Any:
    """`value` in lists, without the fields that its class does not compare by."""
    if isinstance(value, Format):
        return value.key
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return [type(value).__name__, *(_plain(getattr(value, field.name)) for field in fields(value) if field.compare)]
    return value


@dataclass(frozen=True)
class Plan(Packed):
    """A turn, compiled.

    Attributes:
        grammar: llguidance Lark; None where there is nothing to constrain.
        report: what became of every keyword of the schemas; pointers go into the request.
        checked: those of them that are merely checked, on the finished turn.
        free: whether the content is free text.
    """

    BULKY = ("report",)

    grammar: str | None
    report: tuple[KeywordReport, ...]
    checked: tuple[KeywordReport, ...]
    tree: wire.Node
    recovery: wire.Node
    offers: tuple[Offer, ...]
    document: SchemaPlan | None
    choice: ToolChoice
    free: bool

    @property
    def exact(self) -> bool:
        """The grammar alone decides: no keyword is merely checked on the finished turn."""
        schemas = [offer.parameters for offer in self.offers] + ([self.document] if self.document else [])
        return all(schema.exact for schema in schemas)

    def parser(self) -> Parser:
        """A fresh parser for one choice of the response."""
        return Parser(self.tree, self.recovery, {offer.name: offer.parameters.lowered for offer in self.offers})

    def violations(self, content: str | None, calls: Sequence[Call], *, whole: bool = True) -> tuple[Violation, ...]:
        """Everything in a turn that the request forbids; pointers go into the message.

        A turn that was cut, by a token limit or a stop string, is not `whole`: it is held to its finished calls alone.
        """
        found = [*self._counts(len(calls))] if whole else []
        for index, call in enumerate(calls):
            found += self._call_violations(f"/tool_calls/{index}/function", call)
        if self.document and whole and not calls:
            found += _document_violations("/content", content or "", self.document)
        return tuple(found)

    def _counts(self, count: int) -> Sequence[Violation]:
        choice = self.choice
        least, most = _COUNTS[choice.mode]
        most = choice.most if most is None else most
        if count < least:
            return [Violation("/tool_calls", "tool_choice", "a tool call is required")]
        if most is not None and count > most:
            return [Violation("/tool_calls", "tool_choice", f"{count} tool calls, at most {most} allowed")]
        return []

    def _call_violations(self, pointer: str, call: Call) -> Sequence[Violation]:
        offer = next((offer for offer in self.offers if offer.name == call.name), None)
        if offer is None:
            return [
                Violation(f"{pointer}/name", "tool_choice", f"{call.name!r} is not among the tools that may be called")
            ]
        found = _document_violations(f"{pointer}/arguments", call.arguments, offer.parameters)
        if offer.input and not found and not offer.input.allows(load(call.arguments)):
            return [Violation(f"{pointer}/arguments/input", "format", "the input is not in its tool's grammar")]
        return found


def compile_turn(turn: Turn) -> Plan:
    """Pure; plans of constrained turns are cached by key. Raises GrammarError; its pointer goes into the request."""
    if not turn.constrained:
        return _compile(turn)
    return _COMPILED.get(turn.key, lambda: _compile(turn))


_COMPILED: Cache[bytes, Plan] = Cache(KEPT, lambda key, plan: len(plan.grammar or ""))


def _compile(turn: Turn) -> Plan:
    format, where = turn.format, turn.answer_pointer
    tools = [_offer(index, tool) for index, tool in enumerate(turn.tools)]
    written = _expression(where, turn.written)
    document = None if turn.schema is None else _compiled(where, turn.schema)
    choice, offers = _settled(turn.choice, tools)
    calls = at_most(format.calls, choice.most) if tools else None
    answer = wire.DOCUMENT if document else wire.Written() if written else None
    tree = turn_tree(format, calls, choice.mode, answer, turn.reasoning)
    filling = lark.Filling(offers, document, turn.special_tokens, turn.ends, written)
    if document and format.alone and filling.ruled:
        message = "In this wire format a call can't be told from the answer's JSON: use a regex, or no schema."
        raise InvalidGrammar(message, pointer=f"{filling.ruled.pointer}/format/grammar")
    report = _report(tools, where, document)
    return Plan(
        grammar=lark.write(tree, filling) if calls or answer else None,
        report=report,
        checked=tuple(finding for finding in report if finding.status == "checked"),
        tree=tree,
        recovery=anything(format, calls if offers else None),
        offers=offers,
        document=document,
        choice=choice,
        free=answer is None,
    )


def _settled(choice: ToolChoice, tools: Sequence[Offer]) -> tuple[ToolChoice, tuple[Offer, ...]]:
    """The choice as it stands for these tools, and the tools that may be called."""
    names = [tool.name for tool in tools]
    for name in choice.names or ():
        if name not in names:
            raise InvalidTools(f"the tool choice names {name!r}, which is not among the tools", pointer="/tool_choice")
    for index, name in enumerate(names):
        if name in names[:index]:
            raise InvalidTools(f"two tools are called {name!r}", pointer=_name_pointer(index, tools[index]))
    if choice.most is not None and choice.most < 1:
        raise InvalidTools("the maximal number of calls must be at least 1", pointer="/tool_choice")
    offers = tuple(tool for tool in tools if choice.names is None or tool.name in choice.names)
    if choice.mode == "none" or (choice.mode == "auto" and not offers):
        return ToolChoice("none"), ()
    if not offers:
        raise InvalidTools("a tool call is required, but there is no tool to call", pointer="/tool_choice")
    return choice, offers


def _name_pointer(index: int, tool: Offer) -> str:
    return TOOL_POINTER.format(index, "custom" if tool.input else "function") + "/name"


def _offer(index: int, tool: Tool) -> Offer:
    pointer = TOOL_POINTER.format(index, "custom" if tool.input else "function")
    if not _NAME.fullmatch(tool.name):
        raise InvalidTools(f"{tool.name!r} can't name a tool: it must match {_NAME.pattern}", pointer=f"{pointer}/name")
    if tool.input:
        input = compile_input(tool.input, pointer)
        return Offer(tool.name, input.parameters, pointer, input)
    place = f"{pointer}/parameters"
    return Offer(tool.name, _compiled(place, _of_object(place, tool.parameters)), place)


def _of_object(pointer: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, and an object."""
    types = parameters.get("type", "object")
    if not isinstance(types, str | list):
        return parameters  # no schema: compile_schema says so
    if "object" not in ([types] if isinstance(types, str) else types):
        raise InvalidTools("the parameters of a tool must allow an object", pointer=f"{pointer}/type", keyword="type")
    if "$ref" not in parameters:
        return {**parameters, "type": "object"}
    # Up to draft 7, a `$ref` hides its siblings.
    others = {key: value for key, value in parameters.items() if key != "$ref"}
    reference = {"$ref": parameters["$ref"]}
    return {**others, "type": "object", "allOf": [reference, *parameters.get("allOf", ())]}


def _compiled(pointer: str, schema: Schema) -> SchemaPlan:
    """Compiles a copy, which no later change of the caller's reaches. Errors point into the request."""
    try:
        return compile_schema(json.loads(json.dumps(schema)))
    except GrammarError as error:
        raise type(error)(error.message, pointer=pointer + error.pointer, keyword=error.keyword) from error


def _expression(pointer: str, written: Written | None) -> str:
    """The content's form in Lark, whose errors point into the request; "" where it has none."""
    try:
        return expression(written) if written else ""
    except GrammarError as error:
        raise type(error)(error.message, pointer=pointer) from error


def _report(tools: Sequence[Offer], where: str, document: SchemaPlan | None) -> tuple[KeywordReport, ...]:
    places = [(tool.pointer, tool.parameters) for tool in tools if tool.input is None]
    places += [(where, document)] if document else []
    return tuple(replace(finding, pointer=place + finding.pointer) for place, plan in places for finding in plan.report)


def _document_violations(pointer: str, text: str, plan: SchemaPlan) -> Sequence[Violation]:
    try:
        instance = load(text)
    except ValueError as error:
        return [Violation(pointer, "", f"not JSON: {error}")]
    return [replace(violation, pointer=pointer + violation.pointer) for violation in plan.violations(instance)]


_COUNTS: Mapping[Mode, tuple[int, int | None]] = {"none": (0, 0), "auto": (0, None), "required": (1, None)}
