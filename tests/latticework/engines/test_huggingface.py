"""The embedded model's tokenizer, shared by threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
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
