"""Regexes, choices and grammars of clients: broken, empty, endless, huge, and what looks like markup."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from tests.hostile.row import CHAT, COMPLETIONS, GRAMMARS, Row

# Each is refused, in every field and tool that takes a regex.
BAD_REGEXES: Sequence[str] = (
    "(", ")", "(a", "[", "[z-a]", "a{3,1}", "*", "+a", "?", "(?", "(?<a", "\\", "a\\\\\\", "[[:alpha:]",
    "(?P<x>a)(?P=y)",
    "(a{1,5000}){1,5000}", "((a{1,99}){1,99}){1,99}", "a" * 5000 + "(", "(" * 3000 + ")" * 3000, "(?=",
    "(?<n>a)(?<n>b)", "\\p{Banana}", "\\u{110000}", "[\\d-\\w", "(?i", "(?#", "\\1(a",
)  # fmt: skip
GOOD_REGEXES: Sequence[str] = (
    *("a", "a?b", "[a-z]{1,3}", "(a|b|ab){1,3}", "\\d{1,3}(\\.\\d{1,2})?", "^abc$", "a{0}b", "(ab|cd)?END", "\\u0041"),
    *("é{1,2}", "(?:a)b", "[^a]b", ".", "\\\\", '"', "\n", "\t", "(a+)+b", "[\\u4e00-\\u9fff]"),
)
# Lark and GBNF.
BAD_GRAMMARS: Sequence[str] = (
    *("start: nowhere", "start", ":", "start: (", 'start: "a', "start: /(/", "start: /a", "start: a\n", "%"),
    *("start: %json {", '%json {"type": "banana"}', 'start: "a" %%', "a: /a/", "start: <[99999999999]>"),
    *('start: "a"\nstart: "b"', "root ::= (", "root ::= nowhere", 'root ::= "a', "{}"),
    "start: /a/" + "#" * 2**20,
    "start: " + "(" * 5000,
    "start: @nowhere",
)
# What never ends.
ENDLESS_GRAMMARS: Sequence[str] = ("start: start", "start: a\na: a", "start: a\na: b\nb: a")
GOOD_GRAMMARS: Sequence[str] = (
    'start: "a"', "start: /[a-c]{1,3}/", 'start: a b?\na: "x"\nb: "y"', 'root ::= "a" | "b"',
    'root ::= [a-z] [0-9]{1,3}', 'start: ("a" | "b"){1,3}', '// nothing\nstart: "a"', "start:", "root ::= ",
)  # fmt: skip
GOOD_CHOICES: Sequence[Sequence[str]] = (
    ["a"], ["a", "ab", "abc"], ["a", "a"], ["é", "東京"], ["a b", " a"], ["x" * 500],
    [str(number) for number in range(300)],
)  # fmt: skip
BAD_CHOICES: Sequence[str] = ("[]", "[1]", "[null]", '"a"', "{}", "[[]]", json.dumps(["x"] * 60_000), '["\\ud800"]')


def rows() -> Iterator[Row]:
    for path in (CHAT, COMPLETIONS, GRAMMARS):
        yield from _structured("regex", GOOD_REGEXES, BAD_REGEXES, path)
        yield from _structured("grammar", GOOD_GRAMMARS, (*BAD_GRAMMARS, *ENDLESS_GRAMMARS), path)
        for choice in GOOD_CHOICES:
            yield Row(_of("choice", json.dumps(choice)), 200, path=path, real=True, name=f"choice {choice[:3]}"[:60])
        for text in BAD_CHOICES:
            yield Row(_of("choice", text), 400, "structured_outputs", path, name=f"choice {text[:30]}")
    yield from _aliases()
    yield from _custom()


def _of(kind: str, text: str) -> Mapping[str, str]:
    return {"structured_outputs": f'{{"{kind}": {text}}}', "max_tokens": "40"}


def _structured(kind: str, good: Sequence[str], bad: Sequence[str], path: str) -> Iterator[Row]:
    for text in good:
        yield Row(_of(kind, json.dumps(text)), 200, path=path, real=True, name=f"{kind} {text[:60]!r}")
    for text in bad:
        yield Row(_of(kind, json.dumps(text)), 400, f"structured_outputs.{kind}", path, name=f"{kind} {text[:60]!r}")


def _aliases() -> Iterator[Row]:
    """The fields of other servers for the same."""
    for name, good, bad in (
        ("regex", "a", "("),
        ("ebnf", 'root ::= "a"', "root ::= ("),
        ("grammar", 'start: "a"', "%"),
    ):
        yield Row({name: json.dumps(good)}, 200, real=True)
        yield Row({name: json.dumps(bad)}, 400, name)
        yield Row({name: '""'}, 200, real=name != "regex")


def _custom() -> Iterator[Row]:
    """The input of a custom tool that has to be called."""
    form = '[{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": %s}}}]'
    required = {"tool_choice": '"required"', "max_tokens": "90"}
    for syntax, good, bad in (("regex", GOOD_REGEXES, BAD_REGEXES), ("lark", GOOD_GRAMMARS, BAD_GRAMMARS)):
        for text in good:
            if syntax == "lark" and "::=" in text:
                continue
            tools = form % json.dumps({"syntax": syntax, "definition": text})
            yield Row({"tools": tools, **required}, 200, real=True, name=f"custom {syntax} {text[:60]!r}")
        for text in bad:
            tools = form % json.dumps({"syntax": syntax, "definition": text})
            yield Row({"tools": tools, **required}, 400, "tools[0]", name=f"custom {syntax} {text[:60]!r}")
