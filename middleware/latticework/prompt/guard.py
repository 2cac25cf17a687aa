"""Tells a client's text from the template's markup, though both end up in one rendered text.

A user who writes `<|im_end|>` must not end a turn. So each character of a client's text that markup could begin with is
followed by a guard while the template is rendered: a character that nothing else in the request holds. Markup without a
guard is the template's. Then the guards are taken out.

Templates that take parts out of a text, as Nemotron Nano 2's does with `/think`, can't make markup of what is left; and
JSON's escapes in the arguments of calls can't hide it. Only where a template puts markup together around a client's
text, as Qwen3-Coder's does with `<` and a schema's key, the text's beginning is guarded too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from latticework.engines.markup import pattern
from latticework.prompt.arguments import is_object
from latticework.prompt.template import PromptError

# Unicode's noncharacters, and then those for private use.
_GUARDS = (*map(chr, range(0xFDD0, 0xFDF0)), *map(chr, range(0xE000, 0xF900)))
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")
_LITERAL = re.compile(r'"([^"\\]*+(?:\\.[^"\\]*+)*+)"')
# Keys that templates look up.
_KEYS = """
    $defs $ref additionalProperties allOf anyOf arguments const content custom default definition description enum
    examples exclusiveMaximum exclusiveMinimum format function grammar id input items maximum maxItems maxLength minimum
    minItems minLength name nullable oneOf parameters pattern prefixItems properties reasoning reasoning_content refusal
    required response return role strict syntax text thinking title tool_call_id tool_calls tools type
"""
_LOOKED_UP = frozenset(_KEYS.split())


@dataclass(frozen=True)
class Prompt:
    """What the model is to continue.

    Attributes:
        text: all of it.
        segments: the same where a client's text looks like markup: text in which no markup counts, and by turns the
            template's markup. Empty where all markup in `text` is the template's.
    """

    text: str
    segments: tuple[str, ...] = ()


@dataclass(frozen=True)
class Guard:
    """For one template.

    Attributes:
        markup: the texts of the vocabulary's markup, at least one.
        printed: the texts that the template is made of.
        sought: those of them that it may look for in a client's text.
    """

    markup: frozenset[str]
    printed: frozenset[str] = frozenset()
    sought: frozenset[str] = frozenset()

    def seal(self, *values: Any) -> Seal:
        """A guard for one request, whose strings are in `values`. Raises PromptError where no character is left."""
        usual, escaped = _GUARDS[0], _escaped(_GUARDS[0])
        needed, held = bool(self._rests or self._spelled), False
        for text in _strings(values):
            needed = needed or any(sign in text for sign in self._signs)
            held = held or usual in text or escaped in text
        return Seal(self, _free(values) if held else usual, needed)

    @cached_property
    def markers(self) -> re.Pattern[str]:
        """Finds markup, as the one group."""
        return re.compile(f"({pattern(self.markup)})")

    def guarded(self, text: str, guard: str) -> str:
        """With a guard after each character that markup could begin with; where it begins with a letter, where it does.

        Other texts that the template looks for are left as they are, so that it still finds them.
        """
        marked = self._marked(text, guard)
        if guard in marked:
            for word in self._sought:
                marked = marked.replace(self._marked(word, guard), word[0] + self._marked(word[1:], guard))
        return self._spelled.sub(rf"\g<0>{guard}", marked) if self._spelled else marked

    def _marked(self, text: str, guard: str) -> str:
        for symbol in self._symbols:
            text = text.replace(symbol, symbol + guard)
        return text

    @cached_property
    def _signs(self) -> tuple[str, ...]:
        """What a text holds that needs a guard."""
        return (*self._symbols, "\\u")

    @cached_property
    def _symbols(self) -> frozenset[str]:
        return frozenset(text[0] for text in self.markup if not text[0].isalnum() and text[0] not in '\\"')

    @cached_property
    def _spelled(self) -> re.Pattern[str] | None:
        spelled = pattern(text for text in self.markup if text[0] not in self._symbols)
        return re.compile(f"(?={spelled}).", re.DOTALL) if spelled else None

    @cached_property
    def _sought(self) -> tuple[str, ...]:
        return tuple(text for text in self.sought if self._is_no_markup(text))

    def _is_no_markup(self, text: str) -> bool:
        """Whether a text that begins so can't be markup."""
        return text[:1] in self._symbols and not any(
            marker.startswith(text) or text.startswith(marker) for marker in self.markup
        )

    def escaped(self, code: str) -> bool:
        """Whether markup could begin with the character of JSON's `\\uXXXX`."""
        return chr(int(code, 16)) in self._symbols

    def completes(self, text: str) -> bool:
        """Whether it could complete markup that the template has begun."""
        return text in self._parts or any(text[:size] in self._rests for size in self._sizes)

    @cached_property
    def _rests(self) -> frozenset[str]:
        """What is left of the markup whose beginning the template prints without its end."""
        inner = {marker[:size] for marker in self.markup for size in range(1, len(marker))}
        longest = max(map(len, self.markup))
        begun = {text[-size:] for text in self.printed for size in range(1, min(longest, len(text) + 1))} & inner
        return frozenset(
            marker.removeprefix(one) for one in begun for marker in self.markup - begun if marker.startswith(one)
        )

    @cached_property
    def _parts(self) -> frozenset[str]:
        return frozenset(rest[:size] for rest in self._rests for size in range(1, len(rest) + 1))

    @cached_property
    def _sizes(self) -> tuple[int, ...]:
        return tuple(sorted(set(map(len, self._rests))))


