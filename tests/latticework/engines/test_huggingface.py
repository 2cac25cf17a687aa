"""The embedded model's tokenizer, shared by threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from copy import copy
from time import sleep
from typing import Any

import pytest

from latticework import embedded
from latticework.engines.huggingface import HuggingFaceTokenizer

TEXTS = [
    "<|im_start|>user\nWhat's the weather in Zürich?<|im_end|>\n<|im_start|>assistant\n",
    '{"type": "object", "properties": {"name": {"type": "string"}}}',
    " leading, trailing \n\n\t and 数字 12345 😀 é e\u0301",
    "",
    "x" * 5000,
]


@pytest.fixture(scope="module")
def transformers_own() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(str(embedded.model_path()))


def test_it_encodes_as_transformers_does_in_any_number_of_threads(transformers_own: Any) -> None:
    tokenizer = HuggingFaceTokenizer(transformers_own, len(transformers_own))
    expected = [list(transformers_own.encode(text, add_special_tokens=False)) for text in TEXTS]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(tokenizer.encode, TEXTS * 20)) == expected * 20


def test_it_decodes_and_names_tokens_as_transformers_does(transformers_own: Any) -> None:
    tokenizer = HuggingFaceTokenizer(transformers_own, len(transformers_own) + 8)
    for text in TEXTS:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == transformers_own.decode(ids)
        assert tokenizer.token_strings(ids) == transformers_own.convert_ids_to_tokens(ids)
    assert tokenizer.decode([*tokenizer.encode("a"), len(transformers_own)]) == "a"
    assert tokenizer.token_strings([len(transformers_own)]) == [""]


def with_ends(backend: Any, **options: Any) -> Any:
    """A tokenizer that puts a token before each text and one behind it."""
    from tokenizers.processors import TemplateProcessing
    from transformers import PreTrainedTokenizerFast

    backend.add_special_tokens(["<s>", "</s>"])
    pairs = [(name, backend.token_to_id(name)) for name in ("<s>", "</s>")]
    backend.post_processor = TemplateProcessing(single="<s> $A </s>", special_tokens=pairs)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token="<s>", eos_token="</s>", **options)


@pytest.mark.parametrize("special", [False, True])
def test_the_tokenizers_own_special_tokens_are_added_on_request(special: bool, transformers_own: Any) -> None:
    original = with_ends(copy(transformers_own.backend_tokenizer))
    tokenizer = HuggingFaceTokenizer(original, len(original))
    for text in TEXTS:
        assert tokenizer.encode(text, special) == original.encode(text, add_special_tokens=special)
    assert (tokenizer.encode("a", special)[0] == original.bos_token_id) == special


def test_blanks_before_punctuation_go_where_transformers_removes_them() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    backend = Tokenizer(models.WordPiece({word: place for place, word in enumerate(["[UNK]", "hello", "."])}))
    backend.pre_tokenizer, backend.decoder = pre_tokenizers.BertPreTokenizer(), decoders.WordPiece(cleanup=False)
    original = with_ends(backend, unk_token="[UNK]", clean_up_tokenization_spaces=True)
    ids = original.encode("hello .", add_special_tokens=False)
    assert HuggingFaceTokenizer(original, len(original)).decode(ids) == original.decode(ids) == "hello."


def test_a_long_text_leaves_the_interpreter_to_other_threads(transformers_own: Any) -> None:
    tokenizer = HuggingFaceTokenizer(transformers_own, len(transformers_own))
    beats = 0
    with ThreadPoolExecutor(1) as pool:
        for encode in (tokenizer.encode, lambda text: tokenizer.encode_segments([text], frozenset())):
            ids, before = pool.submit(encode, "word " * 100_000), beats
            while not ids.done():
                sleep(0.002)
                beats += 1
            assert len(ids.result()) == 100_001
            assert beats - before > 20
