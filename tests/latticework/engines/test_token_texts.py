"""The least number of tokens of a call: no tokenization has less, in no format."""

from __future__ import annotations

import random

from latticework.engines.token_texts import TokenTexts
from tests.turngrammar.test_laws import CALLS, TOOLS, every_format
from tests.turngrammar.test_required_texts import required, ways
from turngrammar.formats import Format
from turngrammar.render import render
from turngrammar.required_texts import GAP


def fewest(texts: TokenTexts, *pieces: str | None) -> int:
    return texts.fewest(pieces, 10_000)


@every_format
def test_no_tokenization_of_a_call_takes_less(format: Format) -> None:
    """The vocabulary is made of the calls' own texts, so that its tokens go over any edge."""
    plan, rng = required(format, *TOOLS), random.Random(7)
    texts = [render(format, calls) for calls in CALLS[:4] if len(calls) == 1]
    cuts = [sorted(rng.sample(range(len(text.encode()) + 1), 2)) for text in texts for _ in range(40)]
    slices = [text.encode()[start:end] for text, (start, end) in zip(sorted(texts * 40), cuts, strict=True)]
    vocabulary = TokenTexts([*(bytes([byte]) for byte in range(256)), *(one for one in slices if len(one) < 12)])
    for text, (call,) in zip(texts, (calls for calls in CALLS[:4] if len(calls) == 1), strict=True):
        assert min(fewest(vocabulary, *pieces) for pieces in ways(plan, call.name)) <= fewest(vocabulary, text)


def test_tokens_are_counted_as_few_as_can_be() -> None:
    texts = TokenTexts([b"a", b"b", b"c", b"ab", b"abc", b"xa", b"cy", b"qbq"])
    assert fewest(texts, "abcab") == 2
    assert fewest(texts, "abb") == 2
    assert fewest(texts, GAP, "abab", GAP) == 1  # xa, b, ab..., of which the first and the last are shared
    assert fewest(texts, "abab", GAP) == 1
    assert fewest(texts, GAP, "b", GAP) == 0
    assert fewest(texts, "ab", GAP, "ab") == fewest(texts, "ab", GAP) + fewest(texts, GAP, "ab")
    assert fewest(texts, "", GAP) == fewest(texts) == 0


def test_what_is_not_counted_leaves_a_bound() -> None:
    texts = TokenTexts([b"a", b"b", b"ab", b"aba"])
    counts = [texts.fewest(("abab", GAP, "bb"), most) for most in range(8)]
    assert counts == sorted(counts)
    assert counts[-1] == fewest(texts, "abab", GAP, "bb")
