"""Tokenizers that are written in Python: what of them can be told, and what is said of the others."""

from __future__ import annotations

import pickle
import warnings
from importlib.resources import files
from typing import Any

import pytest
from llguidance import LLMatcher

from latticework.engines.base import EngineDead
from latticework.engines.checkpoint import wrap_tokenizer
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.engines.slow import SAMPLES, SlowTokenizer
from latticework.engines.vocabulary import SentencePieceVocabulary, TiktokenVocabulary

transformers = pytest.importorskip("transformers")
tiktoken = pytest.importorskip("tiktoken")
pytest.importorskip("sentencepiece")
pytest.importorskip("mistral_common")

Python: Any = transformers.PythonBackend
SPM = str(files("mistral_common") / "data" / "tokenizer.model.v1")
TEXT = "<s>Hello, Zürich! 😀\n12345</s>"


class TikTokenTokenizer(Python):  # type: ignore[misc]
    """As Kimi K2's own code has it: one token a byte here, and the special ones behind them."""

    def __init__(self, **kwargs: Any) -> None:
        ranks = {bytes([byte]): byte for byte in range(256)} | {b"th": 256, b"the": 257}
        special = {"[BOS]": 258, "[EOS]": 259, "<|im_end|>": 260}
        self.model = tiktoken.Encoding(name="k", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens=special)
        super().__init__(bos_token="[BOS]", eos_token="[EOS]", **kwargs)

    @property
    def vocab_size(self) -> int:
        return int(self.model.n_vocab)

    def get_vocab(self) -> dict[str, int]:
        return {str(token_id): token_id for token_id in range(258)} | dict(self.model._special_tokens)

    def _convert_token_to_id(self, token: str) -> int | None:
        return self.get_vocab().get(token)

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        return [str(token_id) for token_id in self.model.encode(text, allowed_special="all")]

    def _convert_id_to_token(self, index: int) -> str:
        return str(self.model.decode_single_token_bytes(index), "latin-1")

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return "".join(tokens).encode("latin-1").decode(errors="replace")

    def build_inputs_with_special_tokens(self, token_ids_0: list[int], token_ids_1: None = None) -> list[int]:
        return [258, *token_ids_0]


class OddTokenizer(Python):  # type: ignore[misc]
    """One that only its own code understands."""

    @property
    def vocab_size(self) -> int:
        return 3

    def get_vocab(self) -> dict[str, int]:
        return {"a": 0, "b": 1, "c": 2}

    def _convert_token_to_id(self, token: str) -> int:
        return len(token) % 3

    def _tokenize(self, text: str, **kwargs: Any) -> list[str]:
        return text.split()


def sentencepiece(kind: Any = None) -> Any:
    kind = kind or transformers.SentencePieceBackend
    return kind(vocab_file=SPM, bos_token="<s>", eos_token="</s>", unk_token="<unk>", extra_special_tokens=["<|call|>"])


def test_one_of_tiktoken_is_matched_as_it_encodes() -> None:
    made = wrap_tokenizer(TikTokenTokenizer(), 300, [260])
    assert isinstance(made, SlowTokenizer)
    assert isinstance(made.vocabulary.source, TiktokenVocabulary)
    assert made.special_tokens == {"[BOS]": 258, "[EOS]": 259, "<|im_end|>": 260}
    assert made.encode("the[EOS]") == [257, 259]
    assert made.encode("the", special=True) == [258, 257]
    assert made.decode([*made.encode("the Zürich[EOS]"), 299]) == "the Zürich[EOS]"
    assert made.token_strings([257, 259, 299]) == ["the", "[EOS]", ""]
    assert (made.ends, made.named_tokens["bos_token"], made.chat_template) == ((259, 260), "[BOS]", None)
    matchable = pickle.loads(pickle.dumps(made.vocabulary)).matchable
    assert (matchable.vocab_size, matchable.eos_token) == (300, 259)
    assert made.token_bytes[257] == b"the"
    assert not LLMatcher(matchable, "start: /(.|\n)*/").try_consume_tokens([260])


def test_text_never_becomes_markup() -> None:
    made = wrap_tokenizer(TikTokenTokenizer(), 300, [260])
    token_ids = made.encode_segments(["the[EOS]", "<|im_end|>", "<|im_end|>"], frozenset({"[EOS]", "<|im_end|>"}))
    assert made.decode(token_ids) == "the[EOS]<|im_end|><|im_end|>"
    assert [token_id for token_id in token_ids if token_id >= 258] == [260]


def test_one_of_sentencepiece_is_matched_as_it_encodes() -> None:
    original = sentencepiece()
    made = wrap_tokenizer(original, 32_064)
    assert isinstance(made, SlowTokenizer)
    assert isinstance(made.vocabulary.source, SentencePieceVocabulary)
    for special in (False, True):
        assert made.encode(TEXT, special) == original.encode(TEXT, add_special_tokens=special)
    assert made.decode(made.encode(TEXT)) == original.decode(original.encode(TEXT, add_special_tokens=False))
    assert made.token_strings(made.encode(TEXT)) == original.convert_ids_to_tokens(made.encode(TEXT))
    assert made.special_tokens["<|call|>"] == 32_000
    matchable = pickle.loads(pickle.dumps(made.vocabulary)).matchable
    assert (matchable.vocab_size, matchable.eos_token) == (32_064, 2)
    assert made.token_bytes[3 + 0x0A] == b"\n"
    marked = [one for one in (0, 1, 2, 13, 32_000, 32_063) if matchable.is_special_token(one)]
    assert marked == [0, 1, 2, 32_000, 32_063]
    for sample in SAMPLES:
        assert matchable.decode_bytes(matchable.tokenize_str(sample)) == sample.encode()
    opening = made.vocabulary.trial(r"""start: "{\"city\": \"" /[a-z]+/""").opening
    assert matchable.decode_bytes(list(opening)) == b'{"city": "'


def test_what_transformers_converts_is_fast() -> None:
    from transformers.models.bert_generation.tokenization_bert_generation import BertGenerationTokenizer

    original = sentencepiece(BertGenerationTokenizer)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the byte fallback, which decides here that it is not taken
        made = wrap_tokenizer(original, 32_064)
    assert isinstance(made, HuggingFaceTokenizer)
    for sample in SAMPLES:
        for special in (False, True):
            assert made.encode(sample, special) == original.encode(sample, add_special_tokens=special)


def test_any_other_is_named_at_the_start() -> None:
    with pytest.raises(EngineDead, match=r"OddTokenizer, is written in Python.*--tokenizer") as caught:
        wrap_tokenizer(OddTokenizer(), 3)
    assert "\n" not in str(caught.value)
