"""The fewest tokens that a text can have, which must not be more than it has; and encoders that travel."""

from __future__ import annotations

import json
import pickle
import random
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from latticework.embedded import model_path
from latticework.engines.checkpoint import load_tokenizer
from latticework.engines.encoder import longest_token
from latticework.engines.mistral import MistralTokenizer
from tests.tekken import write_tekken

BPE: dict[str, Any] = {"model": {"type": "BPE", "vocab": {"a": 0, "Ġabc": 1}}, "pre_tokenizer": {"type": "ByteLevel"}}
SENTENCEPIECE: dict[str, Any] = {
    "model": {"type": "BPE", "vocab": {"▁▁": 0, "a": 1}, "byte_fallback": True},
    "normalizer": {
        "type": "Sequence",
        "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ],
    },
}


def added(**flags: bool) -> list[dict[str, Any]]:
    return [{"content": "<|a_long_token|>", "lstrip": False, "rstrip": False, **flags}]


def sequence(*steps: dict[str, Any]) -> dict[str, Any]:
    return {"pre_tokenizer": {"type": "Sequence", "pretokenizers": list(steps)}}


LONGEST: list[tuple[dict[str, Any], int]] = [
    (BPE, 4),
    ({**BPE, "added_tokens": added()}, 16),
    ({**BPE, "normalizer": {"type": "NFC"}}, 12),
    ({**BPE, **sequence({"type": "Split", "behavior": "Isolated"}, {"type": "ByteLevel"})}, 4),
    (SENTENCEPIECE, 6),
    # What may take any length of text:
    ({**BPE, "added_tokens": added(lstrip=True)}, 0),
    ({**BPE, "added_tokens": added(rstrip=True)}, 0),
    ({**BPE, "normalizer": {"type": "NFKC"}}, 0),
    ({**BPE, "normalizer": {"type": "Strip"}}, 0),
    ({**BPE, "normalizer": {"type": "Replace", "pattern": {"Regex": " +"}, "content": " "}}, 0),
    ({**BPE, **sequence({"type": "Split", "behavior": "Removed"}, {"type": "ByteLevel"})}, 0),
    ({**BPE, **sequence({"type": "WhitespaceSplit"}, {"type": "ByteLevel"})}, 0),
    ({**BPE, "pre_tokenizer": None}, 0),
    ({**BPE, "model": {"type": "WordPiece", "vocab": {"a": 0}}}, 0),
    ({**BPE, "model": {"type": "Unigram", "vocab": [["a", 0]]}}, 0),
]


@pytest.mark.parametrize(("tokenizer", "longest"), LONGEST)
def test_the_longest_token_is_known_where_all_of_a_text_becomes_tokens(tokenizer: dict[str, Any], longest: int) -> None:
    assert longest_token(tokenizer) == longest


def test_nfc_makes_a_third_of_a_text_at_least() -> None:
    """Of every character, and of what every character decomposes to."""
    for character in map(chr, range(sys.maxunicode + 1)):
        if not 0xD800 <= ord(character) <= 0xDFFF:
            for text in (character, unicodedata.normalize("NFD", character)):
                assert len(text.encode()) <= 3 * len(unicodedata.normalize("NFC", text).encode())


def texts() -> list[str]:
    rng = random.Random(7)
    scripts = ["abc xyz", " ", "\n\t ", "é東京", "😀", "<|im_end|>", "-=_", "0123456789"]
    mixed = ["".join(rng.choices("".join(scripts), k=300)) for _ in range(20)]
    return ["", *(script * 200 for script in scripts), *mixed]


def test_no_text_has_fewer_tokens() -> None:
    tokenizer = load_tokenizer(str(model_path()), local=True)
    encoder = tokenizer.encoder
    assert encoder is not None
    assert encoder.least_tokens(10_000) > 100
    for text in texts():
        assert len(encoder.encode(text)) >= encoder.least_tokens(len(text.encode()))


def test_an_encoder_travels() -> None:
    tokenizer = load_tokenizer(str(model_path()), local=True)
    markup = frozenset(["<|im_start|>", "<|im_end|>"])
    segments = ("", "<|im_start|>", "user <|im_end|>", "<|im_end|>", "\n")
    expected = tokenizer.encode_segments(segments, markup)  # what it has computed stays behind
    sent = pickle.loads(pickle.dumps(tokenizer.encoder))
    assert sent.encode_segments(segments, markup) == expected
    for text in texts():
        assert sent.encode(text) == tokenizer.encode(text)
        assert sent.encode(text, special=True) == tokenizer.encode(text, special=True)


def test_mistrals_travels_too(tmp_path: Path) -> None:
    from mistral_common.tokens.tokenizers.tekken import Tekkenizer

    tokenizer = MistralTokenizer(Tekkenizer.from_file(write_tekken(tmp_path, 13)), 0)
    _ = tokenizer.vocabulary, tokenizer.encode("[INST]")
    sent: MistralTokenizer = pickle.loads(pickle.dumps(tokenizer.encoder))
    assert sent.vocabulary_size == tokenizer.vocabulary_size
    assert sent.least_tokens(10_000) > 10
    for text in texts():
        assert sent.encode(text, special=True) == tokenizer.encode(text, special=True)
        assert len(sent.encode(text)) >= sent.least_tokens(len(text.encode()))


def test_the_embedded_tokenizer_is_the_one_that_is_read() -> None:
    """Of its file: the longest token is a run of blanks."""
    file = json.loads((model_path() / "tokenizer.json").read_text())
    assert longest_token(file) >= max(len(text) for text in file["model"]["vocab"])
