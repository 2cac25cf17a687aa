"""One assistant turn -> the grammar that generates it, its parser, and its last check.

Compiling is pure and cached by `Turn.key`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import msgspec

from turngrammar import lark, wire
from turngrammar.analysis import at_most
from turngrammar.bad_tools import without_bad_tools
from turngrammar.cache import Cache
from turngrammar.client import content_expression
from turngrammar.client.inputs import compile_input
from turngrammar.client.texts import TextMisfit, TextPlan
from turngrammar.errors import GrammarError, InvalidGrammar, InvalidTools, shown
from turngrammar.formats.format import Format
from turngrammar.lark import CompiledTool
from turngrammar.lazy_fields import LazyFields
from turngrammar.names import refuse_name
from turngrammar.parser import Parser
from turngrammar.render import Call
from turngrammar.scan import load_json
from turngrammar.schema import KeywordReport, Options, Schema, SchemaPlan, compile_schema
from turngrammar.schema.load import DEFAULTS
from turngrammar.schema.type_names import named_types
from turngrammar.spans import Quotation
from turngrammar.turn import ClientGrammar, JsonContent, Mode, Tool, ToolChoice, Turn, enclosing
from turngrammar.turn_tree import document_or_refusal, reasoning_openings, recovery_tree, turn_tree

MAX_CACHED = 8 * 2**20  # characters of all cached grammars together


@dataclass(frozen=True)
class TurnViolation:
    """One place where a finished turn breaks its request.

    Attributes:
        part: "content", "calls" for their number, or "call 0" and so on, counted from 0.
        pointer: the JSON pointer of the place in the content, or in the call's arguments.
        keyword: the JSON Schema keyword that is broken; "choice" for a call that the tool choice forbids or lacks;
            "grammar" for a text that its regex, choice or grammar does not allow.
        given_up: whether the engine may have given up the grammar, which is not broken then. The message has why.
    """

    part: str
    pointer: str
    keyword: str
    message: str
    given_up: bool = False

    @property
    def place(self) -> str:
        """Part and pointer for people: "call 0: /city"."""
        return f"{self.part}: {self.pointer}" if self.pointer else self.part


@dataclass(frozen=True)
class Plan(LazyFields):
    """A compiled turn.

    Attributes:
        grammar: llguidance Lark; None where there is nothing to constrain.
        report: how every keyword of the schemas is enforced; pointers go into the request.
        checked: the keywords that the grammar does not enforce, and that are checked on the finished turn.
        tree: all that the turn may be.
        recovery: how the turn is read once it has left the tree.
        tools: those that may be called.
        document: the schema of the content; None where it is not JSON.
        text: the client's own regex, choice or grammar of the content; None without one.
        free: whether the content is free text.
        refusal: whether the model may refuse to write the document.
        skipped: why each tool that was left out can't be compiled.
    """

    LAZY = ("report",)

    grammar: str | None
    report: tuple[KeywordReport, ...]
    checked: tuple[KeywordReport, ...]
    tree: wire.Node
    recovery: wire.Node
    tools: tuple[CompiledTool, ...]
    document: SchemaPlan | None
    choice: ToolChoice
    free: bool
    text: TextPlan | None = None
    skipped: tuple[GrammarError, ...] = ()
    refusal: bool = False

    def skipping(self, errors: Sequence[GrammarError]) -> Plan:
        """The plan of a turn from which the tools with these errors were left out: the report has them too."""
        rows = (KeywordReport(error.pointer, error.keyword, "refused", error.message) for error in errors)
        return replace(self, skipped=(*self.skipped, *errors), report=(*self.report, *rows))

    @property
    def exact(self) -> bool:
        """Whether the grammar enforces every keyword, so that no finished turn breaks a schema."""
        return all(schema.exact for schema in self._schemas)

    @property
    def _schemas(self) -> Sequence[SchemaPlan]:
        return [tool.parameters for tool in self.tools] + ([self.document] if self.document else [])

    @property
    def writes_free_text(self) -> bool:
        """Whether the turn may have text without a schema, beside or instead of calls."""
        return self.free and self.choice.mode != "required"

    def parser(self) -> Parser:
        """A fresh parser for one choice of the response."""
        return Parser(self.tree, self.recovery, {tool.name: tool.parameters.lowered for tool in self.tools})

    def violations(
        self, content: str | None, calls: Sequence[Call], *, whole: bool = True, refused: bool = False
    ) -> tuple[TurnViolation, ...]:
        """Everything in a turn that the request forbids.

        A turn that was cut, by a token limit or a stop string, is not `whole`: only its finished calls are checked.
        `refused`: whether the model has refused to write the document.
        """
        violations = [*self._count_violations(len(calls))] if whole else []
        for index, call in enumerate(calls):
            violations += self._call_violations(f"call {index}", call)
        if self.document and whole and not calls and not (refused and self.refusal):
            violations += _json_violations("content", content or "", self.document)
        if self.text and whole and not calls:
            violations += _text_violations("content", self.text.misfit(content or ""))
        return tuple(violations)

    def quotations(
        self, content: str | None, calls: Sequence[Call]
    ) -> tuple[Mapping[str, Quotation] | None, Sequence[Mapping[str, Quotation]] | None]:
        """Where the spans stand, by JSON pointer: into the content, and into the arguments of each call.

        None where neither the document nor any tool has spans; the content has none either if there are calls, or if
        it was cut.
        """
        if not any(schema.quotes for schema in self._schemas):
            return None, None
        if calls or not (self.document and self.document.quotes):
            by_name = {tool.name: tool.parameters for tool in self.tools}
            return None, [_quotations(call.arguments, by_name.get(call.name)) for call in calls]
        return _quotations(content or "", self.document), None

    def _count_violations(self, count: int) -> Sequence[TurnViolation]:
        choice = self.choice
        least, most = _COUNTS[choice.mode]
        most = choice.most if most is None else most
        if count < least:
            return [TurnViolation("calls", "", "choice", "a tool call is required")]
        if most is not None and count > most:
            return [TurnViolation("calls", "", "choice", f"{count} tool calls, at most {most} allowed")]
        return []

    def _call_violations(self, part: str, call: Call) -> Sequence[TurnViolation]:
        tool = next((tool for tool in self.tools if tool.name == call.name), None)
        if tool is None:
            return [TurnViolation(part, "", "choice", f"{call.name!r} is not among the tools that may be called")]
        violations = _json_violations(part, call.arguments, tool.parameters)
        if tool.input and not violations:
            return _text_violations(part, tool.input.misfit(load_json(call.arguments)), "/input")
        return violations


def compile_turn(turn: Turn, options: Options = DEFAULTS) -> Plan:
    """Pure; plans of constrained turns are cached by key. Raises GrammarError, with a pointer into the request."""
    if not turn.constrained:
        return _compile(turn, options)
    return _COMPILED.get((turn.key, options), lambda: _compile(turn, options))


def text_grammar(format: Format, special_tokens: Mapping[str, int], ends: tuple[int, ...] = ()) -> str:
    """llguidance Lark of text with a visible character, which does not open reasoning: the rest of a turn behind it."""
    unlike = reasoning_openings(format.reasoning) if format.reasoning else ()
    text = wire.FreeText("content", None, "never", visible=True, unlike=unlike)
    return lark.write_grammar(text, lark.GrammarContext((), None, special_tokens, ends))


_COMPILED: Cache[tuple[bytes, Options], Plan] = Cache(MAX_CACHED, lambda key, plan: len(plan.grammar or ""))


def _compile(turn: Turn, options: Options) -> Plan:
    _refuse_equal_names(turn.tools)
    plan, skipped = without_bad_tools(turn, partial(_compile_all, options))
    return plan.skipping(skipped)


def _compile_all(options: Options, turn: Turn) -> Plan:
    format = turn.format
    options = replace(options, open_objects=turn.open_objects, texts=turn.texts, grounding=turn.grounding)
    tools = [_compiled_tool(tool, turn, options) for tool in turn.tools]
    answer, document, text = _content_constraint(turn.content, options)
    choice, allowed = _settled_choice(turn, tools)
    calls = at_most(format.calls, choice.most) if tools else None
    refusal = isinstance(turn.content, JsonContent) and turn.content.refusal and choice.mode != "required"
    if refusal:
        answer = document_or_refusal(format, calls)
    tree = turn_tree(format, calls, choice.mode, answer, turn.reasoning)
    expression = text.expression if text else ""
    context = lark.GrammarContext(allowed, document, turn.special_tokens, turn.ends, expression, turn.texts or ())
    if document and format.alone and (tool := context.grammar_tool):
        problem = "This wire format can't distinguish a call from the answer's JSON: use a regex, or no schema."
        raise InvalidGrammar(problem).inside(enclosing(tool.pointer), tool.name)
    report = _report(turn, tools, document)
    return Plan(
        grammar=lark.write_grammar(tree, context) if calls or answer else None,
        report=report,
        checked=tuple(finding for finding in report if finding.status == "checked"),
        tree=tree,
        recovery=recovery_tree(format, calls if allowed else None),
        tools=allowed,
        document=document,
        choice=choice,
        free=answer is None,
        text=text,
        refusal=refusal,
    )


def _content_constraint(
    content: JsonContent | ClientGrammar | None, options: Options
) -> tuple[wire.Node | None, SchemaPlan | None, TextPlan | None]:
    """The node of the content, and what it generates: a schema, or a client's grammar."""
    match content:
        case JsonContent(schema, pointer):
            return wire.DOCUMENT, _document(schema, pointer, options), None
        case ClientGrammar():
            return wire.Verbatim(), None, TextPlan(content, content_expression(content))
    return None, None, None


