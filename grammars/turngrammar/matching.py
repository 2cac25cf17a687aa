"""llguidance's matchers: the limits that all of this package's have, and the limit that an error names.

A matcher that exceeds a limit is in error for good: it allows nothing but the end of the answer. The limits of regexes
are those of a lexer, which all copies of a matcher share: its error is theirs too.
"""

from __future__ import annotations

from dataclasses import dataclass

from llguidance import LLParserLimits

from turngrammar.spans import MARK

# Work of one mask on the automaton of the regexes: some 15 ms. Schemas that people write need up to 200,000.
STEP_LEXER_FUEL = 200_000
# States of that automaton, 400 bytes to 1 KB each. Of 450 such schemas, none needs 20,000.
MAX_LEXER_STATES = 50_000
# Items of the rules in one mask, which take 20 to 50 ms where they are ambiguous. Of 450 schemas, none needs 5,000; but
# rules that refer to themselves at their end need more with each character.
STEP_MAX_ITEMS = 20_000
MAX_ITEMS_IN_ROW = 2_000

# The same with spans of a text, of which any word may come first. 100 KB of English take 400,000 of the step and 40 ms,
# once; of Chinese, with a bound on the length, two million and 370 ms.
SPAN_STEP_FUEL = 4_000_000
# Work of loading the regexes. 100 KB of text take up to 900,000, in each of their two notations.
INITIAL_FUEL, SPAN_INITIAL_FUEL = 1_000_000, 8_000_000


def _limits(step_lexer_fuel: int, initial_lexer_fuel: int) -> LLParserLimits:
    return LLParserLimits(
        initial_lexer_fuel=initial_lexer_fuel,
        step_lexer_fuel=step_lexer_fuel,
        max_lexer_states=MAX_LEXER_STATES,
        step_max_items=STEP_MAX_ITEMS,
        max_items_in_row=MAX_ITEMS_IN_ROW,
        verbose_errors=False,  # they would quote the grammar and the answer
    )


LIMITS = _limits(STEP_LEXER_FUEL, INITIAL_FUEL)
_SPAN_LIMITS = _limits(SPAN_STEP_FUEL, SPAN_INITIAL_FUEL)


def limits_of(grammar: str) -> LLParserLimits:
    """The limits of a grammar's matcher."""
    return _SPAN_LIMITS if MARK in grammar else LIMITS


@dataclass(frozen=True)
class MatcherLimit:
    """What ended a matcher.

    Attributes:
        name: of llguidance's limit, or of this server's.
        mark: what llguidance's error has; "" where it has no error.
        problem: a sentence without its end, for the client.
        fix: a sentence.
    """

    name: str
    mark: str
    problem: str
    fix: str

    @property
    def message(self) -> str:
        return f"{self.problem} ({self.name}). {self.fix}"


_REGEXES = "Use smaller counts in regexes and patterns, and fewer alternatives that begin alike."
_RULES = "Repeat with *, + or {n,m}, not with rules that refer to themselves, and use fewer alternatives."

DEAD_END = MatcherLimit(
    "dead_end",
    "NoExtension",
    "The grammar allows nothing behind the text so far, which is not complete",
    "Make each of its parts allow some text.",
)
MASK_TIME = MatcherLimit(
    "mask_time", "", "The grammar's masks take too long to be computed, for this answer all together", _RULES
)
MASK_MEMORY = MatcherLimit("mask_memory", "", "The grammar's masks take too much memory", _REGEXES)
CHECK_TIME = MatcherLimit("check_time", "", "The grammar takes too long to be matched with the finished text", _RULES)

MATCHER_LIMITS: tuple[MatcherLimit, ...] = (
    MatcherLimit(
        "step_lexer_fuel",
        "too many expressions constructed",
        f"The grammar's regexes take more work for one token than the limit of {STEP_LEXER_FUEL:,}",
        _REGEXES,
    ),
    MatcherLimit(
        "max_lexer_states",
        "too many states",
        f"The grammar's regexes need an automaton of more than {MAX_LEXER_STATES:,} states",
        _REGEXES,
    ),
    MatcherLimit(
        "step_max_items",
        "Too many items",
        f"The grammar's rules allow more than {STEP_MAX_ITEMS:,} ways to go on",
        _RULES,
    ),
    MatcherLimit(
        "max_items_in_row",
        "max is",
        f"The grammar's rules have more than {MAX_ITEMS_IN_ROW:,} alternatives in one place",
        _RULES,
    ),
    DEAD_END,
    MASK_TIME,
    MASK_MEMORY,
    CHECK_TIME,
)
BY_NAME = {limit.name: limit for limit in MATCHER_LIMITS}


def exceeded_limit(error: str) -> MatcherLimit | None:
    """The limit that an error of llguidance names; None for another error."""
    return next((limit for limit in MATCHER_LIMITS if limit.mark and limit.mark in error), None)


def is_of_lexer(error: str) -> bool:
    """Whether the lexer is in error, and with it all copies of the matcher."""
    return "lexer error" in error
