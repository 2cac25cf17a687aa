"""Describes how a model writes turns, and runs all cases of the conformance check."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from latticework.conformance import ALL_CASES, CaseResult, select_format
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from latticework.prompt.capabilities import Capabilities
from turngrammar import wire
from turngrammar.analysis import texts
from turngrammar.formats import Format, Frame
from turngrammar.json_style import JsonStyle
from turngrammar.notation import JSON_WORDS, Notation
from turngrammar.render import Call, render

MarkUse = Literal["call", "reasoning", "end of turn"]

_SAMPLE_CALL = Call("get_weather", json.dumps({"city": "Oslo", "days": 3}), "call0abcd")


@dataclass(frozen=True)
class Mark:
    """A token of the model that frames parts of its turns.

    Attributes:
        special: whether the tokenizer flags it as special.
    """

    text: str
    use: MarkUse
    id: int
    special: bool


@dataclass(frozen=True)
class ModelReport:
    """Attributes:

    format: the name of the wire format.
    reason: why it was selected.
    rejected: why each candidate before it was not selected.
    marks: the tokens that frame calls and reasoning, and those that end turns.
    call: a sample call in the format.
    notation: how the format encodes values and whitespace, by kind.
    reasoning: the literals around reasoning; None where the model has none.
    history: how the chat template renders earlier messages, by kind.
    results: of every case.
    """

    format: str
    reason: str
    rejected: tuple[str, ...]
    marks: tuple[Mark, ...]
    call: str
    notation: Mapping[str, str]
    reasoning: Frame | None
    history: Mapping[str, str]
    results: tuple[CaseResult, ...]

    @property
    def tested(self) -> int:
        return sum(not result.skipped for result in self.results)

    @property
    def passed(self) -> int:
        """Number of tested cases in which all checks passed."""
        return sum(result.passed for result in self.results)


def report_model(template: ChatTemplate, tokenizer: Tokenizer, setting: str | None = None) -> ModelReport:
    """Takes about a second. `setting`: the name of a format to select. Raises PromptError for invalid Jinja."""
    selected = select_format(template, tokenizer, setting, tokenizer.response_template, ALL_CASES)
    format = selected.format
    return ModelReport(
        format=format.name,
        reason=selected.reason,
        rejected=selected.rejected,
        marks=tuple(turn_marks(format, tokenizer)),
        call=format.lead + render(format, [_SAMPLE_CALL]),
        notation=_describe_notations(format),
        reasoning=format.reasoning,
        history=_describe_history(template.capabilities),
        results=selected.results,
    )


def turn_marks(format: Format, tokenizer: Tokenizer) -> Iterator[Mark]:
    """The added tokens in the literals of a format, and those that end a turn."""
    decode = tokenizer.vocabulary.matchable.decode_bytes
    ends = {token_id: decode([token_id]).decode(errors="replace") for token_id in tokenizer.ends}
    uses: Mapping[MarkUse, str] = {
        "call": "\n".join(texts(format.calls)),
        "reasoning": "\n".join(texts(format.reasoning)),
    }
    for use, text in uses.items():
        for token, special in tokenizer.added_tokens.items():
            if token.strip() and token in text:
                yield Mark(token, use, tokenizer.encode(token)[-1], special)
    for token_id, token in ends.items():
        yield Mark(token, "end of turn", token_id, tokenizer.added_tokens.get(token, False))


def _describe_notations(format: Format) -> dict[str, str]:
    lines: dict[str, str] = {}
    for node in _tree_nodes(format.calls):
        if type(node) in _NODE_NOTATIONS:
            lines.update(_NODE_NOTATIONS[type(node)](node))
    if format.lead:
        lines["before a call"] = repr(format.lead)
    if format.history:
        lines["history"] = "calls are not rendered as the model writes them"
    return lines


def _tree_nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for item in value:
            yield from _tree_nodes(item)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _tree_nodes(getattr(value, field.name))


def _describe_json(style: JsonStyle) -> str:
    return f"JSON with {style.item_separator!r} and {style.key_separator!r}, {_KEY_ORDERS[style.sort_keys]}"


def _describe_notation(notation: Notation) -> str:
    words = "" if notation.words == JSON_WORDS else f", {'/'.join(notation.words)}"
    return f"name{notation.pair}value, {notation.quote} around strings{words}, {_KEY_ORDERS[notation.sort_keys]}"


_KEY_ORDERS = {False: "keys in schema order", True: "keys in alphabetical order"}


def _describe_value(node: wire.Value) -> dict[str, str]:
    nested = _describe_json(node.style) if node.notation is None else _describe_notation(node.notation)
    words = {} if node.words == JSON_WORDS else {"null, true, false": ", ".join(node.words)}
    return {"arguments": "one by one, strings without quotes", "lists and objects": nested, **words}


_NODE_NOTATIONS: Mapping[type, Callable[[Any], dict[str, str]]] = {
    wire.JsonArguments: lambda node: {"arguments": _describe_json(node.style)},
    wire.Value: _describe_value,
    wire.Wrapped: _describe_value,
    wire.NotationArguments: lambda node: {"arguments": _describe_notation(node.notation)},
    wire.Elements: lambda node: {"arguments": "XML elements"},
}


def _describe_history(capabilities: Capabilities) -> dict[str, str]:
    shape = capabilities.calls
    lines = {
        "tools": "listed by the chat template"
        if capabilities.tool_input
        else "listed by latticework in the system message",
        "results": "in the tool role" if capabilities.tool_role else "as user messages",
        "system messages": _SYSTEM_POSITIONS[capabilities.system],
    }
    if shape is None:
        return {**lines, "calls": "not rendered: latticework adds them to the text, in the format"}
    count = "several" if shape.parallel else "one"
    arguments = "JSON text" if shape.arguments == "string" else "objects"
    return {
        **lines,
        "calls": f"{count} per message, arguments as {arguments}",
        "text beside calls": "rendered" if shape.with_text else "not rendered",
        "reasoning": f"read from {capabilities.reasoning_key}",
    }


_SYSTEM_POSITIONS = {
    "anywhere": "wherever they are",
    "first": "one, as the first message",
    "last": "one, in the last user message",
    "never": "not rendered: their text is added to the first user message",
}
