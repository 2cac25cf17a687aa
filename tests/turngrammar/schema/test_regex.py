"""Patterns with the semantics of ECMA-262, and the algebra of languages.

V8's verdicts are recorded in `v8/patterns.jsonl`. For other patterns the module `regex` decides, on a translation.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import regex as backtracking  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from turngrammar import regex
from turngrammar.errors import InvalidSchema
from turngrammar.regex import Irregular, Language, compile_pattern
from turngrammar.regex.backtracking import backtracking_text
from turngrammar.regex.syntax import parse_pattern
from turngrammar.schema import compile_schema

V8 = [json.loads(line) for line in (Path(__file__).parent / "v8" / "patterns.jsonl").read_text().splitlines()]

ALPHABET = "aab1_ .\n-é"
TEXTS = st.text(alphabet=ALPHABET, max_size=7)
ATOMS = st.sampled_from(
    [
        "a",
        "a",
        "b",
        "1",
        "_",
        "-",
        "é",
        r"\.",
        ".",
        r"\w",
        r"\W",
        r"\d",
        r"\s",
        "[ab]",
        "[^a]",
        r"[\w-]",
        "[^]",
        r"\p{Ll}",
    ]
)
ASSERTIONS = st.sampled_from(["^", "$", r"\b", r"\B"])
QUANTIFIERS = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{1,2}", "{0,3}", "{2,}", "*?"])


def _larger(pattern: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    groups = st.builds("({}{}){}".format, st.sampled_from(["", "?:"]), pattern, QUANTIFIERS)
    looks = st.builds("({}{})".format, st.sampled_from(["?=", "?!", "?<=", "?<!"]), pattern)
    pieces = st.one_of(st.builds("".join, st.tuples(ATOMS, QUANTIFIERS)), ASSERTIONS, groups, looks)
    sequences = st.lists(pieces, max_size=3).map("".join)
    return st.lists(sequences, min_size=1, max_size=2).map("|".join)


PATTERNS = st.recursive(ATOMS, _larger, max_leaves=5)


def _compiled(pattern: str) -> Language | None:
    try:
        return compile_pattern(pattern)
    except Irregular:
        return None


LANGUAGES = PATTERNS.map(_compiled).filter(lambda language: language is not None)


def within(text: str, language: Language) -> bool:
    return regex.automaton(language).matches(text)


def translated(pattern: str) -> Any:
    return backtracking.compile(backtracking_text(parse_pattern(pattern).tree))


@pytest.mark.parametrize("row", V8, ids=[row["pattern"] for row in V8])
def test_v8_agrees(row: dict[str, Any]) -> None:
    matches, expression = regex.pattern_matcher(row["pattern"]), translated(row["pattern"])
    for text in (*row["matches"], *row["others"]):
        assert matches(text) == bool(expression.search(text)) == (text in row["matches"]), text
    wider = regex.widened(row["pattern"])
    assert all(within(text, wider) for text in row["matches"])


@settings(max_examples=300, deadline=None, derandomize=True)
@given(PATTERNS, st.lists(TEXTS, min_size=4, max_size=10))
def test_the_automaton_and_the_backtracking_engine_agree(pattern: str, texts: list[str]) -> None:
    language, expression = _compiled(pattern), translated(pattern)
    for text in texts:
        assert language is None or within(text, language) == bool(expression.search(text)), text


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LANGUAGES, st.lists(TEXTS, min_size=4, max_size=10))
def test_a_printed_pattern_matches_the_same_texts(language: Language, texts: list[str]) -> None:
    plain = regex.printable(language)
    assert plain is not None
    assert not plain.boolean
    if plain is regex.NEVER:
        return
    printed = backtracking.compile(regex.pattern_text(plain).replace("$", r"\Z"))
    for text in texts:
        assert within(text, language) == bool(printed.search(text))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LANGUAGES)
def test_a_printable_language_is_the_same(language: Language) -> None:
    plain = regex.printable(language)
    assert plain is not None
    assert regex.disjoint(plain, regex.complement(language))
    assert regex.disjoint(language, regex.complement(plain))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(LANGUAGES, LANGUAGES, TEXTS)
def test_boolean_algebra(left: Language, right: Language, text: str) -> None:
    assert within(text, regex.intersection(left, right)) == (within(text, left) and within(text, right))
    assert within(text, regex.union(left, right)) == (within(text, left) or within(text, right))
    assert within(text, regex.complement(left)) != within(text, left)
    assert not (regex.disjoint(left, right) and within(text, left) and within(text, right))


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.lists(TEXTS, max_size=5), TEXTS)
def test_finite_languages_and_their_complements(words: list[str], text: str) -> None:
    assert within(text, regex.finite(words)) == (text in words)
    assert within(text, regex.all_but(words)) != (text in words)
    assert not regex.all_but(words).boolean


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        ("^((a{1,100}){1,100}){1,100}$", "a" * 300, "a" * 300 + "b"),
        ("^(a|aa)+$", "a" * 300, "a" * 300 + "b"),
        ("^(a*)*$", "a" * 300, "a" * 300 + "b"),
        ("^(a{2,3}){2}$", "aaaaa", "aaa"),
        # clear, but not with the flag `u`
        (r"^\@\_\-\ \"\'\<$", "@_- \"'<", "x"),
        (r"^[\w-.]+]}$", "a-b.c]}", "a b]}"),
        (r"^\${x}{{y}}$", "${x}{{y}}", "${x}"),
        # ES2025, which the recorded V8 lacks
        ("(?i:A)b", "ab", "aB"),
        ("^(?i:é[^k]ς)$", "ÉxΣ", "ék\u03c3"),
        (r"^(?i:\w\W)$", "\u017f-", "--"),
        ("^(?s:.)(?-s:.)$", "\n.", ".\n"),
        ("(?m:^b$)", "a\rb\u2028c", "a b"),
    ],
)
def test_beyond_v8(pattern: str, inside: str, outside: str) -> None:
    assert regex.pattern_matcher(pattern)(inside)
    assert not regex.pattern_matcher(pattern)(outside)


READ: dict[str, tuple[str, dict[str, str]]] = {
    r"\A[a-z]+\z": ("^[a-z]+$", {r"\A": "^", r"\z": "$"}),
    r"^a\Z": ("^a$", {r"\Z": "$"}),
    r"(?m)^a\Z": (r"(?:^|(?<=[\n\r\u2028\u2029]))a$", {"(?m)": "(?m:...) around the rest", r"\Z": "$"}),
    "(?i)^ab$": ("^[aA][bB]$", {"(?i)": "(?i:...) around the rest"}),
    "^a((?i)b|c)d$": ("^a[bBcC]d$", {"(?i)": "(?i:...) around the rest"}),
    "^(?P<n>a|b)(?P=n)$": (r"^(?<n>a|b)\k<n>$", {"(?P<n>": "(?<n>", "(?P=n)": r"\k<n>"}),
    r"^[\x{4e00}-\x{9fa5}]$": (r"^[\u4e00-\u9fa5]$", {r"\x{4e00}": r"\u{4e00}", r"\x{9fa5}": r"\u{9fa5}"}),
    r"^\pL\p{Greek}$": (r"^\p{L}\p{Script=Greek}$", {r"\pL": r"\p{L}", r"\p{Greek}": r"\p{Script=Greek}"}),
    "a(?#x)b": ("ab", {"(?#...)": "a comment"}),
}


@pytest.mark.parametrize("pattern", READ)
@pytest.mark.parametrize("text", ["ab", "aB", "AB", "a", "b\na", "a\n", "aBd", "aCd", "aa", "bb", "中", "λα", "a1", ""])
def test_other_dialects_are_read_as_ecma_262_has_them(pattern: str, text: str) -> None:
    same, readings = READ[pattern]
    assert regex.readings(pattern) == readings
    assert regex.pattern_matcher(pattern)(text) == regex.pattern_matcher(same)(text)


def test_the_report_tells_how_a_pattern_was_read() -> None:
    schema = {"properties": {"x": {"type": "string", "pattern": r"\A[a-z]+\Z"}}, "patternProperties": {r"^y\z": {}}}
    reasons = {row.keyword: row.reason for row in compile_schema(schema).report}
    assert reasons["pattern"].startswith(r"`\A` is read as `^`; `\Z` is read as `$`; ")
    assert reasons["patternProperties"].startswith(r"`\z` is read as `$`; ")


@pytest.mark.parametrize(
    ("pattern", "named"),
    [
        ("^[[:alpha:]]+$", "write A-Za-z"),
        ("[[:^digit:]x]", "[:^digit:]"),
        ("[a-z&&[^b]]", "nested classes"),
        ("[^]]+", r"write [^\]]"),
        ("[]a]", r"write [\]]"),
        (r"\h+", r"write [ \t]"),
        (r"\Qa.b\E", "quoting"),
        (r"\a", r"write \x07"),
        (r"\y", "write y for the letter"),
        (r"[\Z]", r"\Z has no meaning"),
        (r"\08", "octal"),
        (r"\U0001F600", r"\u{...}"),
        (r"\x4", "incomplete"),
        (r"\u{110000}", "beyond Unicode"),
        (r"\c1", r"\cA"),
        (r"\p{Foo}", "not a Unicode property"),
        (r"\p{gc=Foo}", "not a Unicode property"),
        (r"\p", "incomplete"),
        ("a++", "possessive"),
        ("a{2}{3}", "{3} has nothing to repeat"),
        ("^*", "* has nothing to repeat"),
        ("|+", "+ has nothing to repeat"),
        ("a{,2}", "write {0,2}"),
        ("a{3,1}", "{3,1}"),
        ("(?>a)", "atomic"),
        ("(?(1)a|b)", "conditional"),
        ("(?R)", "recursion"),
        ("(?x)a", "no flag x"),
        ("(?<1>a)", "(?<1"),
        ("(", r"write \("),
        ("a)", r"write \)"),
        ("[a", r"write \["),
        ("a\\", r"write \\"),
        ("[b-a]", "b-a"),
        (r"(a)\2", "group 2"),
        (r"\k<n>", "group n"),
        ("(" * 5000 + ")" * 5000, "nest"),
        (r"(a+)\1{1000000}", "smaller numbers"),
        ("é" * 9000 + r"\h" + "\n\\'" * 900, r"`...ééé"),
    ],
)
def test_errors_name_the_construct_and_the_fix(pattern: str, named: str) -> None:
    schema = {"properties": {"x": {"not": {"pattern": pattern}}}}
    with pytest.raises(InvalidSchema) as caught:
        compile_schema(schema)
    assert (caught.value.pointer, caught.value.keyword) == ("/properties/x/not/pattern", "pattern")
    assert named in caught.value.message
    assert len(caught.value.message) <= 500
    assert caught.value.message.endswith(".")


@pytest.mark.parametrize("keyword", ["pattern", "patternProperties"])
def test_patterns_of_excluded_types_are_valid_too(keyword: str) -> None:
    schema = {"anyOf": [{"type": "integer", keyword: "(" if keyword == "pattern" else {"(": {}}}, {}]}
    with pytest.raises(InvalidSchema, match=r"write \\\("):
        compile_schema(schema)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"(a+)\1", "back references"),
        ("a{99999999}", "10000 repetitions"),
        ("(?<=a(?=b))b", "look-ahead within look-behind"),
        ("|".join(f"(?<={'a' * count})b" for count in range(1, 30)), "look-behinds"),
        (r"(?:(?:\bx){1,90}){1,90}", "too large"),
        ("^(?:(?!a.{9}b)[ab])*$", "too large"),
    ],
)
def test_what_is_not_compiled_is_still_matched(pattern: str, reason: str) -> None:
    with pytest.raises(Irregular, match=reason):
        compile_pattern(pattern)
    assert not regex.pattern_matcher(pattern)("-")


@pytest.mark.parametrize(
    ("pattern", "inside", "outside"),
    [
        (r"^(['\"]).*\1$", ["'a'", '"a"'], ["'a\"", "a"]),
        (r"^\d{4}([-/.]|)\d\d\1\d\d$", ["2024-01-02", "20240102"], ["2024-01/02"]),
        (r"^(?:(a|b)\1)+$", ["aabb"], ["ab", "aab"]),
        (r"^(?<q>a|bc)(?i:\k<q>)$", ["aA", "bcBC"], ["abc"]),
        (r"^([a-c])(?!\1).$", ["ab"], ["aa"]),
    ],
)
def test_references_to_a_few_words_are_regular(pattern: str, inside: list[str], outside: list[str]) -> None:
    language = compile_pattern(pattern)
    assert all(within(text, language) for text in inside)
    assert not any(within(text, language) for text in outside)


def test_of_other_references_the_grammar_has_what_a_group_captures() -> None:
    wider = regex.widened(r"^<([a-z]+)>(?!<\1>).*</\1>$")
    assert within("<b>x</b>", wider)
    assert within("<b>x</i>", wider)
    assert not within("<b>x</B>", wider)
    assert not within("<b>x", wider)


@pytest.mark.parametrize("pattern", ["[^a]*", "^", "(a|b|)" * 500, "(?=a)" * 2000, "(?:" * 90 + "(?!a)b?" + ")*" * 90])
def test_large_patterns_are_no_burden(pattern: str) -> None:
    assert regex.printable(compile_pattern(pattern)) is not None


def test_beyond_the_budget_nothing_is_decided() -> None:
    for pattern in (r"^(.{1,63}\.){1,127}$", "(a|e|i).{30}$"):
        language = compile_pattern(pattern)
        assert regex.printable(regex.complement(language)) is None
        assert regex.is_empty(regex.intersection(language, regex.complement(language))) is None


@pytest.mark.parametrize(
    ("pattern", "most"),
    [
        (r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$", 100),
        (r"\b(foo|bar)\b", 120),
        ("^(?:(?!foo).)*$", 400),
        (r"^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z\d]{8,}$", 5000),
        (r"^[\w.-]+(?<!\.git)$", 500),
    ],
)
def test_printed_patterns_are_small(pattern: str, most: int) -> None:
    plain = regex.printable(compile_pattern(pattern))
    assert plain is not None
    assert len(regex.pattern_text(plain)) <= most
