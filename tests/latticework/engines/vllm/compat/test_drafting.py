"""Which engines draft."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from vllm.engine.arg_utils import AsyncEngineArgs

from latticework.engines.vllm.compat import drafting
from latticework.engines.vllm.compat.drafting import add_drafts


def test_an_engine_drafts_unless_its_arguments_forbid() -> None:
    args = AsyncEngineArgs(model="a")
    assert add_drafts(args)
    assert (args.scheduler_cls, args.worker_extension_cls) == (drafting.SCHEDULER, drafting.EXTENSION)
    assert args.speculative_config["num_speculative_tokens"] == drafting.MOST_TOKENS


@pytest.mark.parametrize(
    "own",
    [
        {"speculative_config": {"method": "ngram", "num_speculative_tokens": 2}},
        {"scheduler_cls": "a.Scheduler"},
        {"worker_extension_cls": "an.Extension"},
        {"pipeline_parallel_size": 2},
        {"async_scheduling": True},
    ],
)
def test_arguments_that_exclude_drafts_are_logged(own: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    args = AsyncEngineArgs(model="a", **own)
    with caplog.at_level(logging.WARNING, "latticework"):
        assert not add_drafts(args)
    assert "Drafts are off: " in caplog.text
    assert args.scheduler_cls != drafting.SCHEDULER


def test_a_model_runner_that_takes_no_drafter_class_drafts_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VLLM_USE_V2_MODEL_RUNNER", "1")
    with caplog.at_level(logging.WARNING, "latticework"):
        assert not add_drafts(AsyncEngineArgs(model="a"))
    assert "Drafts are off: VLLM_USE_V2_MODEL_RUNNER selects" in caplog.text
