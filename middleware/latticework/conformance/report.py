"""All that the law finds of one model: how it writes a turn, and what becomes of every case."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from latticework.conformance.cases import CASES
from latticework.conformance.settle import Settled, Verdict, settle, tried
from latticework.engines.base import Tokenizer
from latticework.prompt import ChatTemplate
from latticework.prompt.traits import Traits
from turngrammar import wire
from turngrammar.analysis import texts
from turngrammar.formats import Format, Frame
from turngrammar.notation import JSON_WORDS, Notation
from turngrammar.render import Call, render
from turngrammar.spelling import Spelling

Use = Literal["call", "thoughts", "end of turn"]

_SHOWN = Call("get_weather", json.dumps({"city": "Oslo", "days": 3}), "call0abcd")


@dataclass(frozen=True)
class Mark:
    """A token of the model that stands in its turns.

    Attributes:
        special: whether the tokenizer flags it so.
    """

    text: str
    use: Use
    id: int
    special: bool


@dataclass(frozen=True)
class Report:
    """Attributes:

    format: the name of the wire format.
    reason: what speaks for it.
    refused: what speaks against each of those that were tried before.
    marks: the tokens that calls, thoughts and ends of turns are made of.
    call: one, as its grammar has it.
    spelling: how values and whitespace are written, by what it goes for.
    thoughts: what stands around them; None where the model has none.
    history: how the chat template shows earlier turns, by what it goes for.
    verdicts: of every case.
    """

    format: str
    reason: str
    refused: tuple[str, ...]
    marks: tuple[Mark, ...]
    call: str
    spelling: Mapping[str, str]
    thoughts: Frame | None
    history: Mapping[str, str]
    verdicts: tuple[Verdict, ...]

    @property
    def tested(self) -> int:
        return sum(not verdict.skipped for verdict in self.verdicts)

    @property
    def held(self) -> int:
        """In how many of the turns that were tested all of the law holds."""
        return sum(verdict.held for verdict in self.verdicts)


def report(template: ChatTemplate, tokenizer: Tokenizer, asked: str | None = None) -> Report:
    """Takes about a second. `asked`: the name of the format that is wanted. Raises PromptError for invalid Jinja."""
    settled = settle(template, tokenizer, asked, tokenizer.response_template)
    format = settled.format
    return Report(
        format=format.name,
        reason=settled.reason,
        refused=settled.refused,
        marks=tuple(marks(format, tokenizer)),
        call=format.lead + render(format, [_SHOWN]),
        spelling=dict(_spelling(format)),
        thoughts=format.reasoning,
        history=_history(template.traits),
        verdicts=every(template, tokenizer, settled),
    )


def every(template: ChatTemplate, tokenizer: Tokenizer, settled: Settled) -> tuple[Verdict, ...]:
    """What becomes of all cases, and not just of those of the self-test."""
    return tuple(tried(template, tokenizer, settled.format, [case.name for case in CASES]))


def marks(format: Format, tokenizer: Tokenizer) -> Iterator[Mark]:
    """The added tokens that are in the texts of a format, and those that end a turn."""
    spell = tokenizer.vocabulary.matchable.decode_bytes
    ends = {token_id: spell([token_id]).decode(errors="replace") for token_id in tokenizer.ends}
    uses: Mapping[Use, str] = {
        "call": "\n".join(texts(format.calls)),
        "thoughts": "\n".join(texts(format.reasoning)),
    }
    for use, text in uses.items():
        for token, special in tokenizer.added_tokens.items():
            if token.strip() and token in text:
                yield Mark(token, use, tokenizer.encode(token)[-1], special)
    for token_id, token in ends.items():
        yield Mark(token, "end of turn", token_id, tokenizer.added_tokens.get(token, False))


def _spelling(format: Format) -> Iterator[tuple[str, str]]:
    """Each kind of node that the calls have is told once."""
    told: dict[str, str] = {}
    for node in _nodes(format.calls):
        if type(node) in _TOLD:
            told.update(_TOLD[type(node)](node))
    if format.lead:
        told["before a call"] = repr(format.lead)
    if format.history:
        told["history"] = "shows calls otherwise than the model writes them"
    yield from told.items()


def _nodes(value: Any) -> Iterator[Any]:
    if isinstance(value, tuple):
        for one in value:
            yield from _nodes(one)
    elif is_dataclass(value):
        yield value
        for field in fields(value):
            yield from _nodes(getattr(value, field.name))


def _json(spelling: Spelling) -> str:
    return f"JSON with {spelling.item!r} and {spelling.key!r}, {_ORDERS[spelling.sorts]}"


def _noted(notation: Notation) -> str:
    words = "" if notation.words == JSON_WORDS else f", {'/'.join(notation.words)}"
    return f"name{notation.pair}value, {notation.quote} around strings{words}, {_ORDERS[notation.sorts]}"


_ORDERS = {False: "keys in the order of the schema", True: "keys in alphabetical order"}


def _of_value(node: wire.Value) -> dict[str, str]:
    nested = _json(node.spelling) if node.notation is None else _noted(node.notation)
    words = {} if node.words == JSON_WORDS else {"null, true, false": ", ".join(node.words)}
    return {"arguments": "one by one, strings as they are", "lists and objects": nested, **words}


_TOLD: Mapping[type, Callable[[Any], dict[str, str]]] = {
    wire.Arguments: lambda node: {"arguments": _json(node.spelling)},
    wire.Value: _of_value,
    wire.Wrapped: _of_value,
    wire.Spelled: lambda node: {"arguments": _noted(node.notation)},
    wire.Elements: lambda node: {"arguments": "XML elements"},
}


def _history(traits: Traits) -> dict[str, str]:
    calling = traits.calling
    told = {
        "tools": "listed by the chat template" if traits.telling else "not listed: the system message lists them",
        "results": "in the role tool" if traits.results else "as a message of the user's",
        "system messages": _SYSTEM[traits.system],
    }
    if calling is None:
        return {**told, "calls": "not shown: they are written into the text, in the format"}
    shape = "JSON text" if calling.arguments == "string" else "objects"
    return {
        **told,
        "calls": f"several a message, arguments as {shape}"
        if calling.parallel
        else f"one a message, arguments as {shape}",
        "text beside calls": "shown" if calling.beside_text else "not shown",
        "thoughts": f"read from {traits.reasoning}",
    }


_SYSTEM = {
    "anywhere": "wherever they stand",
    "first": "one, at the head",
    "last": "one, in the last message of the user's",
    "never": "not shown: they go before the user's first words",
}
