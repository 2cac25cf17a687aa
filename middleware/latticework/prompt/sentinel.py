"""Distinguishes a client's text from the template's markup in the rendered prompt.

A user who writes `<|im_end|>` must not end a turn. So before the template is rendered, a sentinel is inserted into the
client's texts, after each character with which markup could begin: a character that the request does not contain. In
the rendered text, markup without sentinels is the template's. Then the sentinels are removed.

Templates that cut parts out of a text, as Nemotron Nano 2's does with `/think`, can't make markup of the rest; and
JSON's escapes in the arguments of calls can't hide it. Some templates assemble markup around a client's text, as
Qwen3-Coder's does with `<` and a schema's key; a text that could complete such markup gets a sentinel at its start too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from latticework.engines.markup import pattern
from latticework.prompt.jinja_template import PromptError
from latticework.prompt.tool_messages import is_json_object

# Unicode's noncharacters, then its characters for private use.
_SENTINELS = (*map(chr, range(0xFDD0, 0xFDF0)), *map(chr, range(0xE000, 0xF900)))
_JSON_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_JSON_STRING = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
# Keys that templates look up.
_KEYS = """
    $defs $ref additionalProperties allOf anyOf arguments const content custom default definition description enum
    examples exclusiveMaximum exclusiveMinimum format function grammar id input items maximum maxItems maxLength minimum
    minItems minLength name nullable oneOf parameters pattern prefixItems properties reasoning reasoning_content refusal
    required response return role strict syntax text thinking title tool_call_id tool_calls tools type
"""
_LOOKED_UP = frozenset(_KEYS.split())


class Prompt(msgspec.Struct, frozen=True):
    """The prompt of one request.

    Attributes:
        text: all of it.
        segments: `text` in pieces, if a client's text in it looks like markup: text in which no markup counts and the
            template's markup, alternating. Empty if all markup in `text` is the template's.
        begun: the text that the answer continues, with which `text` ends; None if it is a message of its own.
    """

    text: str
    segments: tuple[str, ...] = ()
    begun: str | None = None


@dataclass(frozen=True)
class TemplateMarkup:
    """The markup of one model, and what its chat template does with it.

    Attributes:
        markup: the texts of the vocabulary's markup, at least one.
        literals: all literal texts of the template.
        searched: those of them that it may search for in a client's text.
    """

    markup: frozenset[str]
    literals: frozenset[str] = frozenset()
    searched: frozenset[str] = frozenset()

    def sentinel(self, *values: Any) -> Sentinel:
        """A sentinel for a request with the strings in `values`.

        Raises:
            PromptError: they contain every character that could be one.
        """
        usual, escaped = _SENTINELS[0], _escaped_in_json(_SENTINELS[0])
        needed, taken = bool(self._missing_ends or self._other_starts), False
        for text in _strings(values):
            needed = needed or any(sign in text for sign in self._signs)
            taken = taken or usual in text or escaped in text
        return Sentinel(self, unused_character(values) if taken else usual, needed)

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches markup, as its only group."""
        return re.compile(f"({pattern(self.markup)})")

    def marked(self, text: str, sentinel: str) -> str:
        """`text` with `sentinel` after each character with which markup could begin.

        Where markup begins with a letter or a digit, only the starts of whole markup count. Texts that the template
        searches for stay as they are, unless they could be the beginning of markup.
        """
        marked = self._marked_symbols(text, sentinel)
        if sentinel in marked:
            for literal in self._unmarked:
                kept = literal[0] + self._marked_symbols(literal[1:], sentinel)
                marked = marked.replace(self._marked_symbols(literal, sentinel), kept)
        return self._other_starts.sub(rf"\g<0>{sentinel}", marked) if self._other_starts else marked

    def _marked_symbols(self, text: str, sentinel: str) -> str:
        for symbol in self._symbols:
            text = text.replace(symbol, symbol + sentinel)
        return text

    @cached_property
    def _signs(self) -> tuple[str, ...]:
        """A text without any of these needs no sentinel."""
        return (*self._symbols, "\\u")

    @cached_property
    def _symbols(self) -> frozenset[str]:
        """The first characters of markup that are no letters, digits, backslashes or quotation marks."""
        return frozenset(text[0] for text in self.markup if not text[0].isalnum() and text[0] not in '\\"')

    @cached_property
    def _other_starts(self) -> re.Pattern[str] | None:
        """Matches the first character of markup that begins with none of `_symbols`."""
        others = pattern(text for text in self.markup if text[0] not in self._symbols)
        return re.compile(f"(?={others}).", re.DOTALL) if others else None

    @cached_property
    def _unmarked(self) -> tuple[str, ...]:
        return tuple(text for text in self.searched if self._starts_no_markup(text))

    def _starts_no_markup(self, text: str) -> bool:
        return text[:1] in self._symbols and not any(
            marker.startswith(text) or text.startswith(marker) for marker in self.markup
        )

    def is_symbol(self, code: str) -> bool:
        """Whether markup could begin with the character of JSON's `\\uXXXX`."""
        return chr(int(code, 16)) in self._symbols

    def completes(self, text: str) -> bool:
        """Whether `text` could complete markup that the template has begun."""
        return text in self._missing_parts or any(text[:size] in self._missing_ends for size in self._missing_sizes)

    @cached_property
    def _missing_ends(self) -> frozenset[str]:
        """The ends of markup of which the template prints the beginning alone."""
        beginnings = {marker[:size] for marker in self.markup for size in range(1, len(marker))}
        longest = max(map(len, self.markup))
        ends = {text[-size:] for text in self.literals for size in range(1, min(longest, len(text) + 1))}
        begun = ends & beginnings
        return frozenset(
            marker.removeprefix(beginning)
            for beginning in begun
            for marker in self.markup - begun
            if marker.startswith(beginning)
        )

    @cached_property
    def _missing_parts(self) -> frozenset[str]:
        return frozenset(end[:size] for end in self._missing_ends for size in range(1, len(end) + 1))

    @cached_property
    def _missing_sizes(self) -> tuple[int, ...]:
        return tuple(sorted(set(map(len, self._missing_ends))))


