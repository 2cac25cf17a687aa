"""ECMA-262 regular expressions (flag `u`) as syntax trees of tuples, with the leniency of Annex B in common use.

Tree: ("lang", Language) | ("cat", [tree]) | ("or", [tree]) | ("repeat", tree, least, most) | ("begin",) | ("end",)
      | ("look", tree, positive)
"""

from __future__ import annotations

import re
from typing import Any

from turngrammar.regex import charset
from turngrammar.regex.charset import CharSet
from turngrammar.regex.language import Language, chars

Tree = tuple[Any, ...]


class RegexError(ValueError):
    """Not a valid ECMA-262 regular expression."""


class Irregular(RegexError):
    """Valid, but not regular or not compiled here: back references, look-behind, word boundaries."""


_CLASSES: dict[str, CharSet] = {"d": charset.DIGIT, "w": charset.WORD, "s": charset.SPACE}
_CLASSES |= {name.upper(): charset.set_complement(codes) for name, codes in _CLASSES.items()}
_CONTROLS = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "0": 0}
_QUANTIFIERS: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_BRACES = re.compile(r"\{(\d+)(,(\d*))?\}")
_HEX = re.compile(r"x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|u\{([0-9A-Fa-f]{1,6})\}")
_PROPERTY = re.compile(r"[pP]\{(?:(?:gc|General_Category)=)?(\w+)\}|[pP](\w)")
_GROUP = re.compile(r"\?(?:(:)|(=)|(!)|(<[=!])|P?<\w+>|(i\)))")
_UNSUPPORTED = {
    "b": "word boundaries (\\b) are not compiled",
    "B": "word boundaries (\\B) are not compiled",
    "k": "named back references are not regular",
}
_MAX_REPEAT = 10_000


def parse_pattern(pattern: str) -> Tree:
    """Raises RegexError, or Irregular for what is valid but not compiled."""
    fold = pattern.startswith("(?i)")
    parser = _Parser(pattern[4:] if fold else pattern, fold)
    tree = parser.alternatives()
    if parser.at < len(parser.text):
        raise RegexError(f"unmatched ')' at {parser.at}")
    return tree


