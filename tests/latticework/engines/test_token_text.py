from __future__ import annotations

import pytest

from latticework.engines.token_text import Detokenizer

TOKENS = [b"a", "é".encode(), "é".encode()[:1], "é".encode()[1:], "😀".encode()[:3], "😀".encode()[3:], b"<|end|>"]


def text(*pieces: list[int], hidden: tuple[int, ...] = ()) -> list[str]:
    detokenizer = Detokenizer(TOKENS, hidden)
    return [detokenizer.feed(piece, last=piece is pieces[-1]) for piece in pieces]


@pytest.mark.parametrize(
    ("pieces", "told"),
    [
        ([[0, 1]], ["aé"]),
        ([[0], [2], [3]], ["a", "", "é"]),
        ([[4], [5, 0]], ["", "😀a"]),
        ([[2], [0]], ["", "�a"]),
        ([[0], [4]], ["a", "�"]),
        ([[0, 6], []], ["a<|end|>", ""]),
    ],
)
def test_a_character_comes_with_its_last_token(pieces: list[list[int]], told: list[str]) -> None:
    assert text(*pieces) == told


def test_hidden_tokens_stand_for_nothing() -> None:
    assert text([0, 6, 2], [6, 3], hidden=(6,)) == ["a", "é"]


def test_any_chunking_gives_the_same_text() -> None:
    answer = [0, 2, 3, 4, 5, 1, 6, 2, 0, 4]
    whole = text(answer)[0]
    for size in range(1, len(answer)):
        pieces = [answer[at : at + size] for at in range(0, len(answer), size)]
        assert "".join(text(*pieces)) == whole
