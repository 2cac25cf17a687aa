"""Configurations of vLLM for CUDA: which runner, scheduling and graphs they have with this server's settings."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm.config.compilation import CUDAGraphMode
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.usage.usage_lib import UsageContext
from vllm.v1.worker.gpu import cudagraph_utils

from latticework.engines.draft_room import DraftRoom
from latticework.engines.vllm import VllmEngine
from latticework.engines.vllm.compat.drafting import DRAFT_SCHEDULER, GRAMMAR_SCHEDULER, config_obstacle, drafting_way
from latticework.engines.vllm.compat.scheduler import WITH_DRAFTS, AsyncDraftScheduler

Mode = CUDAGraphMode
DEFAULTS: dict[str, Any] = {"load_format": "dummy", "max_model_len": 8192}


def stock(model: str, **own: Any) -> Any:
    return AsyncEngineArgs(model=model, **DEFAULTS, **own).create_engine_config(UsageContext.OPENAI_API_SERVER)


def served(model: str, drafts: Any, **own: Any) -> Any:
    engine = VllmEngine(AsyncEngineArgs(model=model, **DEFAULTS, **own), drafts=drafts)
    return engine._args.create_engine_config(UsageContext.OPENAI_API_SERVER)


def graphs(config: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """vLLM's choice of CUDA graphs, as if they had been captured."""
    group = SimpleNamespace(is_first_rank=True, is_last_rank=True)
    monkeypatch.setattr(cudagraph_utils, "get_pp_group", lambda: group)
    queries = 1 + config.num_speculative_tokens
    mode = config.compilation_config.cudagraph_mode
    manager = cudagraph_utils.CudaGraphManager(config, torch.device("cpu"), mode, queries)
    manager._graphs_captured = True
    return manager


def test_by_default_nothing_is_drafted_and_all_is_as_without_this_server(model: str) -> None:
    """Which drafts pay on a GPU was not measured."""
    engine = VllmEngine(AsyncEngineArgs(model=model))
    assert (engine._drafts, engine.degraded) == ("off", ())
    config, plain = served(model, None), stock(model)
    assert config.scheduler_config.scheduler_cls == GRAMMAR_SCHEDULER
    assert config.speculative_config is None
    assert described(config) == described(plain) == (True, True, Mode.FULL_AND_PIECEWISE)


def described(config: Any) -> tuple[bool, bool, Any]:
    """Whether the runner is V2, and scheduling asynchronous; the graphs."""
    scheduling = config.scheduler_config.async_scheduling
    return config.use_v2_model_runner, scheduling, config.compilation_config.cudagraph_mode


@pytest.mark.parametrize("own", [{}, {"max_num_seqs": 256}, {"max_num_seqs": 8}], ids=str)
@pytest.mark.parametrize("drafts", ["forced", "auto"])
def test_drafts_leave_runner_scheduling_and_graphs_as_they_are(
    drafts: str, own: dict[str, Any], model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, plain = served(model, drafts, **own), stock(model, **own)
    assert config.scheduler_config.scheduler_cls == DRAFT_SCHEDULER
    assert config_obstacle(config) is None
    megabytes = config.scheduler_config.max_num_seqs * 8192 * 4 // 2**20
    assert f"{megabytes} MiB" in drafting_way().takes_away(config)
    assert WITH_DRAFTS[config.scheduler_config.async_scheduling] is AsyncDraftScheduler
    assert described(config) == described(plain)
    ours, theirs = graphs(config, monkeypatch), graphs(plain, monkeypatch)
    assert ours._capture_descs[Mode.FULL] == theirs._capture_descs[Mode.FULL]
    assert set(ours._capture_descs[Mode.PIECEWISE]) >= set(theirs._capture_descs[Mode.PIECEWISE])
    for answers in range(1, config.scheduler_config.max_num_seqs + 1):
        step = (answers, answers, 1, 0, 1)  # a token for each answer
        assert ours.dispatch(*step) == theirs.dispatch(*step)


def test_steps_with_drafts_take_piecewise_graphs_or_full_ones_if_all_are_full(
    model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    drafted = (8, 20, None, 0, 4)
    assert graphs(served(model, "forced"), monkeypatch).dispatch(*drafted).cg_mode == Mode.PIECEWISE
    full = served(model, "forced", compilation_config={"cudagraph_mode": "FULL"})
    assert graphs(full, monkeypatch).dispatch(*drafted).cg_mode == Mode.FULL


@pytest.mark.parametrize(
    ("own", "reason"),
    [
        ({"data_parallel_size": 2}, "no full CUDA graphs beside drafts with data parallelism"),
        ({"pipeline_parallel_size": 2}, "pipeline parallelism"),
        ({"speculative_config": {"method": "ngram_gpu", "num_speculative_tokens": 2}}, "--speculative-config"),
    ],
    ids=str,
)
def test_what_would_lose_graphs_or_fail_has_no_drafts(own: dict[str, Any], reason: str, model: str) -> None:
    engine = VllmEngine(AsyncEngineArgs(model=model, **own), drafts="auto")
    assert engine._drafts == "off" and engine._args.scheduler_cls == GRAMMAR_SCHEDULER
    (notice,) = engine.degraded
    assert notice.startswith("drafts: ") and reason in notice


def test_synchronous_scheduling_has_drafts_too(model: str) -> None:
    config = served(model, "auto", async_scheduling=False)
    assert described(config)[:2] == (True, False)
    assert config_obstacle(config) is None


def test_a_configuration_in_runner_v1_or_with_state_slots_is_refused(model: str) -> None:
    config = served(model, "auto")
    hybrid = SimpleNamespace(model_config=SimpleNamespace(is_hybrid=True))
    assert "state slots" in str(config_obstacle(hybrid))
    first = SimpleNamespace(model_config=config.model_config, use_v2_model_runner=False)
    assert "model runner V1" in str(config_obstacle(first))


@pytest.mark.parametrize(("answers", "gigabytes"), [(1024, 80), (256, 24)])
def test_drafted_rows_stay_within_the_memory_that_vllm_measures(answers: int, gigabytes: int, model: str) -> None:
    """vLLM measures its memory with a row of logits for each answer: two and four bytes a token of the vocabulary."""
    config = served(model, "auto", max_num_seqs=answers)
    vocabulary = config.model_config.get_vocab_size()
    room = DraftRoom.of(answers, vocabulary, config.scheduler_config.max_num_batched_tokens)
    row = 6 * vocabulary
    for running in range(1, answers + 1):
        assert (running + room.left(running, 0)) * row <= answers * row < gigabytes * 2**30
        assert (running + room.left(running, 0)) * -(-vocabulary // 32) * 4 <= 16 * 2**20 or not room.left(running, 0)
    assert room.left(answers, 0) == 0
    assert room.left(8, 0) >= 8 * config.num_speculative_tokens
    assert room.left(8, config.scheduler_config.max_num_batched_tokens) == 0
