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
    assert (args.scheduler_cls, args.worker_extension_cls) == (drafting.DRAFT_SCHEDULER, drafting.EXTENSION)
    assert args.speculative_config == drafting.FIRST_RUNNER.speculation


EXCLUDED: list[tuple[dict[str, Any], str]] = [
    ({"speculative_config": {"method": "ngram", "num_speculative_tokens": 2}}, "--speculative-config"),
    ({"worker_extension_cls": "an.Extension"}, "--worker-extension-cls"),
    ({"pipeline_parallel_size": 2}, "pipeline parallelism"),
    ({"async_scheduling": True}, "--async-scheduling"),
    ({"logits_processors": ["a:Processor"]}, "--logits-processors"),
]


@pytest.mark.parametrize(("own", "name"), EXCLUDED)
def test_arguments_that_exclude_drafts_are_named(own: dict[str, Any], name: str) -> None:
    args = AsyncEngineArgs(model="a", **own)
    assert name in str(add_drafts(args))
    assert args.scheduler_cls != drafting.DRAFT_SCHEDULER
    (notice,) = VllmEngine(AsyncEngineArgs(model="a", **own)).degraded
    assert notice.startswith("drafts: ")
    assert name in notice
    assert VllmEngine(AsyncEngineArgs(model="a", **own), drafts="off").degraded == ()


@pytest.mark.parametrize("drafts", [None, "off"])
def test_another_scheduler_excludes_grammars_and_with_them_drafts(drafts: Any) -> None:
    engine = VllmEngine(AsyncEngineArgs(model="a", scheduler_cls="a.Scheduler"), drafts=drafts)
    (notice,) = engine.degraded
    assert notice.startswith("grammars: ") and notice.endswith("runs the scheduler that --scheduler-cls names.")
    assert (engine._drafts, engine._args.scheduler_cls, engine._opens) == ("off", "a.Scheduler", False)


def test_a_model_runner_that_takes_no_drafter_class_drafts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        drafting, "envs", SimpleNamespace(VLLM_USE_V2_MODEL_RUNNER=True)
    )  # vLLM may have cached its own
    assert "VLLM_USE_V2_MODEL_RUNNER" in str(add_drafts(AsyncEngineArgs(model="a")))
