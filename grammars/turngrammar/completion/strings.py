"""The shortest rest of a string, by the automaton of its patterns, formats and length."""

from __future__ import annotations

import json

from turngrammar.regex import automaton, printed_language, shortest_rest
from turngrammar.scan import dump_scalar
from turngrammar.terminals.strings import PLAIN, Branch, string_language


def string_completion(schema: Branch, begun: str) -> str | None:
    """The rest that makes `begun`, JSON text, a string of this schema; None where the search finds nothing."""
    if schema.keys() <= PLAIN and "\\" not in begun:
        return _padded(schema.get("minLength", 0), begun)
    if "regex" in schema:
        return None  # in a syntax that only llguidance reads
    try:
        text = json.loads(begun + '"') if begun else ""
    except ValueError:
        return None  # within an escape, or no string at all
    rest = shortest_rest(string_language(schema), text) if isinstance(text, str) else None
    return None if rest is None else ("" if begun else '"') + dump_scalar(rest)[1:]


def pattern_matches(pattern: str, text: str) -> bool:
    """Whether a pattern of a lowered schema matches within the text. Linear in it, unlike Python's own."""
    return automaton(printed_language(pattern)).matches(text)


MAX_PADDING = 64 * 2**10  # characters


def _padded(least: int, begun: str) -> str | None:
    if least > MAX_PADDING or (begun and not begun.startswith('"')):
        return None
    return ("" if begun else '"') + "-" * (least - max(0, len(begun) - 1)) + '"'
