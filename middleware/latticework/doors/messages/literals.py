"""Values as JSON or Python writes them in a text: `[1, "a", true]`, `[1, 'a', True]`."""

from __future__ import annotations

import re
from typing import Any

from turngrammar.scan import dump_scalar, load_json

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[\[\]{},:])|(?P<word>True|False|None|true|false|null)\b"""
    r"""|(?P<number>-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])"""
    r"""|(?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"))""",
    re.ASCII | re.DOTALL,
)
_DEPTHS = {"[": 1, "{": 1, "]": -1, "}": -1}
MAX_DEPTH = 64
_WORDS = {"True": "true", "False": "false", "None": "null"}
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|u([0-9a-fA-F]{4})|U(00(?:0[0-9a-f]|10)[0-9a-f]{4})|(.))", re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}


def read_literal_at(text: str, start: int) -> tuple[Any, int]:
    """The value that begins there, and where it ends. Raises ValueError if none does."""
    written: list[str] = []
    depth = 0
    at = start
    while not written or depth:
        token = _TOKEN.match(text, at)
        if token is None or depth > MAX_DEPTH:
            raise ValueError("neither JSON nor a literal of Python")
        written.append(_as_json(token))
        depth += _DEPTHS.get(token["mark"], 0)
        at = token.end()
    return load_json(" ".join(written)), at


def _as_json(token: re.Match[str]) -> str:
    if token["text"]:
        return _text_as_json(token["text"])
    return _WORDS.get(token["word"], token["word"]) if token["word"] else token["mark"] or token["number"]


def _text_as_json(quoted: str) -> str:
    if quoted.startswith('"'):
        try:
            load_json(quoted)
        except ValueError:  # Python's, of a text with both kinds of quotes or such escapes
            pass
        else:
            return quoted
    return dump_scalar(_ESCAPE.sub(_character, quoted[1:-1]))


def _character(escape: re.Match[str]) -> str:
    """Raises ValueError for an escape that Python doesn't write."""
    if escape[4] is None:
        return chr(int(escape[1] or escape[2] or escape[3], 16))
    if escape[4] not in _CHARACTERS:
        raise ValueError("an escape that Python doesn't write")
    return _CHARACTERS[escape[4]]