@dataclass(frozen=True)
class Seal:
    """For one request: its guard is a character that nothing else of it holds."""

    guard: Guard
    character: str
    needed: bool = True

    def guarded(self, value: Any) -> Any:
        """A JSON value with its strings guarded: a copy, unless nothing in it needs that. Raises RecursionError."""
        return self._guarded(value, "") if self.needed else value

    def _guarded(self, value: Any, key: str) -> Any:
        match value:
            case str():
                return _READ.get(key, Seal._text)(self, value)
            case Mapping():
                return {self._key(name): self._guarded(inner, name) for name, inner in value.items()}
            case list() | tuple():
                return [self._guarded(item, key) for item in value]
        return value

    def revealed(self, rendered: str) -> Prompt:
        """What was rendered of guarded values."""
        if self.character not in rendered and _escaped(self.character) not in rendered:
            return Prompt(rendered)
        segments = self.guard.markers.split(rendered)
        segments[::2] = map(self._unguarded, segments[::2])
        text = "".join(segments)
        same = [found.span() for found in self.guard.markers.finditer(text)] == list(_spans(segments))
        return Prompt(text) if same else Prompt(text, tuple(segments))

    def _unguarded(self, text: str) -> str:
        text, escaped = text.replace(self.character, ""), _escaped(self.character)
        # Python's spelling of a list has the guard as JSON's has it; JSON within JSON has several backslashes.
        return re.sub(rf"\\+{escaped[1:]}", "", text) if escaped in text else text

    def _key(self, name: str) -> str:
        return self._word(name) if name in _LOOKED_UP else self._text(name)

    def _text(self, text: str) -> str:
        spelled = self._word(text)
        return self.character + spelled if self.guard.completes(text) else spelled

    def _word(self, text: str) -> str:
        """A text that does not stand within the template's markup."""
        return self.guard.guarded(text, self.character)

    def _arguments(self, text: str) -> str:
        """JSON, where it is that: templates take it as text or parsed, and must find it as valid as it was."""
        if not is_object(text):
            return self._text(text)
        return _LITERAL.sub(lambda literal: f'"{self._escapes(self._text(literal[1]))}"', text)

    def _escapes(self, text: str) -> str:
        return _ESCAPE.sub(lambda code: code[0] + self.character * self.guard.escaped(code[1]), text)


# What a template compares with words of its own, and what is JSON in a string.
_READ: Mapping[str, Callable[[Seal, str], str]] = {
    **dict.fromkeys(("role", "type", "syntax"), Seal._word),
    "arguments": Seal._arguments,
}


def _escaped(character: str) -> str:
    """As JSON spells it in ASCII."""
    return json.dumps(character)[1:-1]


def _free(values: Any) -> str:
    held: set[str] = set()
    for text in _strings(values):
        held.update(text, (chr(int(code, 16)) for code in _ESCAPE.findall(text)))
    free = next((guard for guard in _GUARDS if guard not in held), None)
    if free is None:
        raise PromptError("The messages hold all of Unicode's noncharacters and its private characters.")
    return free


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            waiting += one.keys()
            waiting += one.values()
        elif isinstance(one, (list, tuple)):
            waiting += one


def _spans(segments: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Where the segments at odd places stand."""
    end = 0
    for place, segment in enumerate(segments):
        begin, end = end, end + len(segment)
        if place % 2:
            yield begin, end
