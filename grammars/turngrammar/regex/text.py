"""Languages as text for `pattern`, in the syntax shared by ECMA-262, Rust's regex crate and Python's re."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.ecma import compile_pattern
from turngrammar.regex.language import ANY, ANY_CHAR, EMPTY, Kind, Language

_SPECIAL = frozenset("\\^$.|?*+()[]{}-&~#/")
_QUANTIFIERS = {(0, None): "*", (1, None): "+", (0, 1): "?"}


def pattern_text(language: Language) -> str:
    """A pattern that matches exactly the strings of the language, which must be free of "and" and "not"."""
    parts = list(language.parts) if language.kind == "cat" else [language]
    if parts == [ANY]:
        return "^"
    head = "" if parts[0] == ANY else "^"
    tail = "" if parts[-1] == ANY and len(parts) > 1 else "$"
    inner = parts[0 if head else 1 : len(parts) if tail else -1]
    if not inner:
        return head + tail
    text = "".join(_tight(part) for part in inner) if len(inner) > 1 else _tight(inner[0])
    return f"{head}{text}{tail}"


@lru_cache(maxsize=4096)
def printed_language(pattern: str) -> Language:
    """The language of which `pattern` is the text: the inverse of `pattern_text`."""
    return compile_pattern(_WIDE.sub(_as_ecma, pattern))


_WIDE = re.compile(r"\\(?:U([0-9A-F]{8})|.)|\(\?s:\.\)", re.DOTALL)


def _as_ecma(piece: re.Match[str]) -> str:
    """What Rust and Python write in another way than ECMA-262."""
    if piece[0] == "(?s:.)":
        return r"[\s\S]"
    return chr(int(piece[1], 16)) if piece[1] else piece[0]


@lru_cache(maxsize=4096)
def expression_text(language: Language) -> str:
    """The same as a regex for whole texts, without anchors; it is empty for the empty text alone."""
    return _expression(language)


def _expression(node: Language) -> str:
    return _PRINT[node.kind](node)


def _tight(node: Language) -> str:
    """Text for a concatenation."""
    return f"(?:{_expression(node)})" if node.kind == "or" and EMPTY not in node.parts else _expression(node)


def _quantifiable(node: Language) -> str:
    """Text for a quantifier to follow."""
    text = _expression(node)
    return text if node.kind == "chars" else f"(?:{text})"


def _print_repeat(node: Language) -> str:
    least, most = node.data
    counted = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
    return _quantifiable(node.parts[0]) + _QUANTIFIERS.get((least, most), counted)


def _print_or(node: Language) -> str:
    """An empty alternative becomes `x?`, which reads better than `(?:)`."""
    rest = [part for part in node.parts if part is not EMPTY]
    if len(rest) < len(node.parts) and len(rest) == 1:
        return _quantifiable(rest[0]) + "?"
    text = "|".join(map(_expression, rest))
    return text if len(rest) == len(node.parts) else f"(?:{text})?"


@lru_cache(maxsize=4096)
def _print_chars(node: Language) -> str:
    if node == ANY_CHAR:
        return "(?s:.)"
    codes: CharSet = node.data
    if len(codes) == 1 and codes[0][0] == codes[0][1]:
        return _char(codes[0][0])
    outside = charset.set_complement(codes)
    return f"[^{_ranges(outside)}]" if len(outside) < len(codes) else f"[{_ranges(codes)}]"


def _ranges(codes: CharSet) -> str:
    return "".join(_char(low) if low == high else f"{_char(low)}-{_char(high)}" for low, high in codes)


def _char(code: int) -> str:
    """A character, escaped if it is special or invisible, in a form that Python, Rust and ECMA-262's `u` accept."""
    char = chr(code)
    if char in _SPECIAL:
        return "\\" + char
    if 0x20 <= code < 0x7F or (char.isalpha() and code <= 0xFFFF):
        return char
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


_PRINT: dict[Kind, Callable[[Language], str]] = {
    "empty": lambda node: "",
    "chars": _print_chars,
    "cat": lambda node: "".join(_tight(part) for part in node.parts),
    "or": _print_or,
    "repeat": _print_repeat,
}
