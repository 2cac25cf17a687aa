"""JSON text: the end of a value that arrives piece by piece, and the value of a text."""

from __future__ import annotations

import json
import re
from typing import Any

_OUTSIDE = re.compile(r'["{}\[\]]')
_INSIDE = re.compile(r'["\\]')
_OPENS = {"{": 1, "[": 1, "}": -1, "]": -1}


class JsonScanner:
    """Finds the end of one JSON object, array or string. It tracks brackets and strings, and checks nothing else.

    Every character is looked at once.
    """

    def __init__(self) -> None:
        self._depth = 0
        self._string = False
        self._escaped = False

    def end(self, text: str, start: int) -> int | None:
        """The index behind the value, which goes on in `text` from `start` on; None if it does not end there."""
        at = start
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            match = (_INSIDE if self._string else _OUTSIDE).search(text, at)
            if match is None:
                return None
            at = match.end()
            if self._step(match[0]):
                return at
        return None

    def _step(self, mark: str) -> bool:
        """Takes one bracket, quote or backslash; whether it ended the value."""
        if mark == "\\":
            self._escaped = True
            return False
        if mark == '"':
            self._string = not self._string
            return not self._string and self._depth == 0
        self._depth += _OPENS[mark]
        return self._depth <= 0


def load_json(text: str) -> Any:
    """The value of JSON text. Raises ValueError for anything else, Python's NaN and bottomless nesting included."""
    try:
        return json.loads(text, parse_constant=_refuse_nan)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse_nan(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
