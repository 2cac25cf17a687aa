"""Which engines draft."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs

from latticework.engines.vllm import VllmEngine
from latticework.engines.vllm.compat import drafting
from latticework.engines.vllm.compat.drafting import add_drafts


def test_an_engine_drafts_unless_its_arguments_forbid() -> None:
    args = AsyncEngineArgs(model="a")
    assert add_drafts(args) is None
    assert (args.scheduler_cls, args.worker_extension_cls) == (drafting.SCHEDULER, drafting.EXTENSION)
    assert args.speculative_config["num_speculative_tokens"] == drafting.MOST_TOKENS


EXCLUDED: list[tuple[dict[str, Any], str]] = [
    ({"speculative_config": {"method": "ngram", "num_speculative_tokens": 2}}, "--speculative-config"),
    ({"scheduler_cls": "a.Scheduler"}, "--scheduler-cls"),
    ({"worker_extension_cls": "an.Extension"}, "--worker-extension-cls"),
    ({"pipeline_parallel_size": 2}, "pipeline parallelism"),
    ({"async_scheduling": True}, "--async-scheduling"),
    ({"logits_processors": ["a:Processor"]}, "--logits-processors"),
]


@pytest.mark.parametrize(("own", "name"), EXCLUDED)
def test_arguments_that_exclude_drafts_are_named(own: dict[str, Any], name: str) -> None:
    args = AsyncEngineArgs(model="a", **own)
    assert name in str(add_drafts(args))
    assert args.scheduler_cls != drafting.SCHEDULER
    (notice,) = VllmEngine(AsyncEngineArgs(model="a", **own)).degraded
    assert notice.startswith("drafts: ")
    assert name in notice
    assert VllmEngine(AsyncEngineArgs(model="a", **own), drafts="off").degraded == ()


def test_a_model_runner_that_takes_no_drafter_class_drafts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        drafting, "envs", SimpleNamespace(VLLM_USE_V2_MODEL_RUNNER=True)
    )  # vLLM may have cached its own
    assert "VLLM_USE_V2_MODEL_RUNNER" in str(add_drafts(AsyncEngineArgs(model="a")))
