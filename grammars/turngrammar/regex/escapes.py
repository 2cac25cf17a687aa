"""Escapes and character classes of ECMA-262's flag `u`, and what is clear without it: `\\_`, `[\\w-.]`."""

from __future__ import annotations

import re

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.errors import RegexError
from turngrammar.regex.foreign import ESCAPES, POSIX_CLASSES, lacking
from turngrammar.regex.properties import ecma_name, property_codes
from turngrammar.regex.scanner import Scanner
from turngrammar.regex.tree import BEGIN, END, Chars, Tree, word_boundary

_CLASSES: dict[str, CharSet] = {"d": charset.DIGIT, "s": charset.SPACE}
_CLASSES |= {name.upper(): charset.set_complement(codes) for name, codes in _CLASSES.items()}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|([xu])\{([0-9A-Fa-f]+)\}")
_LOW_SURROGATE = re.compile(r"\\u([Dd][C-Fc-f][0-9A-Fa-f]{2})")
_PROPERTY = re.compile(r"[pP](?:\{((?:\w+=)?\w+)\}|(\w))")
_REFERENCE = re.compile(r"([1-9]\d*)|k<([\w$]+)>")
_POSIX = re.compile(r"\[:\^?(\w+):\]")
FOREIGN_ANCHORS = {"A": (BEGIN, "^"), "z": (END, "$"), "Z": (END, "$")}


def anchor(scanner: Scanner) -> Tree | None:
    """The anchor that an escape is, after its backslash; none if it is another escape."""
    name = scanner.text[scanner.at : scanner.at + 1]
    if name in FOREIGN_ANCHORS:
        tree, meaning = FOREIGN_ANCHORS[scanner.next()]
        scanner.readings[f"\\{name}"] = meaning
        return tree
    return word_boundary(scanner.word, inside=scanner.next() == "B") if name in ("b", "B") else None


def escape(scanner: Scanner) -> Tree:
    """An escape after its backslash, unless it is an anchor."""
    reference = scanner.take_re(_REFERENCE)
    if reference is not None:
        return scanner.reference(reference[1] or reference[2])
    return scanner.chars(_escaped_set(scanner))


def char_class(scanner: Scanner) -> Chars:
    """A class, after its bracket."""
    start = scanner.at
    inverse = scanner.take("^")
    sets: list[CharSet] = []
    while not scanner.take("]"):
        _refuse_posix_class(scanner)
        sets.append(_class_member(scanner))
    _refuse_nesting(scanner, start)
    if not sets:
        scanner.empty_class = f"[{scanner.text[start : scanner.at]}"
    codes = scanner.folded(charset.set_union(*sets))
    return Chars(charset.set_complement(codes) if inverse else codes)


def _class_member(scanner: Scanner) -> CharSet:
    """A range, or what is beside one. A hyphen next to `\\w` or another set is itself."""
    start = scanner.at
    low = _class_atom(scanner)
    if not scanner.peek("-") or scanner.peek("-]") or not _is_one(low):
        return low
    scanner.take("-")
    high = _class_atom(scanner)
    if not _is_one(high):
        return charset.set_union(low, charset.of("-"), high)
    if high[0][0] < low[0][0]:
        raise RegexError(f"the range {scanner.text[start : scanner.at]} is out of order", start)
    return ((low[0][0], high[0][0]),)


def _is_one(codes: CharSet) -> bool:
    return len(codes) == 1 and codes[0][0] == codes[0][1]


def _class_atom(scanner: Scanner) -> CharSet:
    char = scanner.next("the [ is not closed: write \\[ for the character")
    if char != "\\":
        return ((ord(char), ord(char)),)
    return ((8, 8),) if scanner.take("b") else _escaped_set(scanner)


def _refuse_posix_class(scanner: Scanner) -> None:
    posix = _POSIX.match(scanner.text, scanner.at)
    if posix is not None:
        inside = POSIX_CLASSES.get(posix[1], "its characters")
        raise RegexError(lacking(posix[0], "a POSIX class", inside), scanner.at)


def _refuse_nesting(scanner: Scanner, start: int) -> None:
    """`[a[b]]` has a class within another in Java, and ends with a literal bracket in Python."""
    if scanner.peek("]") and re.search(r"(?<!\\)(?:\\\\)*\[", scanner.text[start : scanner.at]):
        raise RegexError(lacking(f"[{scanner.text[start : scanner.at]}]", "nested classes", "one class"), start - 1)


def _escaped_set(scanner: Scanner) -> CharSet:
    """The characters of an escape, after its backslash, in or out of a class."""
    start = scanner.at - 1
    if scanner.peek("p") or scanner.peek("P"):
        return _property(scanner)
    digits = scanner.take_re(_HEX)
    if digits is not None:
        return _code_point(scanner, digits, start)
    name = scanner.next("the \\ at the end escapes nothing: write \\\\ for the character")
    if name in "wW":
        return scanner.word if name == "w" else charset.set_complement(scanner.word)
    if name in _CLASSES:
        return _CLASSES[name]
    if name == "c" and re.match("[A-Za-z]", scanner.text[scanner.at :]):
        code = ord(scanner.next()) % 32
    elif name in _CONTROLS and not (name == "0" and scanner.text[scanner.at : scanner.at + 1].isdigit()):
        code = _CONTROLS[name]
    elif name.isascii() and name.isalnum():
        raise RegexError(_unknown_escape(name), start)
    else:
        code = ord(name)
    return ((code, code),)


def _unknown_escape(name: str) -> str:
    if name in ESCAPES:
        return lacking(f"\\{name}", *ESCAPES[name])
    if name in "xuc":
        return f"\\{name} is incomplete: write " + {"x": r"\x and 2 hexadecimal digits", "u": r"\u and 4"}.get(
            name, r"\cA to \cZ"
        )
    if name == "0":
        return lacking("\\0 before a digit", "an octal escape", "\\x and 2 hexadecimal digits")
    return f"\\{name} has no meaning in ECMA-262: write {name} for the letter"


def _code_point(scanner: Scanner, digits: re.Match[str], start: int) -> CharSet:
    """Two escapes that are a surrogate pair are one character; a lone surrogate is in no JSON text."""
    code = int(digits[1] or digits[2] or digits[4], 16)
    if digits[3] == "x":
        scanner.readings[f"\\{digits[0]}"] = rf"\u{{{digits[4]}}}"
    if code > 0x10FFFF:
        raise RegexError(f"\\{digits[0]} is beyond Unicode", start)
    low = scanner.take_re(_LOW_SURROGATE) if digits[2] and 0xD800 <= code <= 0xDBFF else None
    if low is not None:
        code = 0x10000 + ((code - 0xD800) << 10) + (int(low[1], 16) - 0xDC00)
    return ((code, code),)


def _property(scanner: Scanner) -> CharSet:
    start = scanner.at - 1
    inverse = scanner.peek("P")
    name = scanner.take_re(_PROPERTY)
    if name is None:
        raise RegexError(r"\p is incomplete: write \p{...}", start)
    full_name = ecma_name(name[1] or name[2])
    codes = property_codes(full_name)
    if codes is None:
        raise RegexError(
            f"\\{name[0]} is not a Unicode property of ECMA-262: write \\p{{L}} or \\p{{Script=Greek}}", start
        )
    if full_name != name[1]:
        scanner.readings[f"\\{name[0]}"] = f"\\{name[0][0]}{{{full_name}}}"
    return charset.set_complement(codes) if inverse else codes
