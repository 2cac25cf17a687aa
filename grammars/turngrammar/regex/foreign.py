"""What other dialects have and ECMA-262 lacks: each construct by name, and what to write in its place."""

from __future__ import annotations

from collections.abc import Mapping

ESCAPES: Mapping[str, tuple[str, str]] = {
    "a": ("a bell", r"\x07"),
    "e": ("an escape character", r"\x1b"),
    "h": ("a horizontal space", r"[ \t]"),
    "H": ("no horizontal space", r"[^ \t]"),
    "N": ("no line feed", r"[^\n]"),
    "R": ("a line break", r"(?:\r\n|[\n\r])"),
    "Q": ("quoting", r"a backslash before each special character"),
    "E": ("quoting", r"a backslash before each special character"),
    "G": ("the end of the last match", "^"),
    "K": ("a reset of the match", "the pattern without it"),
    "X": ("a grapheme", "."),
    "U": ("a code point of 8 digits", r"\u{...}"),
    "g": ("a reference to a group", r"\1 or \k<name>"),
}

POSIX_CLASSES: Mapping[str, str] = {
    "alnum": "A-Za-z0-9",
    "alpha": "A-Za-z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": r"!-\/:-@\[-`\{-~",
    "space": r"\s",
    "upper": "A-Z",
    "word": r"\w",
    "xdigit": "0-9A-Fa-f",
}

GROUPS: Mapping[str, tuple[str, str]] = {
    "?>": ("an atomic group", "(?:...)"),
    "?|": ("a branch reset", "(?:...)"),
    "?(": ("a conditional", "both cases as alternatives"),
    "?'": ("a group named in quotes", "(?<name>...)"),
    "?R": ("a recursion", "the nesting that it needs"),
    "?&": ("a recursion", "the nesting that it needs"),
    "?P>": ("a recursion", "the nesting that it needs"),
}


def lacking(construct: str, meaning: str, instead: str) -> str:
    return f"{construct}, {meaning} in other dialects, is not of ECMA-262: write {instead}"
