"""Calls of custom tools, as the client sees them: the text in `{"input": "..."}`, while the JSON arrives in pieces."""

from __future__ import annotations

import json
import re

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


class InputText:
    """Decodes one call's arguments. Never fails: what is no such object has no text, and is reported elsewhere."""

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

    def _text(self) -> str:
        texts, at = [], 0
        while unit := _UNIT.match(self._waiting, at):
            texts.append(_decode(f'"{unit[0]}"'))
            at = unit.end()
        self._waiting = self._waiting[at:]
        return _LONE.sub("\ufffd", "".join(texts))
