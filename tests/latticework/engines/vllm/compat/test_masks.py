"""A step's masks in one call are those that vLLM fills one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import count
from random import Random
from types import SimpleNamespace
from typing import Any

import llguidance.torch
import pytest
import torch
from vllm.v1.structured_output import StructuredOutputManager

from latticework.engines.following import FIRST_ALONE, FRESH, Following
from latticework.engines.grammars import Grammars
from latticework.engines.vllm.compat import masks
from latticework.engines.vllm.compat.masks import LEAST_ANSWERS, fill_in_parallel
from latticework.engines.vllm.compat.watched import WatchedGrammar
from tests.words import END, words

DRAFTED = 6
ANSWERS = 8
GRAMMAR = 'start: "{" (PAIR ("," PAIR)*)? "}"\nPAIR: /"[a-c]{1,3}":[0-9]{1,2}/'
# In error as soon as a mask is filled behind its "a": a limit is exceeded.
LIMITED = 'start: "a" T | "b" U\nT: /.*a.{12}/ & /.*b.{13}/ & /.*c.{11}/\nU: /[x-z]{2}/'


def manager() -> Any:
    """vLLM's, as far as masks need it."""
    made: Any = object.__new__(StructuredOutputManager)
    made.vllm_config = SimpleNamespace(
        num_speculative_tokens=DRAFTED,
        scheduler_config=SimpleNamespace(max_num_seqs=ANSWERS),
        model_config=SimpleNamespace(is_diffusion=False),
    )
    made._grammar_bitmask = llguidance.torch.allocate_token_bitmask(ANSWERS * (1 + DRAFTED), words().vocab_size)
    made._full_mask = torch.tensor(-1, dtype=torch.int32)
    made.fill_bitmask_parallel_threshold = 128
    made.reasoner_cls, made.enable_in_reasoning = None, False
    return made


def watched(written: Sequence[int], text: str = GRAMMAR, clock: Callable[[], float] = lambda: 0.0) -> WatchedGrammar:
    following = Following(Grammars(words(), measure=lambda: 0), text, clock=clock)
    grammar = WatchedGrammar(following, words(), words().vocab_size)
    assert [following.alone() for _ in range(FRESH + 1)] == [True] * FRESH + [False]
    if written:
        assert grammar.accept_tokens("", list(written))
    return grammar


def ticking(seconds: float) -> Callable[[], float]:
    """A clock that shows so much more each time it is read."""
    return map(seconds.__mul__, count()).__next__


def requests(grammars: Sequence[WatchedGrammar]) -> dict[str, Any]:
    asked = (SimpleNamespace(grammar=grammar, reasoning_ended=True) for grammar in grammars)
    return {str(number): SimpleNamespace(structured_output_request=each) for number, each in enumerate(asked)}


def filled(made: Any, asked: Mapping[str, Any], drafted: Mapping[str, list[int]]) -> Any:
    """The masks; what they are filled over differs each time."""
    made._grammar_bitmask.fill_(0x5A5A5A5A)
    return made.grammar_bitmask(asked, list(asked), drafted).copy()


def continuation(random: Random, grammar: WatchedGrammar, most: int) -> list[int]:
    """Allowed tokens, of several bytes too, and at the end perhaps the answer's end."""
    tokens: list[int] = []
    fed = 0
    bitmask = llguidance.torch.allocate_token_bitmask(1, words().vocab_size)
    while len(tokens) < most and tokens[-1:] != [END]:
        llguidance.torch.fill_next_token_bitmask(grammar.ll_matcher, bitmask, 0)
        bits = ((bitmask[0][:, None] >> torch.arange(32)) & 1).flatten()[: words().vocab_size]
        tokens.append(random.choice([int(token) for token in bits.nonzero()]))
        fed += grammar.ll_matcher.try_consume_tokens(tokens[-1:])  # not an end that is all that can follow
    grammar.ll_matcher.rollback(fed)
    return tokens


