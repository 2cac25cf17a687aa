"""Finished texts against the client's own regex, choice or grammar."""

from __future__ import annotations

import random
import re
from itertools import count

import pytest

from turngrammar.client import content_expression
from turngrammar.client.texts import TextPlan, grammar_misfit
from turngrammar.matching import CHECK_TIME
from turngrammar.turn import ClientGrammar

ENDED = "The engine ended the text before its grammar did."
UNMATCHED = "the text does not match the grammar"

CASES = [
    (ClientGrammar("choice", ("yes", "no")), "yes", None),
    (ClientGrammar("choice", ("yes", "no")), "ye", "the text is none of the choices"),
    (ClientGrammar("choice", ("yes", "no")), "", "the text is none of the choices"),
    (ClientGrammar("regex", "[a-z]{3}é"), "abcé", None),
    (ClientGrammar("regex", "[a-z]{3}é"), "abc", ENDED),
    (ClientGrammar("regex", "[a-z]{3}é"), "", ENDED),
    (ClientGrammar("regex", "[a-z]{3}é"), "abcéx", UNMATCHED),
    (ClientGrammar("regex", "a*"), "", None),
    (ClientGrammar("regex", "(ab|cd)?" * 500 + "END"), "", ENDED),
    (ClientGrammar("grammar", 'start: "(" start ")" | "x"'), "((x))", None),
    (ClientGrammar("grammar", 'start: "(" start ")" | "x"'), "((x)", ENDED),
    (ClientGrammar("grammar", 'root ::= "a" [0-9]+'), "a12", None),
    (ClientGrammar("grammar", 'root ::= "a" [0-9]+'), "b", UNMATCHED),
    (ClientGrammar("grammar", 'start: "a" b\nb[lazy]: /[^z]*z/'), "abz", None),
    # Tokens are counted by the engine: here they are other ones.
    (ClientGrammar("grammar", 'start: "a" b\nb[max_tokens=2]: /.+/'), "abcdefgh", None),
    # Tokens that are no text, or whose text may not be shown.
    (ClientGrammar("grammar", 'start: "a" <[2]>'), "a", None),
    (ClientGrammar("grammar", 'start: "<[2]>" "b"'), "<[2]>", ENDED),
]


@pytest.mark.parametrize(("content", "text", "problem"), CASES)
def test_a_text_fits_or_does_not(content: ClientGrammar, text: str, problem: str | None) -> None:
    found = TextPlan(content, content_expression(content)).misfit(text)
    assert (found.problem if found else None) == problem
    assert (found is not None and found.given_up) == (problem == ENDED)


def test_random_regexes_agree_with_another_matcher() -> None:
    """Python's, on texts that fit nearly."""
    rng = random.Random(17)
    for _ in range(60):
        pattern = random_pattern(rng, 3)
        plan = TextPlan(ClientGrammar("regex", pattern), content_expression(ClientGrammar("regex", pattern)))
        for text in ("".join(rng.choices("abc", k=rng.randrange(6))) for _ in range(8)):
            assert (plan.misfit(text) is None) == (re.fullmatch(pattern, text) is not None), (pattern, text)


def random_pattern(rng: random.Random, depth: int) -> str:
    if not depth or rng.random() < 0.2:
        return rng.choice(["a", "b", "c", "[ab]", "[^a]", "."])
    left, right = random_pattern(rng, depth - 1), random_pattern(rng, depth - 1)
    return rng.choice([f"{left}{right}", f"(?:{left}|{right})", f"(?:{left}){rng.choice(['?', '*', '+', '{1,3}'])}"])


def test_what_can_not_be_matched_in_time_is_no_broken_grammar() -> None:
    seconds = count()
    found = grammar_misfit("start: /a*/", "a" * 1000, clock=lambda: float(next(seconds)))
    assert found is not None
    assert (found.problem, found.given_up) == (CHECK_TIME.message, True)


def test_what_exceeds_a_limit_is_no_broken_grammar() -> None:
    found = grammar_misfit('start: "x" (' + " | ".join(f'"{i}" "y"' for i in range(2_100)) + ")", "x7y")
    assert found is not None and found.given_up
    assert "max_items_in_row" in found.problem
