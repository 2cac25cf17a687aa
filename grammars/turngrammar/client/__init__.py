"""Content of the client's own regex, choice of texts or grammar -> one Lark expression.

A client's grammar becomes a nested grammar with a namespace of its own: its rules never collide with ours. Nothing is
nested that does not compile by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from llguidance import LLMatcher, regex_to_lark
from llguidance.gbnf_to_lark import GbnfToLarkError, any_to_lark

from turngrammar.client.json_string_regex import least_length
from turngrammar.client.shortest import least_characters
from turngrammar.errors import InvalidGrammar
from turngrammar.terminals.expressions import any_text
from turngrammar.terminals.trial import is_empty
from turngrammar.turn import ClientGrammar, GrammarKind


def content_expression(content: ClientGrammar) -> str:
    """The Lark expression of the content. Raises InvalidGrammar, with its pointer, for an invalid source. Slow."""
    try:
        return _EXPRESSIONS[content.kind](content.source)
    except InvalidGrammar as error:
        raise error.inside(content.pointer) from error


def least_length_of(content: ClientGrammar) -> int:
    """Characters that each text of the content has at least; 0 where it is unknown. `content_expression` accepts it."""
    return _LENGTHS[content.kind](content.source)


def choice_expression(texts: Sequence[str]) -> str:
    """Exactly one of these texts: one terminal, since llguidance holds 2,000 alternatives of a rule at most."""
    return f"/{any_text(tuple(texts))}/"


def regex_expression(pattern: str) -> str:
    """A text that the pattern matches as a whole; the syntax is that of Rust's regex crate, as in vLLM."""
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:  # regex_to_lark would drop it
        raise InvalidGrammar("The regex does not compile: it ends in a backslash that escapes nothing. Remove it.")
    expression = f"/{regex_to_lark(pattern, '')}/"
    if error := _lark_error(f"start: expression\nexpression: {expression}\n"):
        raise InvalidGrammar(f"The regex does not compile: {_reason(error)}. Its syntax is that of Rust's regex crate.")
    if is_empty(expression):
        raise InvalidGrammar("No text matches the regex. Correct it.")
    return expression


def grammar_expression(grammar: str) -> str:
    """A text of this grammar: llguidance's Lark, or llama.cpp's GBNF."""
    return nested_grammar(_lark_of(grammar))


def _lark_of(grammar: str) -> str:
    try:
        return any_to_lark(grammar)
    except Exception as error:
        if type(error) not in (Exception, GbnfToLarkError):  # for a rule that is not there it raises no more than that
            raise
        raise InvalidGrammar(f"The grammar is not valid GBNF: {error}. Correct it.") from error


def nested_grammar(lark: str) -> str:
    """A Lark grammar as an expression, with a scope of its own for its names."""
    validate_lark(lark)
    least_characters(lark)
    # The line break ends a comment, which would swallow the brace.
    return f"%lark {{\n{lark}\n}}"


def validate_lark(lark: str) -> None:
    """Raises InvalidGrammar for a grammar that does not compile by itself."""
    if error := _lark_error(lark):
        place, _, _ = error.partition("\n")
        reason = _reason(error)
        problem = place if reason == place else f"{place} {reason}"
        raise InvalidGrammar(f"The grammar does not compile: {problem}. Correct it.")


def _lark_error(lark: str) -> str:
    """llguidance's error: a line with the place in the grammar, excerpts, and perhaps the parser's own error line."""
    return LLMatcher.validate_grammar(LLMatcher.grammar_from_lark(lark))


def _reason(error: str) -> str:
    lines = error.splitlines()
    return next((line.removeprefix(_REASON) for line in lines if line.startswith(_REASON)), lines[0])


_REASON = "error: "


_EXPRESSIONS: Mapping[GrammarKind, Callable[[Any], str]] = {
    "regex": regex_expression,
    "choice": choice_expression,
    "grammar": grammar_expression,
}
_LENGTHS: Mapping[GrammarKind, Callable[[Any], int]] = {
    "regex": lambda pattern: least_length(pattern, ""),
    "choice": lambda texts: min(map(len, texts)),
    "grammar": lambda grammar: least_characters(_lark_of(grammar)),
}
