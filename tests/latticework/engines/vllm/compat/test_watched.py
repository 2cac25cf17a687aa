"""vLLM's grammar of one request, without an engine core."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import llguidance.torch
import torch
from llguidance import LLMatcher

from latticework.engines.following import GAVE_UP, Following
from latticework.engines.grammars import Grammars
from latticework.engines.vllm.compat.draft_scheduler import drafted
from latticework.engines.vllm.compat.grammar_scheduler import add_causes
from latticework.engines.vllm.compat.watched import WatchedGrammar
from tests.words import END, words

SHARED = 'start: "a" T | "b" U\nT: /.*a.{12}/ & /.*b.{13}/ & /.*c.{11}/\nU: /[x-z]{2}/'


def watched(kept: Grammars | None = None) -> WatchedGrammar:
    kept = kept or Grammars(words(), measure=lambda: 0)
    return WatchedGrammar(Following(kept, SHARED), words(), words().vocab_size)


def masked(grammar: WatchedGrammar) -> list[int]:
    """The tokens that may follow, of those that are a byte or the end."""
    bitmask = llguidance.torch.allocate_token_bitmask(1, words().vocab_size)
    grammar.fill_bitmask(bitmask, 0)
    bits = (bitmask[0][:, None] >> torch.arange(32)) & 1
    return [int(token) for token in bits.flatten()[: END + 1].nonzero()]


def test_an_answer_goes_on_and_ends_as_with_vllms_own() -> None:
    grammar = watched()
    assert masked(grammar) == [ord("a"), ord("b")]
    assert grammar.validate_tokens(list(b"bxx")) == list(b"bxx")
    assert grammar.accept_tokens("1", list(b"bxx"))
    grammar.rollback(1)
    assert ord("z") in masked(grammar)
    assert grammar.accept_tokens("1", [ord("z"), END])
    assert grammar.is_terminated() and not grammar.following.gave_up
    grammar.rollback(2)
    assert not grammar.is_terminated() and grammar.accept_tokens("1", list(b"y"))


def test_a_limit_that_is_exceeded_is_no_ordinary_end() -> None:
    grammar = watched()
    assert grammar.accept_tokens("1", list(b"a"))
    assert masked(grammar) == [END]
    assert grammar.accept_tokens("1", [END])
    assert grammar.following.gave_up == "step_lexer_fuel"


def test_what_no_grammar_allows_is_reported_and_not_logged() -> None:
    grammar = watched()
    assert grammar.accept_tokens("1", list(b"q"))
    assert grammar.following.gave_up
    assert masked(grammar) == [END]
    grammar.rollback(1)
    assert grammar.validate_tokens(list(b"b")) == []


def test_an_answer_follows_its_new_lexer() -> None:
    kept = Grammars(words(), measure=lambda: 0)
    victim, culprit = watched(kept), watched(kept)
    victim.accept_tokens("1", list(b"bx"))
    culprit.accept_tokens("2", list(b"a"))
    masked(culprit)
    assert ord("z") in masked(victim)
    assert victim.accept_tokens("1", list(b"z"))
    assert victim.ll_matcher is victim.following.matcher and not victim.ll_matcher.is_error()


def test_nothing_is_drafted_once_a_draft_has_gone_wrong() -> None:
    grammar = watched()

    def runs_ahead(matcher: LLMatcher) -> list[int]:
        matcher.consume_token(ord("a"))
        matcher.compute_bitmask()
        return [ord("a")]

    assert drafted(grammar, lambda matcher: [ord("b")]) == [ord("b")]
    assert drafted(grammar, runs_ahead) == ()
    assert drafted(grammar, lambda matcher: [ord("b")]) == ()
    assert grammar.accept_tokens("1", list(b"bxz"))


def test_the_last_output_says_why_the_grammar_was_given_up() -> None:
    failed, fine = watched(), watched()
    failed.accept_tokens("1", list(b"a"))
    masked(failed)
    running: Any = [request("1", failed), request("2", fine), request("3", None)]
    outputs = [output("1", None), output("1", "stop", saved=(1, 2)), output("2", "stop"), output("3", "stop")]
    add_causes(running, {0: SimpleNamespace(outputs=outputs)})
    assert [each.kv_transfer_params for each in outputs] == [
        None,
        {"saved": (1, 2), GAVE_UP: "step_lexer_fuel"},
        None,
        None,
    ]


def request(request_id: str, grammar: WatchedGrammar | None) -> Any:
    asked = None if grammar is None else SimpleNamespace(grammar=grammar)
    return SimpleNamespace(request_id=request_id, structured_output_request=asked)


def output(request_id: str, reason: str | None, **params: Any) -> Any:
    return SimpleNamespace(request_id=request_id, finish_reason=reason, kv_transfer_params=params or None)