def _document(schema: Schema, pointer: str, options: Options) -> SchemaPlan:
    try:
        return compile_schema(schema, options)
    except GrammarError as error:
        raise error.inside(pointer) from error


def _refuse_equal_names(tools: Sequence[Tool]) -> None:
    names: set[str] = set()
    for tool in tools:
        if tool.name in names:
            problem = f"Two tools are called {shown(tool.name)}. Rename one of them."
            raise InvalidTools(problem, pointer=tool.name_pointer)
        names.add(tool.name)


def _settled_choice(turn: Turn, tools: Sequence[CompiledTool]) -> tuple[ToolChoice, tuple[CompiledTool, ...]]:
    """The choice among these tools, without contradictions, and the tools that may be called."""
    choice, names = turn.choice, [tool.name for tool in tools]
    for name in choice.names or ():
        if name not in names:
            message = f"The tool choice names {shown(name)}, which is not among the tools. Offer it, or choose another."
            raise InvalidTools(message, pointer=choice.pointer)
    if choice.most is not None and choice.most < 1:
        raise InvalidTools("The maximal number of calls must be at least 1.", pointer=choice.pointer)
    allowed = tuple(tool for tool in tools if choice.names is None or tool.name in choice.names)
    if choice.mode == "none" or (choice.mode == "auto" and not allowed):
        return ToolChoice("none"), ()
    if not allowed:
        raise InvalidTools("A tool call is required, but there is no tool to call. Offer one.", pointer=choice.pointer)
    return choice, allowed