def spoilt(random: Random, tokens: list[int]) -> list[int]:
    """A draft as it may come: allowed, padded from somewhere on, or with a token that is not allowed."""
    place = random.randint(0, len(tokens))
    return random.choice(
        [tokens, tokens, tokens[:place] + [-1] * (len(tokens) - place), [*tokens[:place], ord("!"), *tokens[place:]]]
    )[:DRAFTED]


@pytest.mark.parametrize("seed", range(25))
def test_masks_are_the_same_bit_for_bit(seed: int) -> None:
    random = Random(seed)
    start = watched(())
    written = [continuation(random, start, random.randint(0, 14)) for _ in range(ANSWERS)]
    grammars = [watched(tokens) for tokens in written]
    drafts = [spoilt(random, continuation(random, each, random.randint(0, DRAFTED))) for each in grammars]
    drafted = {str(number): draft for number, draft in enumerate(drafts) if draft}
    vllms, ours = manager(), manager()
    fill_in_parallel(ours)
    # Copies, for a token that is not allowed puts a grammar in error.
    expected = filled(vllms, requests([watched(tokens) for tokens in written]), drafted)
    assert (filled(ours, requests(grammars), drafted) == expected).all()
    allowed = {name: draft for name, draft in drafted.items() if ord("!") not in draft}
    if allowed == drafted:  # nothing has been moved
        assert (filled(ours, requests(grammars), drafted) == expected).all()


def test_ordinary_answers_are_filled_in_one_call() -> None:
    ours = manager()
    fill_in_parallel(ours)
    asked, drafted = requests([watched(b"{") for _ in range(LEAST_ANSWERS)]), {"1": list(b'"a"'), "2": [*b"}", END]}
    expected = filled(manager(), asked, drafted)
    ours._fill_bitmasks = None  # vLLM's own way would fail
    assert (filled(ours, asked, drafted) == expected).all()


def test_only_the_answer_whose_grammar_exceeds_a_limit_ends() -> None:
    ours = manager()
    fill_in_parallel(ours)
    fine = [watched(b"{") for _ in range(LEAST_ANSWERS)]
    failing = watched(b"a", LIMITED)
    before = filled(manager(), requests(fine), {})
    after = filled(ours, requests([*fine, failing]), {"0": list(b'"a"')})
    assert failing.following.gave_up == "step_lexer_fuel"
    assert not any(grammar.following.gave_up for grammar in fine)
    assert (after[0] == before[0]).all() and (after[4:-1] == before[1:]).all()
    ends = llguidance.torch.allocate_token_bitmask(1, words().vocab_size)
    failing.fill_bitmask(ends, 0)
    assert (after[-1] == ends[0].numpy()).all()


def test_after_a_slow_call_each_answer_is_timed_until_the_slow_one_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = watched(b"{", clock=ticking(0.15))
    fine = [watched(b"{") for _ in range(LEAST_ANSWERS)]
    ours = manager()
    fill_in_parallel(ours)
    asked = requests([*fine, slow])
    monkeypatch.setattr(masks, "EXCESS", -9.0)  # any call is slow
    for _ in range(FIRST_ALONE):
        filled(ours, asked, {})
    assert slow.following.gave_up == "mask_time"
    assert not any(grammar.following.gave_up for grammar in fine)


def test_answers_alone_come_back_to_the_others_and_stay_longer_each_time() -> None:
    following = watched(()).following
    assert not following.alone()
    for times in (1, 2, 4):
        following.used_with_others(0.0, slow=True)
        assert [following.alone() for _ in range(times * FIRST_ALONE + 1)] == [True] * times * FIRST_ALONE + [False]


def test_a_reasoning_parser_keeps_vllms_own() -> None:
    made = manager()
    made.reasoner_cls = object
    fill_in_parallel(made)
    assert "grammar_bitmask" not in vars(made)
