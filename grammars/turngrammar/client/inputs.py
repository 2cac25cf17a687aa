"""The input of a custom tool: instead of arguments one text, perhaps of the client's own regex or grammar.

In the wire format it is the argument `input` of a normal call: as JSON, `{"input": "the text"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from turngrammar import client
from turngrammar.client.json_string_grammar import grammar_in_json_string
from turngrammar.client.texts import TextMisfit, grammar_misfit
from turngrammar.lark.json_values import schema_grammar
from turngrammar.schema import SchemaPlan, compile_schema
from turngrammar.terminals.expressions import quoted
from turngrammar.turn import Syntax, TextInput

SCHEMA: Mapping[str, Any] = {
    "type": "object",
    "properties": {"input": {"type": "string"}},
    "required": ["input"],
    "additionalProperties": False,
}
_OPENING, _CLOSING = quoted('{"input": "'), quoted('"}')


@dataclass(frozen=True)
class InputPlan:
    """A compiled input.

    Attributes:
        parameters: the schema of the arguments.
        grammar: the Lark expression of the arguments as JSON, where the schema is not exact; or else "".
        text: the Lark grammar of the text by itself; "" for any text.
    """

    parameters: SchemaPlan
    grammar: str = ""
    text: str = ""

    def misfit(self, arguments: Any) -> TextMisfit | None:
        """Why the input does not allow these arguments, which fit the schema; None where it does."""
        return grammar_misfit(self.text, arguments["input"]) if self.text else None


def compile_input(input: TextInput) -> InputPlan:
    """Raises InvalidGrammar for an invalid definition, or one that a JSON string can't hold."""
    return _COMPILERS[input.syntax](input.definition)


def _text_input(definition: str) -> InputPlan:
    return InputPlan(compile_schema(SCHEMA))


def _regex_input(definition: str) -> InputPlan:
    """Whole texts match, so that anchors at the two ends are redundant."""
    closed = definition.endswith("$") and (len(definition) - len(definition[:-1].rstrip("\\"))) % 2
    pattern = definition.removeprefix("^")[: -1 if closed else None]
    text = f"start: {client.regex_expression(pattern)}"
    lowered = {**SCHEMA, "properties": {"input": {"type": "string", "regex": pattern}}}
    plan = replace(compile_schema(SCHEMA), lowered=lowered)
    client.validate_lark(schema_grammar(plan.lowered))
    return InputPlan(plan, text=text)


def _lark_input(definition: str) -> InputPlan:
    client.validate_lark(definition)
    inside = client.nested_grammar(grammar_in_json_string(definition))
    return InputPlan(compile_schema(SCHEMA), f"{_OPENING} {inside} {_CLOSING}", definition)


_COMPILERS: Mapping[Syntax, Callable[[str], InputPlan]] = {
    "text": _text_input,
    "regex": _regex_input,
    "lark": _lark_input,
}
