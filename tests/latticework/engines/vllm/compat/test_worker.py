"""The worker's side of drafts, without a worker."""

from __future__ import annotations

import warnings
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm.platforms import current_platform
from vllm.v1.sample import rejection_sampler

from latticework.engines.vllm.compat import worker

CPU = torch.device("cpu")


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """As vLLM's worker loads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        current_platform.import_kernels()
        current_platform.register_triton_kernel_overrides()


def test_the_sampler_is_sound_once_it_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", worker.expanded)
    assert worker.is_sound(worker.first_runner_samples, CPU)


def test_a_sampler_that_is_off_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temperatures of 1, where 0.5 is asked for."""
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", lambda x, counts, count, **_: torch.ones(count))
    assert not worker.is_sound(worker.first_runner_samples, CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.int64])
def test_each_drafted_token_has_its_requests_value(dtype: torch.dtype) -> None:
    cumulative = torch.tensor([2, 2, 5], dtype=torch.int32)
    values = torch.tensor([3, 4, 0]).to(dtype)
    assert worker.expanded(values, cumulative, 5).tolist() == [3, 3, 0, 0, 0]
    assert worker.expanded(values, cumulative, 5, 0, 1).tolist() == [3, 3, 1, 1, 1]


def test_the_worker_drafts_nothing() -> None:
    drafter = worker.NoDrafter(None)
    drafter.load_model("a model")
    assert drafter.propose([[1], [2, 3]], None, None, slot_mappings=None) == [[], []]


def test_an_expansion_is_replaced_only_where_it_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    def right(x: Any, cu_num_tokens: Any, num_tokens: int, replace_from: float = 0, replace_to: float = 0) -> Any:
        return worker.expanded(x, cu_num_tokens, num_tokens, replace_from, replace_to)

    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", right)
    worker.patch_token_expansion(CPU)
    assert rejection_sampler.expand_batch_to_tokens is right
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", lambda x, counts, count, *_: torch.zeros(count))
    worker.patch_token_expansion(CPU)
    assert rejection_sampler.expand_batch_to_tokens is worker.expanded


def test_vllms_expansion_is_replaced_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", rejection_sampler.expand_batch_to_tokens)
    worker.patch_token_expansion(CPU)
    assert rejection_sampler.expand_batch_to_tokens is worker.expanded


def extension(**lacks: Any) -> Any:
    """A worker with all that drafts need of its model runner, but for what it lacks."""
    forward = SimpleNamespace(forward=lambda *args: None)
    batch = SimpleNamespace(logitsprocs=None)
    parts = {"sampler": None, "rejection_sampler": forward, "input_batch": batch, "vllm_config": None, "device": CPU}
    made: Any = worker.WorkerExtension()
    made.model_runner = SimpleNamespace(**{**parts, **lacks})
    return made


def test_a_worker_reports_what_its_model_runner_lacks() -> None:
    lacking = extension(input_batch=SimpleNamespace())
    del lacking.model_runner.sampler
    assert lacking.prepare_drafts() == {"missing": ["sampler", "input_batch.logitsprocs"]}


def test_a_worker_loads_the_processors_that_vllm_leaves_out_and_tests_its_sampler(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", rejection_sampler.expand_batch_to_tokens)
    monkeypatch.setattr(worker, "BUILTIN_LOGITS_PROCESSORS", [lambda config, device, pinned: Processor()])
    complete = extension()
    assert complete.prepare_drafts() == {"missing": [], "sound": True}
    assert [type(made) for made in complete.model_runner.input_batch.logitsprocs.non_argmax_invariant] == [Processor]


class Processor:
    def is_argmax_invariant(self) -> bool:
        return False


def test_a_step_without_drafts_is_sampled_as_without_them() -> None:
    def drafted(*asked: Any) -> str:
        return "drafted"

    def plain(*, logits: Any, sampling_metadata: Any) -> str:
        return "plain"

    sampled = [
        worker.sample(drafted, plain, SimpleNamespace(num_draft_tokens=counts), None, torch.zeros(2, 3), None)
        for counts in ([0, 0], [0, 2], [])
    ]
    assert sampled == ["plain", "drafted", "plain"]
