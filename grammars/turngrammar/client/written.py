"""Answers in a form of the client's own: a regex, a choice of texts, a grammar -> one Lark expression.

vLLM's users know these as `structured_outputs`. A client's grammar becomes a nested grammar with names of its own, so
none of its rules meets one of ours; and nothing is nested that does not compile by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from llguidance import LLMatcher, regex_to_lark
from llguidance.gbnf_to_lark import GbnfToLarkError, any_to_lark

from turngrammar.errors import InvalidGrammar
from turngrammar.lark.escape import quoted

Form = Literal["regex", "choice", "grammar"]


@dataclass(frozen=True)
class Written:
    """An answer's form as the client wrote it: a regex, a grammar, or, where it is a choice, its texts."""

    form: Form
    source: str | tuple[str, ...]


def expression(written: Written) -> str:
    """The Lark expression of the form. Raises InvalidGrammar for a source that is none. Slow."""
    return _EXPRESSIONS[written.form](written.source)


def one_of(texts: Sequence[str]) -> str:
    """Exactly one of these texts."""
    return f"({' | '.join(map(quoted, texts))})"


def matching(pattern: str) -> str:
    """A text that the pattern matches as a whole; the syntax is that of Rust's regex crate, as in vLLM."""
    return _sound(f"/{regex_to_lark(pattern, '')}/")


def ruled(grammar: str) -> str:
    """A text of this grammar: llguidance's Lark, or llama.cpp's GBNF."""
    try:
        lark = any_to_lark(grammar)
    except Exception as error:
        if type(error) not in (Exception, GbnfToLarkError):  # for a rule that is not there it raises no more than that
            raise
        raise InvalidGrammar(f"The grammar is not GBNF: {error}") from error
    return nested(lark)


def nested(lark: str) -> str:
    """A Lark grammar as an expression, with a scope of its own for its names."""
    check(lark)
    # The line break ends a comment, which would swallow the brace.
    return f"%lark {{\n{lark}\n}}"


def _sound(expression: str) -> str:
    check(f"start: expression\nexpression: {expression}\n")
    return expression


def check(lark: str) -> None:
    """Raises InvalidGrammar for a grammar that does not compile by itself."""
    if error := LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(lark)):
        raise InvalidGrammar(f"The grammar does not compile: {error}")


_EXPRESSIONS: Mapping[Form, Callable[[Any], str]] = {"regex": matching, "choice": one_of, "grammar": ruled}
