"""Patterns with the semantics of ECMA-262, and the algebra of languages. Python's `re` decides where both agree."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from turngrammar import regex
from turngrammar.regex import Irregular, Language, RegexError, compile_pattern

PATTERNS = [
    "^a", "b$", "^a|b$", "(^a|b)c", "ab", "^$", "", ".*", "^.+$", "[^a]", "^[a-c]{2,3}$", "a{2}", "^(ab|c)*$", "^a?b+$",
    r"^\d+$", r"^\w+$", r"\s", r"\S", "^(?!a)", "^(?!.*b).*$", "^(?=.*a)(?=.*b)", "a(?!b)", "a(?=b|c)c?", "^(a|)$",
    "(?:a|b)c", "^(?<n>a)b$", r"^[\w.-]+$", r"^[\]\\a]+$", "^[^]$", "a|^b|c$", "(a|^b)$", "^(^a)?b", "(a$|b)", "^a.c$",
]  # fmt: skip
TEXTS = st.text(alphabet="abc1_ .\n-]\\é", max_size=7)


@settings(max_examples=60, deadline=None, derandomize=True)
@pytest.mark.parametrize("pattern", [pattern for pattern in PATTERNS if pattern not in ("^[^]$", "^(?<n>a)b$")])
@given(texts=st.lists(TEXTS, max_size=12))
def test_python_agrees(pattern: str, texts: list[str]) -> None:
    searched = re.compile(pattern.replace("$", r"\Z"), re.ASCII if r"\w" in pattern else 0)
    machine = regex.automaton(compile_pattern(pattern))
    assert [machine.matches(text) for text in texts] == [bool(searched.search(text)) for text in texts]


@settings(max_examples=40, deadline=None, derandomize=True)
@pytest.mark.parametrize("pattern", PATTERNS)
@given(texts=st.lists(TEXTS, max_size=12))
def test_a_printed_pattern_matches_the_same_texts(pattern: str, texts: list[str]) -> None:
    language = compile_pattern(pattern)
    plain = regex.printable(language)
    assert plain is not None
    printed = re.compile(regex.pattern_text(plain).replace("$", r"\Z"))
    for text in texts:
        assert regex.automaton(language).matches(text) == bool(printed.search(text))


LANGUAGES = st.sampled_from(PATTERNS).map(compile_pattern)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(LANGUAGES, LANGUAGES, TEXTS)
def test_boolean_algebra(left: Language, right: Language, text: str) -> None:
    def within(language: Language) -> bool:
        return regex.automaton(language).matches(text)

    assert within(regex.intersection(left, right)) == (within(left) and within(right))
    assert within(regex.union(left, right)) == (within(left) or within(right))
    assert within(regex.complement(left)) != within(left)
    assert not (regex.disjoint(left, right) and within(left) and within(right))
    both = regex.printable(regex.intersection(left, regex.complement(right)))
    assert both is None or within(both) == (within(left) and not within(right))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(TEXTS, max_size=5), TEXTS)
def test_finite_languages_and_their_complements(words: list[str], text: str) -> None:
    assert regex.automaton(regex.finite(words)).matches(text) == (text in words)
    assert regex.automaton(regex.all_but(words)).matches(text) != (text in words)
    assert not regex.all_but(words).boolean


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("^((a{1,100}){1,100}){1,100}$", "a" * 300, "a" * 300 + "b"),
        ("^(a|aa)+$", "a" * 300, "a" * 300 + "b"),
        ("^(a*)*$", "a" * 300, "a" * 300 + "b"),
        ("^(a{2,3}){2}$", "aaaaa", "aaa"),
        (r"^\cC$", "\x03", "C"),
        (r"^\u00e9\x41$", "éA", "eA"),
        (r"^\u{1F600}$", "😀", "\ud83d"[:0]),
        (r"^\ud83d\ude00$", "😀", "x"),
        (r"^\p{Lu}\P{L}$", "É1", "é1"),
        (r"^[\d\-x]+$", "1-x", "y"),
        (r"^[a-]$", "-", "b"),
        (r"^\/\@$", "/@", "@"),
        ("^[^]$", "\n", ""),
        ("(?i)^ab$", "aB", "ba"),
        ("^a{,2}$", "a{,2}", "aa"),
        ("^(?<year>a)+?$", "aa", ""),
        (r"^\w$", "a", "é"),
        (r"^\d$", "1", "१"),
        (r"^\s$", "\ufeff", "\u200b"),
        ("^.$", "a", "\u2028"),
    ],
)
def test_semantics_of_ecma_262_only(pattern: str, inside: str, outside: str) -> None:
    machine = regex.automaton(compile_pattern(pattern))
    assert machine.matches(inside)
    assert not machine.matches(outside)


@pytest.mark.parametrize("pattern", ["(", "a)", "[a", "*a", "a{3,1}", "[b-a]", "a{99999999}"])
def test_invalid_patterns(pattern: str) -> None:
    with pytest.raises(RegexError):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", [r"(a)\1", r"\bfoo", "(?<=a)b", "(^a|b)*", r"(?<n>a)\k<n>", r"\p{Script=Greek}"])
def test_irregular_patterns(pattern: str) -> None:
    with pytest.raises(Irregular):
        compile_pattern(pattern)


def test_beyond_the_budget_nothing_is_decided() -> None:
    counted = compile_pattern("^(.{1,63}\\.){1,127}$")
    assert regex.printable(regex.complement(counted)) is None
    assert regex.is_empty(regex.intersection(counted, regex.complement(compile_pattern("x{200}")))) in (None, False)
