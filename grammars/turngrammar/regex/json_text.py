r"""A language of texts -> the language of the same texts between the quotes of a JSON string.

There `"`, `\` and the controls are escaped; a control in one of two ways: `\n` and `\u000a`. Other characters are not.
Source: RFC 8259, section 7.
"""

from __future__ import annotations

from functools import lru_cache

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.language import (
    Language,
    cat,
    chars,
    complement,
    intersection,
    repeat,
    text_language,
    union,
)

_SHORT = {'"': '"', "\\": "\\", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
_CONTROLS: CharSet = ((0x00, 0x1F),)
_PLAIN = charset.set_complement(charset.set_union(_CONTROLS, charset.of('"\\')))
_HEX = "0123456789abcdef"


@lru_cache(maxsize=4096)
def in_json_string(language: Language) -> Language:
    """The language without the quotes. A complement stays one: of all that JSON can say, and more."""
    parts = tuple(map(in_json_string, language.parts))
    match language.kind:
        case "chars":
            return _characters(language.data)
        case "repeat":
            return repeat(parts[0], *language.data)
        case "not":
            return complement(parts[0])
        case "cat" | "or" | "and":
            return _OPERATIONS[language.kind](*parts)
        case _:
            return language


_OPERATIONS = {"cat": cat, "or": union, "and": intersection}


@lru_cache(maxsize=1024)
def _characters(codes: CharSet) -> Language:
    plain = chars(charset.set_intersection(codes, _PLAIN))
    short = charset.of("".join(letter for char, letter in _SHORT.items() if charset.has_code(codes, ord(char))))
    escapes = union(chars(short), cat(text_language("u00"), _hexadecimal(codes)))
    return union(plain, cat(text_language("\\"), escapes))


def _hexadecimal(codes: CharSet) -> Language:
    """The last two digits of the controls' codes."""
    return union(*(cat(text_language(_HEX[high]), _low_digits(codes, high << 4)) for high in (0, 1)))


def _low_digits(codes: CharSet, base: int) -> Language:
    digits = "".join(digit for low, digit in enumerate(_HEX) if charset.has_code(codes, base + low))
    return chars(charset.of(digits + digits.upper()))
