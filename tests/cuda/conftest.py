"""These tests are collected in a process of their own only, which has loaded tests.cuda.platform before all else."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path
from typing import Any

import pytest

ALONE = os.environ.get("TRITON_INTERPRET") == "1"
collect_ignore_glob = [] if ALONE else ["test_*.py"]

if ALONE:
    with warnings.catch_warnings():  # vLLM's imports warn, and warnings are errors in tests
        warnings.simplefilter("ignore")
        import latticework.engines.vllm.compat.scheduler
        import latticework.engines.vllm.compat.worker  # noqa: F401

# The shape of Qwen2.5-7B. Nothing of it is loaded.
SHAPE: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 3584,
    "intermediate_size": 18944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "vocab_size": 152064,
    "max_position_embeddings": 32768,
    "torch_dtype": "bfloat16",
}


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder: Path = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text(json.dumps(SHAPE))
    return str(folder)
