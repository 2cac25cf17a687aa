"""vLLM's ways of using several devices go beside the drafts, or put them off. Nothing is started here."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.usage.usage_lib import UsageContext

from latticework.engines.vllm import VllmEngine
from latticework.engines.vllm.compat.drafting import DRAFT_SCHEDULER, EXTENSION, GRAMMAR_SCHEDULER

SMALL = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "num_hidden_layers": 4,
    "vocab_size": 256,
    "max_position_embeddings": 512,
}

WAYS: list[tuple[dict[str, Any], bool]] = [
    ({}, True),
    ({"tensor_parallel_size": 2}, True),
    ({"data_parallel_size": 2}, True),
    ({"pipeline_parallel_size": 2}, False),
    ({"tensor_parallel_size": 2, "pipeline_parallel_size": 2}, False),
]


@pytest.mark.parametrize(("asked", "drafts"), WAYS, ids=str)
def test_vllm_takes_what_it_is_asked_for_with_our_scheduler_or_its_own(
    asked: dict[str, Any], drafts: bool, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        engine = VllmEngine(AsyncEngineArgs(model=str(tmp_path), dtype="float32", **asked))
        config = engine._args.create_engine_config(UsageContext.OPENAI_API_SERVER)
    scheduler = config.scheduler_config.get_scheduler_cls()
    assert f"{scheduler.__module__}.{scheduler.__name__}" == (DRAFT_SCHEDULER if drafts else GRAMMAR_SCHEDULER)
    assert config.parallel_config.worker_extension_cls == EXTENSION
    assert (config.speculative_config is not None) == drafts
    assert {name: getattr(config.parallel_config, name) for name in asked} == asked
    assert config.structured_outputs_config.backend == "guidance"
