"""Languages inside JSON strings: a text is in one exactly where its JSON is in the other."""

from __future__ import annotations

import json
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from turngrammar.regex import ANY, automaton, compile_pattern, complement, expression_text, in_json_string

PATTERNS = [
    "",
    "a",
    '"',
    r"\\",
    r"^[^\\]{1,3}$",
    r'^[^"]*$',
    r'^[^<>:"/\\|?*]+$',
    r"^\s+$",
    r"^\S.*\S$",
    r"\n",
    "^.*$",
    r"^[^\n]*$",
    r"^(?!.*\\).*$",
    r'^(?!.*").{2,}$',
    r"^[\x00-\x1f]+$",
    r"^\W$",
    r"[\u2028é]",
    r"^\x7f$",
    r"^(a|\t|b\\)*$",
]
TEXTS = st.text(st.sampled_from('ab"\\/\n\t\r\b\f\x00\x1f\x7f é\u2028\U0001f600' + string.punctuation), max_size=6)


@pytest.mark.parametrize("pattern", PATTERNS)
@given(text=TEXTS)
def test_a_text_matches_as_its_json_does(pattern: str, text: str) -> None:
    language = compile_pattern(pattern)
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    assert automaton(in_json_string(language)).matches(inside) == automaton(language).matches(text)


@pytest.mark.parametrize("text", ["\n", "\x1f", "\b", "\t"])
def test_a_control_has_two_spellings(text: str) -> None:
    machine = automaton(in_json_string(compile_pattern(r"^[\x00-\x1f]$")))
    spellings = (json.dumps(text)[1:-1], f"\\u{ord(text):04x}", f"\\u{ord(text):04X}")
    assert all(map(machine.matches, spellings))
    assert not machine.matches(text)  # JSON forbids it unescaped


@pytest.mark.parametrize("inside", ["\\", "\\x", "\\u00", '"', "\\u0041", "\\/", "\\u0022"])
def test_no_other_escapes(inside: str) -> None:
    assert not automaton(in_json_string(ANY)).matches(inside)


def test_a_complement_excludes_each_spelling() -> None:
    machine = automaton(in_json_string(complement(compile_pattern(r"\n"))))
    assert machine.matches("a")
    assert not machine.matches("a\\n")
    assert not machine.matches("a\\u000a")


def test_the_text_is_a_regex_without_anchors() -> None:
    assert expression_text(in_json_string(compile_pattern('^a"$'))) == 'a\\\\"'
