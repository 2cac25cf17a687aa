"""How long the texts of clients' grammars are, at least; and rules that no text fits."""

from __future__ import annotations

from itertools import pairwise

import pytest

from turngrammar.client import grammar_expression, nested_grammar, regex_expression
from turngrammar.client.json_string_regex import least_length
from turngrammar.client.shortest import least_characters
from turngrammar.errors import InvalidGrammar

LENGTHS = [
    ('start: "abc"', 3),
    ('start: "abc"i | "de" -> two', 2),
    ('start: /a{60000}/', 60_000),
    ('start: "a"{60000}', 60_000),
    ('start: x{3,5} "c" ~ 2 [ "d" ] "e"? "f"* "g"+\nx: "ab" | "abc"', 9),
    ('start: expr\nexpr: expr "+" term | term\nterm: NUMBER | "(" expr ")"\nNUMBER: /[0-9]+/', 1),
    ('start: pair ("," pair)*\npair: WORD "=" WORD\nWORD: /[a-z]{2,}/\n%ignore /[ \\t]+/', 5),
    ('%import common.INT\nstart: "n" INT', 1),
    ('start: "a".."c" "x"  // a comment with "a" quote\n     | "long one"\n', 2),
    ('start: T\nT: /[a-z]+/ & ~/ab/', 0),
    ('start: body[lazy]\n', 0),
    ('?start: value\nvalue[lazy]: /x{4}/', 4),
    ('start: "{" %json {"type": "object", "a": "}"} "}"', 2),
    ('start: %lark { start: "a}" } "b"', 1),
    ('start: a::5\na::_: "b"', 0),
    ("start: b{9}\n" + "".join(f"{a}: {b}{{99}}\n" for a, b in pairwise("bcdefghijk")) + 'k: "k"', 10**9),
]  # fmt: skip


@pytest.mark.parametrize(("lark", "length"), LENGTHS)
def test_the_shortest_text_has_at_least_so_many_characters(lark: str, length: int) -> None:
    assert least_characters(lark) == length


ENDLESS = {
    'start: "a" start': "start",
    "start: a\na: b\nb: a": "a",
    'start: "x" a | "y"\na: "(" a ")" | "[" b "]"\nb: a a': "a",
    'start: "x" T\nT: /a/ & /b/': "T",
    'start: U "x"\nU: T\nT: A & B\nA: /a+/\nB: /b+/': "T",
    r'start: "x" /[^\s\S]/': "start",
    r'start: "a" | "b" never*  never' + "\nnever: never": "never",
}


@pytest.mark.parametrize("lark", ENDLESS)
def test_a_rule_that_no_text_fits_is_named(lark: str) -> None:
    with pytest.raises(InvalidGrammar, match=f"No text fits '{ENDLESS[lark]}'"):
        grammar_expression(lark)


def test_a_rule_that_nothing_uses_may_never_end() -> None:
    assert nested_grammar('start: "a"\nb: b')


@pytest.mark.parametrize("pattern", [r"[^\s\S]", r"a[^\s\S]", r"(a|b)[^\s\S]{2}"])
def test_a_regex_that_no_text_matches_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidGrammar, match="No text matches"):
        regex_expression(pattern)


@pytest.mark.parametrize(
    ("pattern", "length"),
    [
        ("", 0),
        ("a|bc|", 0),
        ("(ab|cd)?END", 3),
        ("(?i:ab){3}c{2,}d*", 8),
        ("((a|bc)(de|f)){10}", 20),
        (r"[\]a-z]\d+?", 2),
    ],
)
def test_the_shortest_text_of_a_regex(pattern: str, length: int) -> None:
    assert least_length(pattern, "") == length
