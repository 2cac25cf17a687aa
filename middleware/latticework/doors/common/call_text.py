"""The text of one tool call, as clients see it: the JSON of a function's arguments, or a custom tool's input.

Clients read arguments before they are complete, and `{` or `{"pat` as no arguments at all. So a call begins with the
first argument's value, or where it is complete.
"""

from __future__ import annotations

import json
import re
from typing import Protocol

# What a reader of partial JSON takes for a value: in a string or a container that is open, a digit, a whole word.
_FIRST_VALUE = re.compile(r'\s*\{\s*"(?:[^"\\]|\\.)*"\s*:\s*(?:["\[{]|-?[0-9]|true|false|null)', re.DOTALL)
# Up to an escape that is not complete, in which some readers lose all arguments.
_ESCAPES = re.compile(r"(?:[^\\]+|\\u[0-9a-fA-F]{4}|\\[^u])*", re.DOTALL)
_OPENING = re.compile(r'\s*\{\s*"input"\s*:\s*"')
# What says something by itself: plain characters, an escape, both halves of a surrogate pair. Half a pair waits for
# what comes next, unless it is certain that the other half does not.
_UNIT = re.compile(
    r"""[^"\\]+
      | \\u[dD][89abAB][0-9a-fA-F]{2}(?:\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?=[^\\]|\\[^u]|\\u[^dD]|\\u[dD][^c-fC-F]))
      | \\u(?![dD][89abAB])[0-9a-fA-F]{4}
      | \\["\\/bfnrt]""",
    re.VERBOSE,
)
_decode = json.JSONDecoder(strict=False).decode
_LONE = re.compile("[\ud800-\udfff]")


class CallStream:
    """A call while it arrives. Each method returns what a client is sent next; "" is nothing."""

    def __init__(self, *, custom: bool, held: bool) -> None:
        """`held`: whether the call is sent only when it is complete."""
        self.begun = False
        self.ended = False
        self._held = held
        self._reader: CallText = InputText() if custom else ArgumentsText()
        self._texts: list[str] = []

    def feed(self, arguments: str) -> str:
        """More of the arguments' JSON text. The first text that is sent begins the call."""
        if text := self._reader.feed(arguments):
            self._texts.append(text)
        if self._held or not text:
            return ""
        self.begun = True
        return text

    def end(self) -> str:
        """The call is complete: the rest of its text."""
        rest = self._reader.close()
        self._texts.append(rest)
        sent, self.begun, self.ended = self.begun, True, True
        return rest if sent else self.text

    def cut(self) -> str:
        """The whole text of a call that was cut, as far as it goes."""
        self._texts.append(self._reader.close())
        return self.text

    @property
    def text(self) -> str:
        """All of it so far."""
        return "".join(self._texts)


class CallText(Protocol):
    """The text of a call that clients see."""

    def feed(self, arguments: str) -> str:
        """The text that this piece of JSON makes certain."""

    def close(self) -> str:
        """The text that is left at the end."""


class ArgumentsText:
    """The arguments themselves."""

    def __init__(self) -> None:
        self._waiting = ""
        self._begun = False

    def feed(self, arguments: str) -> str:
        waiting = self._waiting + arguments
        self._begun = self._begun or _FIRST_VALUE.match(waiting) is not None
        end = 0 if not self._begun else _before_open_escape(waiting)
        self._waiting = waiting[end:]
        return waiting[:end]

    def close(self) -> str:
        rest, self._waiting = self._waiting, ""
        return rest


def _before_open_escape(text: str) -> int:
    """The index of an escape that is not complete; without one, the text's length."""
    if "\\" not in text:
        return len(text)
    escapes = _ESCAPES.match(text)
    return escapes.end() if escapes else 0


class InputText:
    """Decodes one call's arguments. Never fails: any other object has no text, and is reported elsewhere."""

    def __init__(self) -> None:
        self._waiting = ""
        self._opened = False

    def feed(self, arguments: str) -> str:
        """The text that this piece makes certain. Half a surrogate pair is U+FFFD, since UTF-8 has none."""
        self._waiting += arguments
        if not self._opened:
            opening = _OPENING.match(self._waiting)
            if opening is None:
                return ""
            self._opened, self._waiting = True, self._waiting[opening.end() :]
        return self._text()

    def close(self) -> str:
        """Nothing: what is left is not a whole character."""
        return ""

    def _text(self) -> str:
        texts, at = [], 0
        while unit := _UNIT.match(self._waiting, at):
            texts.append(_decode(f'"{unit[0]}"'))
            at = unit.end()
        self._waiting = self._waiting[at:]
        return _LONE.sub("\ufffd", "".join(texts))
