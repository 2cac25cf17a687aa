"""How a model of random weights is made to call and to think: biases on the tokens that open either.

Its logits are nearly equal, so that a small bias decides between the few tokens that a grammar allows, and only a large
one between all tokens of free text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.engines.huggingface import HuggingFaceTokenizer

ALWAYS = 100.0
DECIDES = 6.0
# Between two tokens that are to come one behind the other. A token that has come is held back by more than that.
STEP = 0.3
IN_ORDER = {"frequency_penalty": 2, "temperature": 0}
# Tokens of thoughts, on average.
THOUGHTS = 12


@dataclass(frozen=True)
class Biases:
    """What is written where, as text.

    Attributes:
        call: the beginning of a call, as far as nothing but a call begins so.
        begin: what begins thoughts; "" where the prompt has begun them, or the model has none.
        close: the token that closes them; "" where the model has none.
        sure: whether nothing but a call goes on from there, where text is allowed too.
    """

    call: str
    begin: str = ""
    close: str = ""
    sure: bool = True


FAMILIES: Mapping[str, Biases] = {
    "qwen3": Biases("<tool_call>", "<think>", "</think>"),
    "gpt_oss": Biases(" to", "<|channel|>analysis<|message|>", "<|end|>"),
    "llama31": Biases('{"name": "', sure=False),
    "mistral_7b": Biases("[TOOL_CALLS]"),
    "mistral_nemo": Biases("[TOOL_CALLS]"),
    "mistral_small32": Biases("[TOOL_CALLS]"),
    "gemma3": Biases("```tool_call"),
    "gemma3_pythonic": Biases("[book_room("),
    "gemma4": Biases("<|tool_call>", "<|channel>", "<channel|>"),
    "deepseek_v3": Biases("<｜tool▁calls▁begin｜>"),
    "deepseek_r1": Biases("<｜tool▁calls▁begin｜>", "<think>", "</think>"),
    "glm45": Biases("\n<tool_call>", "\n<think>", "</think>"),
    "kimi_k2": Biases("<|tool_calls_section_begin|>"),
    "kimi_k2_thinking": Biases("<|tool_calls_section_begin|>", "<think>", "</think>"),
}
"""By the names of families.json."""

GROUPS: Sequence[Sequence[str]] = (
    ("qwen3", "gpt_oss", "mistral_7b"),
    ("llama31", "deepseek_v3", "glm45"),
    ("gemma4", "kimi_k2", "mistral_nemo"),
    ("deepseek_r1", "gemma3", "kimi_k2_thinking"),
    ("gemma3_pythonic", "mistral_small32"),
)
"""Those that one server serves together: an engine takes a gigabyte of memory, whatever its model."""


def calling(family: str, tokenizer: HuggingFaceTokenizer) -> dict[int, float]:
    """Opens a call, together with the fields of `in_order`."""
    tokens = tokenizer.encode(FAMILIES[family].call)
    return {token: ALWAYS - STEP * place for place, token in enumerate(tokens)}


def in_order(family: str, tokenizer: HuggingFaceTokenizer) -> Mapping[str, Any]:
    """Fields of a request that opens a call with more than one token."""
    return IN_ORDER if len(tokenizer.encode(FAMILIES[family].call)) > 1 else {}


def beginning(family: str, tokenizer: HuggingFaceTokenizer) -> dict[int, float]:
    """Begins thoughts. What is no markup would fill them, with a large bias."""
    special = set(tokenizer.special_tokens.values())
    tokens = tokenizer.encode(FAMILIES[family].begin)
    return {token: ALWAYS if token in special else DECIDES for token in tokens}


def closing(family: str, tokenizer: HuggingFaceTokenizer) -> dict[int, float]:
    """Closes thoughts, sooner or later."""
    (token,) = tokenizer.encode(FAMILIES[family].close)
    return {token: math.log(tokenizer.vocabulary_size / THOUGHTS)}


def ending(family: str, tokenizer: HuggingFaceTokenizer) -> dict[int, float]:
    """Ends the turn where nothing else is wanted more."""
    return dict.fromkeys(tokenizer.ends, ALWAYS / 5)


BIASES = {"call": calling, "begin": beginning, "close": closing, "ends": ending}
