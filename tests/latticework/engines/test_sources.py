"""How each token came: counted in the engine core, told with each output, and read on this side."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.outputs import CompletionOutput

from latticework.engines.base import Sampling, Saved
from latticework.engines.drafts import CERTAIN, SAVED, SOURCES, Draft
from latticework.engines.pieces import VllmPieces
from latticework.engines.vllm.compat.draft_scheduler import Drafting

GUESS = 3
# Two of these make up one character.
WORDS = [b"{", b'"a"', b": ", b"\xc3", b"\xbc", b"}", b"<end>"]
TOKENIZER: Any = SimpleNamespace(token_bytes=WORDS, special_tokens={"<end>": 6})


def drafting(sources: str | None) -> Drafting:
    text: Any = None
    chances: Any = None
    return Drafting(text, chances, 0, sources=sources)


def test_what_held_is_told_by_its_place() -> None:
    """A step gives what held, and one token of the model's own."""
    answer = drafting("")
    answer.count(Draft((1, 2, 3), (CERTAIN, GUESS, CERTAIN)), 3, place=1)
    assert answer.report(ended=False) == {SOURCES: "sfc"}
    answer.count(Draft((4,), (CERTAIN,)), 1, place=4)
    assert answer.report(ended=False) == {SOURCES: "sfc"}
    answer.count(Draft((4,), (CERTAIN,)), 2, place=6)
    assert answer.report(ended=True) == {SAVED: (2, 1), SOURCES: "sfcsssf"}


def test_nothing_is_told_where_nobody_asks() -> None:
    answer = drafting(None)
    answer.count(Draft((1, 2), (CERTAIN, GUESS)), 3, place=1)
    assert answer.report(ended=False) is None
    assert answer.report(ended=True) == {SAVED: (1, 1)}


def output(*token_ids: int, reason: str | None = None) -> CompletionOutput:
    return CompletionOutput(0, "", list(token_ids), None, None, finish_reason=reason)


# An answer's outputs, each with what the engine core says with it; and merged, where only the last one's word stays.
STEPS = [([2], None), ([3, 4, 5], {SOURCES: "sfc"}), ([6], {SAVED: (1, 1), SOURCES: "sfc"})]
MERGED = [([2, 3, 4, 5, 6], {SAVED: (1, 1), SOURCES: "sfc"})]


@pytest.mark.parametrize("steps", [STEPS, MERGED], ids=["step by step", "merged"])
def test_each_token_has_its_text_and_its_source(steps: Sequence[tuple[list[int], dict[str, Any] | None]]) -> None:
    read = VllmPieces(TOKENIZER, Sampling(9, special_tokens=False, sources=True), opening=(0, 1))
    pieces = [read.piece(output(*ids, reason="stop" if 6 in ids else None), told) for ids, told in steps]
    assert [(one.text, one.source) for piece in pieces for one in piece.sources] == [
        ("{", "forced"),
        ('"a"', "forced"),
        (": ", "sampled"),
        ("", "forced"),
        ("ü", "copied"),
        ("}", "sampled"),
        ("", "sampled"),
    ]
    for piece in pieces:
        assert len(piece.sources) == len(piece.token_ids)
        assert piece.text == "".join(one.text for one in piece.sources)
    assert pieces[-1].saved == Saved(3, 1)


def test_a_character_that_is_cut_belongs_to_its_last_token() -> None:
    read = VllmPieces(TOKENIZER, Sampling(9, sources=True), opening=())
    piece = read.piece(output(2, 3, reason="length"))
    assert (piece.text, [one.text for one in piece.sources]) == (": ", [": ", ""])
    stopped = VllmPieces(TOKENIZER, Sampling(9, sources=True), opening=())
    stopped.piece(output(3))
    assert [one.text for one in stopped.piece(output(6, reason="stop")).sources] == ["\ufffd"]


def test_who_does_not_ask_gets_the_same_text() -> None:
    read = VllmPieces(TOKENIZER, Sampling(9), opening=(0, 1))
    piece = read.piece(output(2, 3, 4, 5, 6, reason="stop"), {SAVED: (1, 1)})
    assert (piece.text, piece.sources) == ('{"a": ü}', ())
