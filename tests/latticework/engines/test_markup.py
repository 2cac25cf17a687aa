"""Which added tokens are markup, and how text is encoded in which no markup counts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import product
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, models, normalizers, pre_tokenizers

from latticework.engines.markup import markup, pattern
from latticework.engines.segments import SegmentEncoder
from turngrammar.analysis import texts
from turngrammar.formats import FORMATS

FLAGGED = ("<|im_end|>", "<pad>", "</s>", "[INST]", "word", "<b>", "｜DSML｜")
UNFLAGGED = ("<tool_call>", "</think>", '<|"|>', "<unused7>", "[multimodal]", "<start_of_image>", "<minimax:tool_call>")
ORDINARY = ("\n", "\n\n", "\t\t", "▁▁", "<td>", "</h1>", "你好", "two words", "/no_think", "#")


def test_what_is_markup() -> None:
    added = {**dict.fromkeys(UNFLAGGED + ORDINARY, False), **dict.fromkeys(FLAGGED, True)}
    assert markup(added, "{{ '\n' }}") == {*FLAGGED, *UNFLAGGED}


@pytest.mark.parametrize("text", ["\n", " ", "▁▁", "/nothink", "#", ""])
def test_what_is_none_even_if_it_is_flagged(text: str) -> None:
    assert markup({text: True}, "") == frozenset()


def test_tags_of_html_are_where_the_template_or_the_wire_format_speaks_of_them() -> None:
    added = dict.fromkeys(("<code>", "</code>", "<summary>", "<td>"), False)
    assert markup(added, "{{ '<code>' }}", ["a<summary>"]) == {"<code>", "<summary>"}
    assert markup({"<escape>": False}, "", texts(FORMATS["functiongemma"])) == {"<escape>"}


def test_the_longest_of_the_texts_is_found() -> None:
    some = ["<a", "<a>", "<ab>", "[x]", "<a>b.c", "<"]
    found = re.compile(pattern(some))
    for text in some:
        assert found.findall(f"-{text}-{text}") == [text] * 2
    assert found.findall("<a>b.<ab<abc>") == ["<a>", "<a", "<a"]
    assert pattern([]) == ""


def words() -> Tokenizer:
    """Its model's own vocabulary has one of its two markers, and merges that lead to it."""
    letters = [*"abs<>/|▁", "<s", "<s>", "ab"]
    merges = [("<", "s"), ("<s", ">"), ("a", "b")]
    backend = Tokenizer(
        models.BPE({letter: place for place, letter in enumerate(letters)}, merges, unk_token="|", ignore_merges=True)
    )
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    backend.add_special_tokens([AddedToken("<s>", normalized=False), AddedToken("</s>", normalized=False, rstrip=True)])
    backend.add_tokens([AddedToken("bb", normalized=True)])
    return backend


MARKUP = frozenset({"<s>", "</s>"})


def spelled(backend: Any, ids: Sequence[int]) -> list[str]:
    return [backend.id_to_token(token_id) for token_id in ids]


@pytest.mark.parametrize(
    ("segments", "tokens"),
    [
        (["ab"], ["▁", "ab"]),
        (["", "<s>", "ab", "</s>", "ab"], ["<s>", "ab", "</s>", "ab"]),
        (["", "<s>", "a</s>b", "</s>", ""], ["<s>", "a", "<", "/", "s", ">", "b", "</s>"]),
        # Not by way of the model's own vocabulary either.
        (["a<s>b"], ["▁", "a", "<", "s", ">", "b"]),
        (["", "<s>", "<s>", "<s>", ""], ["<s>", "<", "s", ">", "<s>"]),
        # Flags of markup hold, and other added tokens are what they were.
        (["a", "</s>", "  abb", "<s>", ""], ["▁", "a", "</s>", "a", "bb", "<s>"]),
    ],
)
def test_only_markup_at_its_own_places_is_markup(segments: list[str], tokens: list[str]) -> None:
    backend = words()
    assert spelled(backend, SegmentEncoder(backend, MARKUP).encode(segments)) == tokens


def test_without_forged_text_the_ids_are_those_of_the_whole() -> None:
    backend = words()
    encoder = SegmentEncoder(backend, MARKUP)
    for segments in product(
        ("", "a", " b", "abb "), ("<s>", "</s>"), ("", "ba", " "), ("<s>", "</s>"), ("", "\n", "b b")
    ):
        assert encoder.encode(segments) == backend.encode("".join(segments), add_special_tokens=False).ids


def test_a_secret_stands_for_markup_so_that_no_text_can_name_it() -> None:
    backend = words()
    one, other = SegmentEncoder(backend, MARKUP), SegmentEncoder(backend, MARKUP)
    assert one._stand_ins["</s>"] != other._stand_ins["</s>"]
    assert len(one.encode([other._stand_ins["</s>"]])) > 10
