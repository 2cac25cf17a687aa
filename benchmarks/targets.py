"""The models served in benchmarks: a model's directory, and the engine arguments of both servers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latticework import embedded

# What a model of Llama's or Qwen's kind consists of beside its weights.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")

# Costs an engine nothing, so that what is left is the cost of the server around it.
TINY: Mapping[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
}
# Qwen/Qwen2.5-7B-Instruct's config.json, but for its vocabulary, which is the tokenizer's.
QWEN_7B: Mapping[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "max_position_embeddings": 32768,
    "rms_norm_eps": 1e-6,
    "rope_theta": 1000000.0,
    "tie_word_embeddings": False,
    "torch_dtype": "bfloat16",
}


@dataclass(frozen=True)
class Target:
    """`path` is a directory or a name on a hub; `arguments` are vLLM's, and go to both servers as they stand.

    `cache_gib` is how much memory the CPU engine has for what it has read: as `latticework serve` has, unless more is
    needed.
    """

    path: str
    name: str
    arguments: tuple[str, ...]
    cache_gib: int = 1


def embedded_target() -> Target:
    """The model that `latticework serve` serves unless told otherwise, with the arguments that it is served with."""
    return Target(str(embedded.model_path()), embedded.MODEL_ID, ("--dtype", "float32", "--enforce-eager"))


def tiny_target() -> Target:
    """Random weights, a real tokenizer."""
    arguments = ("--load-format", "dummy", "--dtype", "float32", "--enforce-eager")
    return Target(str(shaped("tiny-llama", TINY)), "tiny-llama", arguments)


def qwen_7b_target() -> Target:
    """The shape of Qwen2.5-7B with random weights: as fast as the real one, and it needs no download."""
    return Target(str(shaped("qwen2.5-7b-shaped", QWEN_7B)), "qwen2.5-7b-shaped", ("--load-format", "dummy"))


def shaped(name: str, config: Mapping[str, Any]) -> Path:
    """A directory that vLLM can load with dummy weights: this config, and the embedded model's tokenizer."""
    source = embedded.model_path()
    made = embedded.cache_directory() / name
    made.mkdir(parents=True, exist_ok=True)
    for file in TOKENIZER_FILES:
        if (source / file).exists():
            shutil.copy(source / file, made / file)
    own = json.loads((source / "config.json").read_text())
    kept = {key: own[key] for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")}
    (made / "config.json").write_text(json.dumps({**kept, **config}))
    return made