class _Parser:
    """Recursive descent; `at` is the only state."""

    def __init__(self, text: str, fold: bool) -> None:
        self.text = text
        self.at = 0
        self.fold = fold

    def peek(self, text: str) -> bool:
        return self.text.startswith(text, self.at)

    def take(self, text: str) -> bool:
        present = self.peek(text)
        self.at += len(text) if present else 0
        return present

    def take_re(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self.text, self.at)
        self.at = match.end() if match else self.at
        return match

    def next(self) -> str:
        if self.at >= len(self.text):
            raise RegexError("the pattern is incomplete")
        self.at += 1
        return self.text[self.at - 1]

    def alternatives(self) -> Tree:
        options = [self.sequence()]
        while self.take("|"):
            options.append(self.sequence())
        return options[0] if len(options) == 1 else ("or", options)

    def sequence(self) -> Tree:
        parts: list[Tree] = []
        while self.at < len(self.text) and not self.peek("|") and not self.peek(")"):
            parts.append(self.quantified(self.term()))
        return ("cat", parts)

    def quantified(self, tree: Tree) -> Tree:
        bounds = self.quantifier()
        while bounds is not None:
            least, most = bounds
            if (most is not None and most < least) or max(least, most or 0) > _MAX_REPEAT:
                raise RegexError(f"bad quantifier {{{least},{most}}}")
            tree = ("repeat", tree, least, most)
            self.take("?")  # laziness changes the match, not whether there is one
            bounds = self.quantifier()
        return tree

    def quantifier(self) -> tuple[int, int | None] | None:
        for sign, bounds in _QUANTIFIERS.items():
            if self.take(sign):
                return bounds
        braces = self.take_re(_BRACES)
        if braces is None:
            return None
        least = int(braces[1])
        return least, (least if braces[2] is None else int(braces[3]) if braces[3] else None)

    def term(self) -> Tree:
        char = self.next()
        handler = _TERMS.get(char)
        if handler is not None:
            tree: Tree = handler(self)
            return tree
        if char in "*+?":
            raise RegexError(f"nothing to repeat at {self.at - 1}")
        return self.lang(((ord(char), ord(char)),))

    def lang(self, codes: CharSet) -> Tree:
        language: Language = chars(charset.fold_case(codes) if self.fold else codes)
        return ("lang", language)

    def group(self) -> Tree:
        kind = self.take_re(_GROUP) if self.peek("?") else None
        if self.peek("?") and kind is None:
            raise Irregular("this kind of group is not compiled")
        if kind is not None and (kind[4] or kind[5]):
            raise Irregular("look-behind and inline flags are not compiled")
        inner = self.alternatives()
        if not self.take(")"):
            raise RegexError("missing ')'")
        return ("look", inner, bool(kind[2])) if kind is not None and (kind[2] or kind[3]) else inner

    def escape(self) -> Tree:
        char = self.text[self.at : self.at + 1]
        if char in _UNSUPPORTED or (char.isdigit() and char != "0"):
            raise Irregular(_UNSUPPORTED.get(char, "back references are not regular"))
        return self.lang(self.escaped_set())

    def escaped_set(self) -> CharSet:
        """The characters of an escape, after its backslash, in or out of a class."""
        if self.peek("p") or self.peek("P"):
            return self.property()
        code = self.take_re(_HEX)
        if code is not None:
            return self.code_point(int(code[1] or code[2] or code[3], 16))
        char = self.next()
        if char in _CLASSES:
            return _CLASSES[char]
        if char == "c" and self.text[self.at : self.at + 1].isalpha():
            return self.code_point(ord(self.next()) % 32)
        return self.code_point(_CONTROLS.get(char, ord(char)))

    def code_point(self, code: int) -> CharSet:
        """Two escapes that are a surrogate pair are one character."""
        if 0xD800 <= code <= 0xDBFF and self.take("\\"):
            low = self.take_re(_HEX)
            if low is None or low[2] is None:
                raise Irregular("lone surrogates can't be in JSON text")
            code = 0x10000 + ((code - 0xD800) << 10) + (int(low[2], 16) - 0xDC00)
        if 0xD800 <= code <= 0xDFFF:
            raise Irregular("lone surrogates can't be in JSON text")
        return ((code, code),)

    def property(self) -> CharSet:
        inverse = self.peek("P")
        name = self.take_re(_PROPERTY)
        codes = charset.category(name[1] or name[2]) if name else None
        if codes is None:
            raise Irregular("only general categories of \\p{...} are compiled")
        return charset.set_complement(codes) if inverse else codes

    def char_class(self) -> Tree:
        inverse = self.take("^")
        sets: list[CharSet] = []
        while not self.take("]"):
            low = self.class_atom()
            if self.peek("-") and not self.peek("-]") and len(low) == 1 and low[0][0] == low[0][1]:
                self.take("-")
                sets.append(self.class_range(low))
            else:
                sets.append(low)
        codes = charset.set_union(*sets)
        codes = charset.fold_case(codes) if self.fold else codes
        return ("lang", chars(charset.set_complement(codes) if inverse else codes))

    def class_range(self, low: CharSet) -> CharSet:
        high = self.class_atom()
        if len(high) != 1 or high[0][0] != high[0][1]:
            return charset.set_union(low, charset.of("-"), high)
        if high[0][0] < low[0][0]:
            raise RegexError("a class range out of order")
        return charset.set_intersection(((low[0][0], high[0][0]),), charset.ALL)

    def class_atom(self) -> CharSet:
        char = self.next()
        if char != "\\":
            return ((ord(char), ord(char)),)
        return ((8, 8),) if self.take("b") else self.escaped_set()


_TERMS = {
    "^": lambda parser: ("begin",),
    "$": lambda parser: ("end",),
    ".": lambda parser: parser.lang(charset.DOT),
    "(": _Parser.group,
    "[": _Parser.char_class,
    "\\": _Parser.escape,
}
