r"""A regex of texts -> a Lark expression of the same texts inside a JSON string.

There `"`, `\` and controls are replaced by their escapes, all of which begin alike. The lexer never goes back, so a
lexeme that may go on with one escape would exclude what begins with another. A regex that matches such characters is
therefore opened: its operators become Lark's, and its characters become lexemes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache

from llguidance import LLMatcher, LLTokenizer

from turngrammar.errors import InvalidGrammar
from turngrammar.terminals.expressions import quoted

_BYTES = LLTokenizer("byte")
_SPECIAL = [*map(chr, range(0x20)), '"', "\\"]
_PLAIN = r"[^\x{22}\x{5c}\x{0}-\x{1f}]"
_RUNS = "*+"

# Rust's syntax. llguidance has compiled the pattern, so nothing here has to detect errors.
_PIECE = re.compile(
    r"""(?P<open>\((?:\?(?P<flags>[A-Za-z-]*)(?P<end>[:)])|\?P?<\w+>)?)
      | (?P<close>\))
      | (?P<or>\|)
      | (?P<anchor>[\^$]|\\[Az])
      | (?P<quantifier>(?:[*+?]|\{[\d,\s]*\})\??)
      | (?P<class>\[)
      | (?P<atom>\\(?:[pPxuU]\{[^}]*\}|[pP].|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8}|.)|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLASS_PIECE = re.compile(r"\\.|(?P<open>\[\^?\]?)|(?P<close>\])|.", re.DOTALL)
_FLAGS = re.compile(r"[imsuU]*(?:-[imsU]*)?")

Piece = tuple[str, str]  # its kind and its text; that of an atom includes its flags


def text_in_json_string(text: str) -> str:
    """The Lark expression of `text` inside a JSON string; escapes are lexemes of their own."""
    parts = re.findall(r'[^"\\\x00-\x1f]+|["\\\x00-\x1f]', text)
    return " ".join(quoted(_json_escape_of(part) if part in _SPECIAL else part) for part in parts) or quoted("")


def _json_escape_of(char: str) -> str:
    return json.dumps(char)[1:-1]


def regex_in_json_string(pattern: str, flags: str) -> str | None:
    """The expression; None for a regex that matches nothing to escape, which can stay unchanged.

    Raises InvalidGrammar for flags that change the syntax of the pattern.
    """
    pieces = list(_regex_pieces(pattern, flags))
    if not any(kind == "atom" and _escaped_characters(text) for kind, text in pieces):
        return None
    return f"({' '.join(_expressions(pieces))})"


def character_lexeme(pattern: str, flags: str) -> str | None:
    """The lexeme of each character of a pattern that is a run of one class; None for any other pattern."""
    match list(_regex_pieces(pattern, flags)):
        case [("atom", text)] | [("atom", text), ("quantifier", "+" | "*")]:
            escapes = "|".join(re.escape(_json_escape_of(char)) for char in _escaped_characters(text))
            return f"/{_unescaped_class(text)}|{escapes}/"
        case _:
            return None


def least_length(pattern: str, flags: str) -> int:
    """Of the texts that it matches, in characters. Raises InvalidGrammar for flags that change its syntax."""
    # For each group that is open: the shortest of its alternatives so far, and the current one with its last item.
    groups: list[tuple[list[int], list[int]]] = [([], [])]
    for kind, text in _regex_pieces(pattern, flags):
        shortest, items = groups[-1]
        if kind == "open":
            groups.append(([], []))
        elif kind == "or":
            shortest.append(sum(items))
            items.clear()
        elif kind == "close":
            groups.pop()
            groups[-1][1].append(min([*shortest, sum(items)]))
        elif kind == "quantifier":
            items[-1:] = [length * _least_count(text) for length in items[-1:]]
        else:
            items.append(1)
    shortest, items = groups[0]
    return min([*shortest, sum(items)])


def _least_count(quantifier: str) -> int:
    if quantifier[0] in "*?":
        return 0
    number = re.search(r"\d+", quantifier.partition(",")[0])
    return int(number[0]) if number else int(quantifier[0] == "+")


def _expressions(pieces: list[Piece]) -> Iterator[str]:
    before = "open"
    for index, (kind, text) in enumerate(pieces):
        if kind in ("or", "close") and before in ("or", "open"):
            yield quoted("")
        # A run at the end of the regex is greedy, as the client's own lexeme would be.
        yield _atom_expression(text, run=_is_run(pieces[index + 1 :])) if kind == "atom" else text
        before = kind
    if before in ("or", "open"):
        yield quoted("")


def _is_run(rest: list[Piece]) -> bool:
    return len(rest) == 1 and rest[0][0] == "quantifier" and rest[0][1] in _RUNS


def _atom_expression(atom: str, *, run: bool) -> str:
    special = _escaped_characters(atom)
    if not special:
        return f"/{atom}/"
    return f"(/{_unescaped_class(atom)}{'+' * run}/ | {' | '.join(quoted(_json_escape_of(char)) for char in special)})"


def _unescaped_class(atom: str) -> str:
    """The part of an atom, `(?i:[a-z])` and the like, that needs no escapes."""
    flags, inner = atom[: atom.index(":") + 1], atom[atom.index(":") + 1 : -1]
    return f"{flags}{_PLAIN if inner == '.' else f'[{inner}&&{_PLAIN}]'})"


@lru_cache(maxsize=4096)
def _escaped_characters(atom: str) -> tuple[str, ...]:
    """The special characters that an atom matches, which is one character. llguidance computes them."""
    mask = LLMatcher(_BYTES, LLMatcher.grammar_from_lark(f"start: /{atom}/"), log_level=0).compute_bitmask()
    return tuple(char for char in _SPECIAL if mask[ord(char) // 8] >> ord(char) % 8 & 1)


def _regex_pieces(pattern: str, flags: str) -> Iterator[Piece]:
    """The pattern without flags, anchors and laziness."""
    scopes, at = [_inner_flags("", flags)], 0
    while match := _PIECE.match(pattern, at):
        kind, text, at = match.lastgroup or "", match[0], match.end()
        if match["open"]:
            kind, text = "open", "("
            scopes.append(_inner_flags(scopes[-1], match["flags"] or ""))
            if match["end"] == ")":  # `(?s)` holds up to the end of the group that it is in
                scopes[-2:] = scopes[-1:]
                continue
        elif match["close"]:
            scopes.pop()
        elif match["class"]:
            at = _class_end(pattern, at)
            kind, text = "atom", pattern[match.start() : at]
        if kind == "atom":
            text = f"(?{scopes[-1]}:{text})"
        if kind != "anchor":
            yield kind, text[0] if text[0] in "*+?" else text.removesuffix("?") if kind == "quantifier" else text


def _inner_flags(outer: str, flags: str) -> str:
    """Those of the flags i and s that hold where `outer` did and `flags` are set."""
    if not _FLAGS.fullmatch(flags):
        raise InvalidGrammar(f"The regex flags '{flags}' are not supported here: use i, m, s, u and U.")
    on, _, off = flags.partition("-")
    return "".join(flag for flag in "is" if flag in on or (flag in outer and flag not in off))


def _class_end(pattern: str, at: int) -> int:
    depth = 1
    while depth and (match := _CLASS_PIECE.match(pattern, at)):
        depth += bool(match["open"]) - bool(match["close"])
        at = match.end()
    return at