def _compiled_tool(tool: Tool, turn: Turn, options: Options) -> CompiledTool:
    refuse_name(tool, turn.format, turn.special_tokens)
    try:
        input = compile_input(tool.input) if tool.input else None
        parameters = input.parameters if input else compile_schema(_of_object(tool.parameters), options)
    except GrammarError as error:
        raise error.inside(tool.pointer, tool.name) from error
    return CompiledTool(tool.name, parameters, tool.pointer, input)


def _of_object(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, and that they are an object."""
    declared = parameters.get("type")
    types = [] if declared is None else named_types(declared)
    if types is None:
        return parameters  # an invalid schema, which compile_schema refuses
    if types and "object" not in types:
        problem = f"The parameters of a tool must allow an object; their type is {shown(declared)}."
        raise InvalidTools(problem, pointer="/type", keyword="type")
    objects = parameters if types == ["object"] else {**parameters, "type": "object"}
    if "$ref" not in parameters or "$schema" not in parameters:
        return objects
    # Up to draft 7, a `$ref` hides its siblings.
    others = {key: value for key, value in objects.items() if key != "$ref"}
    reference = {"$ref": parameters["$ref"]}
    return {**others, "allOf": [*(parameters.get("allOf") or ()), reference]}


def _report(turn: Turn, tools: Sequence[CompiledTool], document: SchemaPlan | None) -> tuple[KeywordReport, ...]:
    places = [(tool.pointer, tool.parameters) for tool in tools if tool.input is None]
    places += [(turn.content.pointer, document)] if document and turn.content else []
    return tuple(
        msgspec.structs.replace(finding, pointer=place + finding.pointer)
        for place, plan in places
        for finding in plan.report
    )


def _json_violations(part: str, text: str, plan: SchemaPlan) -> Sequence[TurnViolation]:
    try:
        instance = load_json(text)
    except ValueError as error:
        return [TurnViolation(part, "", "", f"not JSON: {error}")]
    return [TurnViolation(part, broken.pointer, broken.keyword, broken.message) for broken in plan.violations(instance)]


def _quotations(text: str, plan: SchemaPlan | None) -> Mapping[str, Quotation]:
    try:
        return plan.quotations(load_json(text)) if plan else {}
    except ValueError:  # it was cut
        return {}


def _text_violations(part: str, misfit: TextMisfit | None, pointer: str = "") -> Sequence[TurnViolation]:
    return [TurnViolation(part, pointer, "grammar", misfit.problem, misfit.given_up)] if misfit else []


_COUNTS: Mapping[Mode, tuple[int, int | None]] = {"none": (0, 0), "auto": (0, None), "required": (1, None)}
