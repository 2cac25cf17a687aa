"""Terminals of strings: what llguidance accepts is what the branch describes, as plain text and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turngrammar.audit import Acceptor
from turngrammar.terminals.strings import json_string, string_language, text_terminal

PASSWORD = {"type": "string", "pattern": "[a-z]", "allOf": [{"pattern": "[A-Z]"}, {"pattern": "[0-9]"}], "minLength": 4}
CASES: list[tuple[dict[str, Any], list[str], list[str]]] = [
    ({"type": "string"}, ["", "a", 'say "hi"\n'], []),
    ({"type": "string", "minLength": 1, "maxLength": 2}, ["a", '"', "\n\\", "éé"], ["", "abc", "\n\n\n"]),
    ({"type": "string", "pattern": r"^[^\\]{1,60}$"}, ["C:/Users", 'say "hi"', "\t"], ["C:\\Users", "", "a" * 61]),
    ({"type": "string", "pattern": r'^[^"]+$', "maxLength": 4}, ["C:\\", "ab"], ['"', "", "abcde"]),
    (PASSWORD, ["aB3x", '"B3x'], ["aB3", "ab3x", "aBxx"]),
    ({"type": "string", "not": {"pattern": "b"}}, ["", "a", '"'], ["b", 'a"b']),
    ({"type": "string", "pattern": "a", "allOf": [{"not": {"pattern": "b"}}]}, ["a", '"a'], ["ab", "c"]),
    ({"type": "string", "format": "date"}, ["2024-02-29"], ["2023-02-29", "", "2024-02-30"]),
    ({"type": "string", "pattern": "^2", "allOf": [{"format": "date"}]}, ["2024-02-29"], ["1999-01-01"]),
]


@pytest.mark.parametrize(("branch", "inside", "outside"), CASES)
def test_a_branch_and_its_terminals(branch: dict[str, Any], inside: list[str], outside: list[str]) -> None:
    plain = Acceptor(f"start: T\nT: {text_terminal(branch)}\n")
    quoted = Acceptor(f"start: T\nT: {json_string(branch)}\n")
    for texts, expected in ((inside, True), (outside, False)):
        for text in texts:
            assert plain.accepts(text) == expected, text
            assert quoted.accepts(json.dumps(text, ensure_ascii=False)) == expected, text


def test_listed_strings_are_one_terminal() -> None:
    accepts = Acceptor(f"start: T\nT: {text_terminal({'type': 'string', 'enum': ['a.b', 'c']})}\n").accepts
    assert accepts("a.b")
    assert accepts("c")
    assert not accepts("axb")


def test_the_language_of_a_branch_has_all_its_constraints() -> None:
    from turngrammar.regex import automaton

    assert automaton(string_language(PASSWORD)).matches("aB3x")
    assert not automaton(string_language(PASSWORD)).matches("aB3")
