"""Notations in which some formats write JSON's values instead of JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from turngrammar.scan import dump_json, dump_scalar

# word -> (type, JSON). Python's words too: some chat templates show them.
WORDS: Mapping[str, tuple[str, str]] = {
    **dict.fromkeys(("null", "None"), ("null", "null")),
    **dict.fromkeys(("true", "True"), ("boolean", "true")),
    **dict.fromkeys(("false", "False"), ("boolean", "false")),
}
JSON_WORDS, PYTHON_WORDS = ("null", "true", "false"), ("None", "True", "False")
NEEDS_ESCAPE = re.compile(r"['\\\x00-\x1f\x7f]")
BARE_NAME = re.compile(r"[^\x00-\x20\"'<=:,(){}\[\]]+")


@dataclass(frozen=True)
class Notation:
    """How values are written. Numbers and brackets are JSON's in every notation.

    Attributes:
        pair: between the name of an argument and its value.
        colon: between a key and its value within an object.
        comma: between two arguments, items or members.
        quote: at both ends of a string.
        escapes: whether strings have JSON's escapes; else they are verbatim and can't hold the quote.
        bare_keys: whether the keys of an object have no quotes.
        words: for null, true and false.
        sort_keys: whether arguments and members are in alphabetical order.
    """

    pair: str
    colon: str
    comma: str
    quote: str
    escapes: bool
    bare_keys: bool
    words: tuple[str, str, str]
    sort_keys: bool = False

    @property
    def loose(self) -> bool:
        """Whether JSON may be generated too: templates that write Python's literals mix the two."""
        return self.quote == "'"

    def encode(self, value: Any) -> str:
        """The canonical text of a JSON value."""
        if isinstance(value, str):
            return self.encode_string(value)
        if isinstance(value, dict):
            members = (self.encode_key(key) + self.encode(item) for key, item in self._ordered(value))
            return "{" + self.comma.join(members) + "}"
        if isinstance(value, list):
            return "[" + self.comma.join(map(self.encode, value)) + "]"
        word = self._word(value)
        return dump_json(value) if word is None else word

    def encode_arguments(self, arguments: Mapping[str, Any]) -> str:
        return self.comma.join(
            self.encode_name(name) + self.pair + self.encode(value) for name, value in self._ordered(arguments)
        )

    def _ordered(self, members: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
        return sorted(members.items()) if self.sort_keys else members.items()

    def encode_name(self, name: str) -> str:
        """The name of an argument, without quotes where that can be read."""
        return name if BARE_NAME.fullmatch(name) else self.encode_string(name)

    def encode_key(self, key: str) -> str:
        """A key within an object, with its colon."""
        return (self.encode_name(key) if self.bare_keys else self.encode_string(key)) + self.colon

    def encode_string(self, text: str) -> str:
        if not self.escapes or (self.quote == "'" and not NEEDS_ESCAPE.search(text)):
            return f"{self.quote}{text}{self.quote}"
        return dump_scalar(text)

    def _word(self, value: Any) -> str | None:
        return next((word for of, word in zip((None, True, False), self.words, strict=True) if value is of), None)


PYTHON = Notation("=", ": ", ", ", '"', escapes=True, bare_keys=False, words=PYTHON_WORDS)
"""Python's literals. Strings have double quotes when generated, since then JSON's escapes are right in them too."""

OLMO = replace(PYTHON, words=JSON_WORDS)
"""Python's, but for its words."""

GEMMA4 = Notation(":", ":", ",", '<|"|>', escapes=False, bare_keys=True, words=JSON_WORDS)
"""`{city:<|"|>Oslo<|"|>,days:3}`; the quote is a special token of the model."""

PYTHON_SINGLE = replace(PYTHON, quote="'")
"""Python's literals as its own `repr` writes them: a string has double quotes only where it holds a single one.

A string that needs escapes too is written as JSON, which Python reads as well.
"""

FUNCTION_GEMMA = replace(GEMMA4, quote="<escape>")

NOTATIONS = (PYTHON, PYTHON_SINGLE, OLMO, GEMMA4, FUNCTION_GEMMA)
"""The notations that chat templates use."""

ITEM = "item"


def encode_elements(mark: str, value: Any) -> str:
    """The content of an element with this value: see wire.Elements."""
    if isinstance(value, str):
        return value
    if not isinstance(value, dict | list):
        return dump_json(value)
    inside = value.items() if isinstance(value, dict) else ((ITEM, item) for item in value)
    return "".join(encode_element(mark, name, member) for name, member in inside)


def encode_element(mark: str, name: str, value: Any) -> str:
    return f"{mark}<{name}>{encode_elements(mark, value)}{mark}</{name}>"