@dataclass(frozen=True)
class Sentinel:
    """The sentinel of one request.

    Attributes:
        template: the model's markup.
        character: none of the request's strings contains it.
        needed: whether any of the request's strings needs marking.
    """

    template: TemplateMarkup
    character: str
    needed: bool = True

    def mark(self, value: Any) -> Any:
        """A JSON value with its strings marked: a copy, unless no string needs that. Raises RecursionError."""
        return self._marked(value, "") if self.needed else value

    def _marked(self, value: Any, key: str) -> Any:
        match value:
            case str():
                return _STRING_MARKERS.get(key, Sentinel._free_text)(self, value)
            case Mapping():
                return {self._key(name): self._marked(inner, name) for name, inner in value.items()}
            case list() | tuple():
                return [self._marked(item, key) for item in value]
        return value

    def unmark(self, rendered: str) -> Prompt:
        """The prompt of a text that was rendered from marked values."""
        if self.character not in rendered and _escaped_in_json(self.character) not in rendered:
            return Prompt(rendered)
        segments = self.template.pattern.split(rendered)
        segments[::2] = map(self._unmarked, segments[::2])
        text = "".join(segments)
        same = [match.span() for match in self.template.pattern.finditer(text)] == list(_markup_spans(segments))
        return Prompt(text) if same else Prompt(text, tuple(segments))

    def _unmarked(self, text: str) -> str:
        text, escaped = text.replace(self.character, ""), _escaped_in_json(self.character)
        # A list printed by Python has the sentinel escaped as in JSON; JSON within JSON has several backslashes.
        return re.sub(rf"\\+{escaped[1:]}", "", text) if escaped in text else text

    def _key(self, name: str) -> str:
        return self._inner_text(name) if name in _LOOKED_UP else self._free_text(name)

    def _free_text(self, text: str) -> str:
        marked = self._inner_text(text)
        return self.character + marked if self.template.completes(text) else marked

    def _inner_text(self, text: str) -> str:
        """A text around which templates assemble no markup: it gets no sentinel at its start."""
        return self.template.marked(text, self.character)

    def _arguments(self, text: str) -> str:
        """Arguments stay valid JSON, if they are: some templates parse them, others print them."""
        if not is_json_object(text):
            return self._free_text(text)
        return _JSON_STRING.sub(lambda literal: f'"{self._marked_escapes(self._free_text(literal[1]))}"', text)

    def _marked_escapes(self, text: str) -> str:
        return _JSON_ESCAPE.sub(lambda code: code[0] + self.character * self.template.is_symbol(code[1]), text)


# By key: strings that a template compares with its own, and strings that contain JSON.
_STRING_MARKERS: Mapping[str, Callable[[Sentinel, str], str]] = {
    **dict.fromkeys(("role", "type", "syntax"), Sentinel._inner_text),
    "arguments": Sentinel._arguments,
}


def _escaped_in_json(character: str) -> str:
    """`\\uXXXX`, as in JSON that is ASCII only."""
    return json.dumps(character)[1:-1]


def unused_character(values: Any) -> str:
    """A character that no string in `values` contains. Raises PromptError if there is none."""
    used: set[str] = set()
    for text in _strings(values):
        used.update(text, (chr(int(code, 16)) for code in _JSON_ESCAPE.findall(text)))
    unused = next((character for character in _SENTINELS if character not in used), None)
    if unused is None:
        raise PromptError(
            "'messages' or 'tools' contain every noncharacter and every private-use character of Unicode's Basic "
            "Multilingual Plane: at least one of U+FDD0 to U+FDEF and U+E000 to U+F8FF must be unused."
        )
    return unused


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, Mapping):
            waiting += item.keys()
            waiting += item.values()
        elif isinstance(item, (list, tuple)):
            waiting += item


def _markup_spans(segments: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Start and end of the segments with odd indexes in the joined text."""
    end = 0
    for index, segment in enumerate(segments):
        begin, end = end, end + len(segment)
        if index % 2:
            yield begin, end
