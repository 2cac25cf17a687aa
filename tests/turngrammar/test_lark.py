"""Nothing of a client's gets into a grammar as anything but text."""

from __future__ import annotations

import random

import pytest

from tests.turngrammar.laws import BYTE_SPECIALS, generates
from turngrammar.terminals.expressions import ANYTHING, any_text, escaped, join, quoted, repeated

ALPHABET = (
    [chr(code) for code in range(1, 0x180)]
    + list("\u2028\ufeff\ufffd😀𝕏日\U0010ffff")
    + ["%json", "<[256]>", *BYTE_SPECIALS]
)


def texts() -> list[str]:
    rng = random.Random(3)
    return ALPHABET + ["".join(rng.choices(ALPHABET, k=rng.randint(2, 12))) for _ in range(400)]


def test_a_quoted_text_generates_itself_and_nothing_else() -> None:
    for text in texts():
        grammar = f"start: {quoted(text)}"
        assert generates(grammar, text), text
        assert not generates(grammar, text + "x")


def test_an_escaped_text_generates_itself_and_nothing_else() -> None:
    for text in texts():
        grammar = f"start: T\nT: /{escaped(text)}/"
        assert generates(grammar, text), text
        assert not generates(grammar, text + "x")


def test_a_text_can_be_kept_out_of_another() -> None:
    for text in texts()[-100:]:
        grammar = f"start: T\nT: /{ANYTHING}/ & ~/{ANYTHING}{any_text((text, 'other'))}{ANYTHING}/"
        assert not generates(grammar, f"a {text} b"), text
        assert not generates(grammar, "an other")
        assert generates(grammar, "nothing")


@pytest.mark.parametrize(
    ("least", "most", "written"), [(0, None, "r*"), (1, None, "r{1,}"), (0, 2, "r{0,2}"), (2, 2, "r{2,2}"), (0, 0, "")]
)
def test_repetition(least: int, most: int | None, written: str) -> None:
    assert repeated("r", least, most) == written


def test_nothing_is_left_out_when_expressions_are_joined() -> None:
    assert join("", "a", "", "b") == "a b"
