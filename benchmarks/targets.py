"""The models served in benchmarks: a model's directory, and the engine arguments of both servers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latticework import embedded

# The files of a Llama or Qwen model, besides its config and weights.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja")

# Takes almost no time to run, so that the cost of the server around the engine remains.
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
# The config.json of Qwen/Qwen2.5-7B-Instruct, without its vocabulary, which comes from the tokenizer.
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
    """A model to serve.

    Attributes:
        path: a directory, or a name on the hub.
        arguments: vLLM's, passed to both servers.
        cache_gib: memory of the CPU engine's KV cache; the default is that of `latticework serve`.
    """

    path: str
    name: str
    arguments: tuple[str, ...]
    cache_gib: int = 1


def embedded_target() -> Target:
    """The default model of `latticework serve`, with the arguments that are used for it."""
    return Target(str(embedded.model_path()), embedded.MODEL_ID, ("--dtype", "float32", "--enforce-eager"))


def tiny_target() -> Target:
    """A tiny model with random weights and a real tokenizer."""
    arguments = ("--load-format", "dummy", "--dtype", "float32", "--enforce-eager")
    return Target(str(model_directory("tiny-llama", TINY)), "tiny-llama", arguments)


def qwen_7b_target() -> Target:
    """The architecture of Qwen2.5-7B with random weights: as fast as the real model, without a download."""
    return Target(str(model_directory("qwen2.5-7b-shaped", QWEN_7B)), "qwen2.5-7b-shaped", ("--load-format", "dummy"))


def model_directory(name: str, config: Mapping[str, Any]) -> Path:
    """A directory that vLLM can load with dummy weights: this config, and the embedded model's tokenizer."""
    source = embedded.model_path()
    directory = embedded.cache_directory() / name
    directory.mkdir(parents=True, exist_ok=True)
    for file in TOKENIZER_FILES:
        if (source / file).exists():
            shutil.copy(source / file, directory / file)
    own = json.loads((source / "config.json").read_text())
    kept = {key: own[key] for key in ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id")}
    (directory / "config.json").write_text(json.dumps({**kept, **config}))
    return directory
