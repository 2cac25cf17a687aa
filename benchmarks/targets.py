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
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "vocab.json",
    "merges.txt",
    "tokenizer.model",
)
SPECIAL_IDS = ("bos_token_id", "eos_token_id", "pad_token_id")

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
# The config.json of Qwen/Qwen2.5-7B-Instruct, without its special tokens, which come from the tokenizer.
QWEN_7B: Mapping[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
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


def named_target(path: str) -> Target:
    """Any model, with vLLM's defaults for it. A directory serves under its own name."""
    return Target(path, Path(path).name if Path(path).is_dir() else path, ())


def tiny_target() -> Target:
    """A tiny model with random weights and a real tokenizer."""
    arguments = ("--load-format", "dummy", "--dtype", "float32", "--enforce-eager")
    return Target(str(_embedded_directory("tiny-llama", TINY)), "tiny-llama", arguments)


def _embedded_directory(name: str, config: Mapping[str, Any]) -> Path:
    return model_directory(embedded.cache_directory() / name, config, embedded.model_path())


def model_directory(directory: Path, config: Mapping[str, Any], tokenizer: Path) -> Path:
    """A directory that vLLM can load with dummy weights: this config, and the tokenizer of another directory.

    A vocabulary of the config is kept if it has room for all tokens: many models have more logits than tokens.
    """
    directory.mkdir(parents=True, exist_ok=True)
    for file in TOKENIZER_FILES:
        if (tokenizer / file).exists():
            shutil.copy(tokenizer / file, directory / file)
    kept = _vocabulary(tokenizer)
    size = max(int(config.get("vocab_size", 0)), kept["vocab_size"])
    (directory / "config.json").write_text(json.dumps({**kept, **config, "vocab_size": size}))
    return directory


def _vocabulary(tokenizer: Path) -> dict[str, Any]:
    """What a model's config has of its tokenizer's: as its directory's config has it, else as the tokenizer does."""
    config = tokenizer / "config.json"
    own = json.loads(config.read_text()) if config.exists() else {}
    if "vocab_size" in own:
        return {name: own[name] for name in ("vocab_size", *SPECIAL_IDS) if name in own}
    import transformers

    loaded = transformers.AutoTokenizer.from_pretrained(str(tokenizer), local_files_only=True)
    ids = {name: getattr(loaded, name) for name in SPECIAL_IDS}
    return {"vocab_size": len(loaded), **{name: token for name, token in ids.items() if token is not None}}
