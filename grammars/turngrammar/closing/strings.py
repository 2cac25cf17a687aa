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

# States that are looked at for the nearest end.
STATES = 4096
# Of characters that are all the same to a pattern, the first of these is taken: no calendar has a year 0000, and some
# programs that read dates know no small "t".
PREFERRED = "-1234567890ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz. _"


def rest(schema: Mapping[str, Any], begun: str) -> str | None:
    """What makes `begun`, JSON text, a string of this lowered schema; None where nothing does, or nothing near."""
    if schema.keys() <= PLAIN and "\\" not in begun:
        return _filled(schema.get("minLength", 0), begun)
    try:
        written, language = json.loads(begun + '"') if begun else "", _language(json.dumps(schema))
    except ValueError:
        return None  # within an escape, or no string at all; or a pattern that only llguidance reads
    found = _shortest(language, written) if isinstance(written, str) else None
    return None if found is None else ("" if begun else '"') + json.dumps(found, ensure_ascii=False)[1:]


def finds(pattern: str, text: str) -> bool:
    """Whether a pattern of a lowered schema finds something in the text. Linear in it, unlike Python's own."""
    try:
        return automaton(_language(json.dumps({"pattern": pattern}))).matches(text)
    except RegexError:
        return False


PLAIN = {"type", "minLength", "maxLength"}
MOST = 64 * 2**10  # letters that such a string is filled with


def _filled(least: int, begun: str) -> str | None:
    if least > MOST or (begun and not begun.startswith('"')):
        return None
    return ("" if begun else '"') + "-" * (least - max(0, len(begun) - 1)) + '"'


@lru_cache(maxsize=1024)
def _language(schema: str) -> Language:
    """All that the schema says of its strings; of a format, at least as much as llguidance means by it."""
    node = json.loads(schema)
    parts = [node, *node.get("allOf", ())]
    patterns = [compile_pattern(_ecma(part["pattern"])) for part in parts if "pattern" in part]
    formats = [FORMATS[part["format"]].language for part in parts if "format" in part]
    lengths = [of_length(part.get("minLength", 0), part.get("maxLength")) for part in parts if part.keys() & _LENGTHS]
    return intersection(ANY, *patterns, *formats, *lengths)


def _ecma(pattern: str) -> str:
    """A pattern as regex/text.py prints it, as ECMA-262 writes it."""
    pattern = pattern.replace("(?s:.)", r"[\s\S]")
    return re.sub(r"\\(?:U([0-9A-F]{8})|.)", lambda found: chr(int(found[1], 16)) if found[1] else found[0], pattern)


_LENGTHS = {"minLength", "maxLength"}


def _shortest(language: Language, written: str) -> str | None:
    machine = automaton(language)
    state = language
    for char in written:
        state = machine.after(state, char)
    letters = sorted((_letter(block), index) for index, block in enumerate(machine.classes))
    found = {state: ""}
    queue = [state]
    for state in queue:
        if state.nullable:
            return found[state]
        if len(found) > STATES:
            return None
        for (_, letter), index in letters:
            after = machine.step(state, index)
            if after not in found:
                found[after] = found[state] + letter
                queue.append(after)
    return None


def _letter(block: CharSet) -> tuple[int, str]:
    """The one to take of a class, and its rank."""
    for rank, letter in enumerate(PREFERRED):
        if has_code(block, ord(letter)):
            return rank, letter
    return len(PREFERRED), chr(block[-1][0])
