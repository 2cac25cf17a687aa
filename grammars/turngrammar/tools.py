"""A tool as the compiler sees it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ANY_OBJECT: Mapping[str, Any] = {"type": "object"}


Syntax = Literal["text", "lark", "regex"]


@dataclass(frozen=True)
class Input:
    """The one text that a custom tool takes: any, or what `definition` allows."""

    syntax: Syntax = "text"
    definition: str = ""


@dataclass(frozen=True)
class Tool:
    """A function that the model may call, or, with an `input`, a custom tool.

    `parameters` is the JSON Schema of a function's arguments, which are always an object. `description` changes no
    grammar, so tools are compared without it.
    """

    name: str
    description: str = field(default="", compare=False)
    parameters: Mapping[str, Any] = field(default_factory=lambda: ANY_OBJECT)
    input: Input | None = None
