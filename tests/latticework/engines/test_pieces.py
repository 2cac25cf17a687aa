"""How an answer ends that its engine has given up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vllm.outputs import CompletionOutput

from latticework.engines.base import EngineDead, EngineError, EngineFailed, GrammarGivenUp, Piece, Sampling, Saved
from latticework.engines.drafts import SAVED, SOURCES
from latticework.engines.following import GAVE_UP
from latticework.engines.pieces import VllmPieces

TOKENIZER: Any = SimpleNamespace(token_bytes=[b"a"], special_tokens={})


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("error", EngineFailed),  # this answer alone
        ("abort", EngineDead),  # the engine stops: another can answer, and this one once it runs again
    ],
)
def test_what_an_engine_has_given_up_is_no_answer(reason: str, error: type[EngineError]) -> None:
    read = VllmPieces(TOKENIZER, Sampling(9), opening=())
    assert read.piece(CompletionOutput(0, "", [0], None, None)).text == "a"
    with pytest.raises(error, match=reason):
        read.piece(CompletionOutput(0, "", [0], None, None, finish_reason=reason))


@pytest.mark.parametrize("reason", ["stop", "error"])
def test_a_grammar_that_was_given_up_ends_no_answer(reason: str) -> None:
    read = VllmPieces(TOKENIZER, Sampling(9), opening=())
    with pytest.raises(GrammarGivenUp, match="max_lexer_states"):
        read.piece(CompletionOutput(0, "", [0], None, None, finish_reason=reason), {GAVE_UP: "max_lexer_states"})


def test_an_answer_that_was_cut_is_one_whatever_its_grammar_would_have_done() -> None:
    read = VllmPieces(TOKENIZER, Sampling(9), opening=())
    cut = CompletionOutput(0, "", [0], None, None, finish_reason="length")
    assert read.piece(cut, {GAVE_UP: "max_lexer_states"}).finish == "length"


def test_what_a_connector_says_is_without_what_the_scheduler_reports() -> None:
    read = VllmPieces(TOKENIZER, Sampling(9), opening=())
    connection = {"remote_block_ids": [1], "remote_host": "a"}
    first = read.piece(CompletionOutput(0, "", [0], None, None), {SOURCES: "s"})
    last = read.piece(
        CompletionOutput(0, "", [0], None, None, finish_reason="length"),
        {**connection, SAVED: (2, 1), SOURCES: "ss", GAVE_UP: "max_lexer_states"},
    )
    assert (first.transfer, last.transfer, last.saved) == (None, connection, Saved(2, 1))
    read = VllmPieces(TOKENIZER, Sampling(9), opening=())
    assert (
        read.piece(CompletionOutput(0, "", [0], None, None, finish_reason="length"), {SAVED: (0, 0)}).transfer is None
    )


def test_log_probabilities_of_the_prompt_come_with_the_first_piece() -> None:
    """Three tokens, of which each was expected to be the second."""
    tokenizer: Any = SimpleNamespace(token_bytes=[b"a", b"b", b"c"], special_tokens={})
    likely = {1: SimpleNamespace(logprob=-0.1, rank=1), 2: SimpleNamespace(logprob=-3.0, rank=2)}
    read = VllmPieces(tokenizer, Sampling(9, prompt_logprobs=1), opening=())
    prompt = zip([0, 1, 2], [None, likely, likely], strict=True)
    first = read.piece(CompletionOutput(0, "", [0], None, None), None, prompt)
    unsampled, second, third = first.prompt_logprobs
    assert (first.text, unsampled, second and second.token, third and third.token) == ("a", None, "b", "c")
    assert third is not None
    assert (third.logprob, [top.token for top in third.top]) == (-3.0, ["b"])
    assert read.piece(CompletionOutput(0, "", [0], None, None)).prompt_logprobs == ()


def pieces_of(read: VllmPieces, output: CompletionOutput) -> list[Piece]:
    return [read.piece(part) for part in read.parts(output)]


@pytest.mark.parametrize("reason", [None, "length"])
def test_an_output_of_several_tokens_is_a_piece_for_each_where_a_request_wants_them_alone(reason: str | None) -> None:
    tokenizer: Any = SimpleNamespace(token_bytes=[b"a", b"b", b"c"], special_tokens={})
    output = CompletionOutput(0, "", [0, 1, 2], None, None, finish_reason=reason)
    together = pieces_of(VllmPieces(tokenizer, Sampling(9), opening=()), output)
    assert [(piece.text, piece.token_ids) for piece in together] == [("abc", (0, 1, 2))]
    alone = pieces_of(VllmPieces(tokenizer, Sampling(9, single=True), opening=()), output)
    assert [(piece.text, piece.token_ids, piece.finish) for piece in alone] == [
        ("a", (0,), None),
        ("b", (1,), None),
        ("c", (2,), reason),
    ]
