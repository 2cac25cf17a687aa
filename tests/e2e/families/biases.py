"""How a model of random weights is made to call and to think: tokens of each family that requests have a bias on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

# With random weights all logits are nearly equal: such a bias decides wherever the grammar allows the token.
ALWAYS = 100


@dataclass(frozen=True)
class Biases:
    """Attributes:

    call: the token that opens a call.
    begin: the token that begins thoughts; "" where the prompt has begun them, or the model has none.
    close: the token that closes them; "" where the model has none.
    """

    call: str
    begin: str = ""
    close: str = ""


FAMILIES: Mapping[str, Biases] = {
    "qwen3": Biases("<tool_call>", "<think>", "</think>"),
    "gpt_oss": Biases(" to", "analysis", "<|end|>"),
    "llama31": Biases('{"'),
    "mistral_nemo": Biases("[TOOL_CALLS]"),
    "mistral_7b": Biases("[TOOL_CALLS]"),
    "mistral_small32": Biases("[TOOL_CALLS]"),
    "gemma3_pythonic": Biases("["),
    "gemma4": Biases("<|tool_call>", "<|channel>", "<channel|>"),
    "deepseek_v3": Biases("<｜tool▁calls▁begin｜>"),
    "deepseek_r1": Biases("<｜tool▁calls▁begin｜>", "", "</think>"),
    "glm45": Biases("<tool_call>", "<think>", "</think>"),
    "kimi_k2": Biases("<|tool_calls_section_begin|>"),
    "kimi_k2_thinking": Biases("<|tool_calls_section_begin|>", "<think>", "</think>"),
}
"""By the names of families.json."""

GROUPS: Sequence[Sequence[str]] = (
    ("qwen3", "gpt_oss", "mistral_7b"),
    ("llama31", "deepseek_v3", "glm45"),
    ("gemma4", "kimi_k2", "mistral_nemo"),
    ("deepseek_r1", "gemma3_pythonic", "kimi_k2_thinking", "mistral_small32"),
)
"""Those that one server serves together: an engine takes a gigabyte of memory, whatever its model."""
