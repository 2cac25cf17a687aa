"""One assistant turn as a request describes it: the wire format, the tools, which of them may be called, the content.

Every part knows its `pointer`: the RFC 6901 JSON pointer to it in the request that it came from, with which errors and
findings begin; "" where there is no request.
"""

from __future__ import annotations

import hashlib
import marshal
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, Literal

from turngrammar.formats.format import Format
from turngrammar.scan import dump_json
from turngrammar.schema import Schema
from turngrammar.spans import Texts

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}
NO_PARAMETERS: Mapping[str, Any] = {"type": "object", "additionalProperties": False}

Syntax = Literal["text", "lark", "regex"]
GrammarKind = Literal["regex", "choice", "grammar"]
Mode = Literal["none", "auto", "required"]
Reasoning = Literal["off", "may", "open", "closed", "answer"]
"""The state in which a prompt leaves the model.

off: it does not reason. may: it may open the block. open: the prompt has opened the block. closed: the prompt ends
behind the block and the whitespace that calls and text have in common there. answer: the prompt has opened the frame of
the answer.
"""


@dataclass(frozen=True)
class TextInput:
    """The one text that a custom tool takes: any, or what `definition` allows."""

    syntax: Syntax = "text"
    definition: str = ""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call, or, with an `input`, a custom tool.

    Attributes:
        description: changes no grammar, so tools are compared without it.
        parameters: the JSON Schema of a function's arguments, which are always an object.
        pointer: of `parameters`, or of the definition of `input`.
        name_pointer: of `name`.
    """

    name: str
    description: str = field(default="", compare=False)
    parameters: Mapping[str, Any] = field(default_factory=lambda: ANY_OBJECT)
    input: TextInput | None = None
    pointer: str = ""
    name_pointer: str = ""


@dataclass(frozen=True)
class ToolChoice:
    """Whether and which tools the model may call.

    Attributes:
        mode: "none" text only, "auto" text and then perhaps calls, "required" calls only.
        names: the tools that may be called; None: all that are offered.
        most: the maximal number of calls; None: any.
    """

    mode: Mode = "auto"
    names: tuple[str, ...] | None = None
    most: int | None = None
    pointer: str = ""


@dataclass(frozen=True)
class JsonContent:
    """Content that is one JSON value of this schema. `refusal`: or a text with which the model refuses to write it."""

    schema: Schema
    pointer: str = ""
    refusal: bool = False


@dataclass(frozen=True)
class ClientGrammar:
    """Content that matches the client's own regex or grammar, or is one of several texts; `source` has it or them."""

    kind: GrammarKind
    source: str | tuple[str, ...]
    pointer: str = ""


@dataclass(frozen=True)
class Turn:
    """What one assistant turn may be.

    Attributes:
        format: the wire format of the model.
        tools: in the order of the request.
        choice: which of them may be called.
        content: what the text beside calls must be; None: free text.
        special_tokens: the special tokens of the model's vocabulary, text -> id.
        ends: the ids of the tokens that may end the turn beside the tokenizer's own end of sequence.
        reasoning: the state in which the prompt leaves the model.
        tools_pointer: of the list of tools.
        skips_bad_tools: whether a tool that can't be compiled is left out, unless no other may be called.
        open_objects: as in `Options`, for all schemas of the turn.
        texts, grounding: likewise. The texts are None where no string has to be a span.
    """

    format: Format
    tools: tuple[Tool, ...] = ()
    choice: ToolChoice = ToolChoice()
    content: JsonContent | ClientGrammar | None = None
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    ends: tuple[int, ...] = ()
    reasoning: Reasoning = "off"
    tools_pointer: str = ""
    skips_bad_tools: bool = False
    open_objects: bool = False
    texts: Texts | None = None
    grounding: bool = False

    @property
    def constrained(self) -> bool:
        """Whether there is anything to compile: without tools and a constraint on the content, a turn is free text."""
        return bool(self.tools) or self.content is not None

    def without(self, tool: str) -> Turn:
        """The same turn without the tool of that name, which can't be called either."""
        tools = tuple(other for other in self.tools if other.name != tool)
        names = self.choice.names and tuple(name for name in self.choice.names if name != tool)
        return replace(self, tools=tools, choice=replace(self.choice, names=names))

    @cached_property
    def key(self) -> bytes:
        """A digest of every field, the whole format included: the same for equal turns in every process.

        A megabyte of schemas takes milliseconds. Schemas must be plain JSON values.
        """
        # Version 2 encodes equal values alike and different ones differently: infinity and null, 1 and 1.0.
        lists = _as_lists(self)
        try:
            encoded = marshal.dumps(lists, 2)
        except ValueError:  # Decimals
            encoded = dump_json(lists).encode()
        return hashlib.blake2b(encoded, digest_size=32).digest()


def _as_lists(value: Any) -> Any:
    """`value` in lists, without the fields that its class does not compare by."""
    if isinstance(value, Format):
        return value.key
    if isinstance(value, tuple):
        return [_as_lists(item) for item in value]
    if is_dataclass(value):
        return [
            type(value).__name__,
            *(_as_lists(getattr(value, field.name)) for field in fields(value) if field.compare),
        ]
    return value


def enclosing(pointer: str) -> str:
    """The pointer of the object or list that holds the value at `pointer`."""
    return pointer.rpartition("/")[0]


def reasoning_after(format: Format, prompt: str) -> Reasoning:
    """The state in which a rendered prompt leaves the model: reasoning is open, closed, or neither."""
    if format.answer and format.answer.open and prompt.endswith(format.answer.open):
        return "answer"
    if format.reasoning is None or prompt.rstrip().endswith(format.reasoning.close):
        return "off"
    return "open" if prompt.rstrip().endswith(format.reasoning.open.strip()) else "may"
