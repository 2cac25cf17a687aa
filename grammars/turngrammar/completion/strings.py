"""The shortest rest of a string, by the automaton of its pattern, format and length."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from turngrammar.schema.formats import FORMATS
from turngrammar.schema.regex import ANY, Language, RegexError, automaton, compile_pattern, intersection, of_length
from turngrammar.schema.regex.charset import CharSet, has_code

MAX_STATES = 4096  # of an automaton, in the search for the nearest end
# Of characters that are the same to a pattern, the first of these is taken: no calendar has a year 0000, and some
# date parsers reject a lower-case "t".
PREFERRED = "-1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz. _"


def string_completion(schema: Mapping[str, Any], begun: str) -> str | None:
    """The rest that makes `begun`, JSON text, a string of this schema; None where the search finds nothing."""
    if schema.keys() <= PLAIN and "\\" not in begun:
        return _padded(schema.get("minLength", 0), begun)
    try:
        text, language = json.loads(begun + '"') if begun else "", _string_language(json.dumps(schema))
    except ValueError:
        return None  # within an escape, or no string at all; or a pattern that only llguidance reads
    rest = _nearest_match(language, text) if isinstance(text, str) else None
    return None if rest is None else ("" if begun else '"') + json.dumps(rest, ensure_ascii=False)[1:]


def pattern_matches(pattern: str, text: str) -> bool:
    """Whether a pattern of a lowered schema matches within the text. Linear in it, unlike Python's own."""
    try:
        return automaton(_string_language(json.dumps({"pattern": pattern}))).matches(text)
    except RegexError:
        return False


PLAIN = {"type", "minLength", "maxLength"}
MAX_PADDING = 64 * 2**10  # characters


def _padded(least: int, begun: str) -> str | None:
    if least > MAX_PADDING or (begun and not begun.startswith('"')):
        return None
    return ("" if begun else '"') + "-" * (least - max(0, len(begun) - 1)) + '"'


@lru_cache(maxsize=1024)
def _string_language(schema: str) -> Language:
    """The language of the schema's strings; of a format, at least all that llguidance allows."""
    node = json.loads(schema)
    parts = [node, *node.get("allOf", ())]
    patterns = [compile_pattern(_as_ecma(part["pattern"])) for part in parts if "pattern" in part]
    formats = [FORMATS[part["format"]].language for part in parts if "format" in part]
    lengths = [of_length(part.get("minLength", 0), part.get("maxLength")) for part in parts if part.keys() & _LENGTHS]
    return intersection(ANY, *patterns, *formats, *lengths)


def _as_ecma(pattern: str) -> str:
    """A pattern of regex/text.py in the syntax of ECMA-262."""
    pattern = pattern.replace("(?s:.)", r"[\s\S]")
    return re.sub(r"\\(?:U([0-9A-F]{8})|.)", lambda match: chr(int(match[1], 16)) if match[1] else match[0], pattern)


_LENGTHS = {"minLength", "maxLength"}


def _nearest_match(language: Language, text: str) -> str | None:
    machine = automaton(language)
    state = language
    for char in text:
        state = machine.after(state, char)
    letters = sorted((_class_letter(block), index) for index, block in enumerate(machine.classes))
    rests = {state: ""}
    queue = [state]
    for state in queue:
        if state.nullable:
            return rests[state]
        if len(rests) > MAX_STATES:
            return None
        for (_, letter), index in letters:
            after = machine.step(state, index)
            if after not in rests:
                rests[after] = rests[state] + letter
                queue.append(after)
    return None


def _class_letter(block: CharSet) -> tuple[int, str]:
    """The preferred character of a class, and its rank."""
    for rank, letter in enumerate(PREFERRED):
        if has_code(block, ord(letter)):
            return rank, letter
    return len(PREFERRED), chr(block[-1][0])
