"""Terminal expressions for the strings of a lowered branch: as plain text, and as JSON with its quotes.

Each constraint is a regex, and a terminal their intersection. llguidance follows it without building its automaton.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from turngrammar import spans
from turngrammar.regex import (
    ANY,
    Language,
    complement,
    expression_text,
    in_json_string,
    intersection,
    of_length,
    printed_language,
)
from turngrammar.string_formats import FORMATS
from turngrammar.terminals.expressions import any_text

Branch = Mapping[str, Any]
# Lowered, true: the grammar allows spans only; false: the finished answer is checked for that.
SOURCE = "x-source"
PLAIN = frozenset(("type", "minLength", "maxLength"))  # the keywords of a branch without patterns and formats
Encode = Callable[[Language], str]  # the regex of a language, as it is written in the answer


def text_terminal(branch: Branch) -> str:
    """The strings of a branch as they are, without quotes."""
    if "enum" in branch:
        return f"/{any_text(tuple(branch['enum']))}/"
    if "regex" in branch:
        return f"/{branch['regex']}/"
    return _terminal(constraints(branch), text_regex, spans.AS_TEXT if is_quoted(branch) else "")


def json_string(branch: Branch) -> str:
    """The strings of a branch as JSON."""
    return span_terminal(constraints(branch)) if is_quoted(branch) else json_terminal(constraints(branch))


def span_terminal(languages: Iterable[Language]) -> str:
    """The spans that are in all of the languages, as JSON."""
    return _terminal(languages, json_regex, f'("\\"" {spans.IN_JSON} "\\"")')


def is_quoted(branch: Branch) -> bool:
    """Whether the grammar allows spans of the texts only."""
    return branch.get(SOURCE) is True


def json_terminal(languages: Iterable[Language]) -> str:
    """The strings that are in all of the languages, as JSON."""
    return _terminal(languages, json_regex)


def _terminal(languages: Iterable[Language], encode: Encode, span: str = "") -> str:
    """What is in all the languages, and in the terminal of spans, if there is one."""
    parts = [_constraint(language, encode) for language in languages if not (span and language == ANY)]
    return " & ".join((*parts, span) if span else parts)


def text_regex(language: Language) -> str:
    """A piece of a Lark regex that matches the texts of the language."""
    return f"({expression_text(language)})"


@lru_cache(maxsize=4096)
def json_regex(language: Language) -> str:
    """A piece of a Lark regex that matches the texts of the language as JSON strings."""
    return f'"{text_regex(in_json_string(language))}"'


def string_language(branch: Branch) -> Language:
    """All strings of a branch."""
    return intersection(*constraints(branch))


def constraints(branch: Branch) -> tuple[Language, ...]:
    """The languages that the strings of a branch are in. No complement stands alone: it matches other texts too."""
    languages = tuple(language for part in (branch, *branch.get("allOf", ())) for language in _languages_of(part))
    length = of_length(branch.get("minLength", 0), branch.get("maxLength"))
    if length != ANY or all(language.kind == "not" for language in languages):
        return (*languages, length)
    return languages


def _constraint(language: Language, encode: Encode) -> str:
    return f"~/{encode(complement(language))}/" if language.kind == "not" else f"/{encode(language)}/"


def _languages_of(part: Branch) -> Iterator[Language]:
    if "pattern" in part:
        yield printed_language(part["pattern"])
    if "not" in part:
        yield complement(printed_language(part["not"]["pattern"]))
    if part.get("format") in FORMATS:
        yield from FORMATS[part["format"]].constraints
