"""vLLM's Triton kernels, interpreted, with the drafts of this server's scheduler."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from vllm.v1.worker.gpu.input_batch import combine_sampled_and_draft_tokens
from vllm.v1.worker.gpu.spec_decode.rejection_sampler_utils import rejection_sample

from latticework.engines.vllm.compat import gpu_runner, worker

CPU = torch.device("cpu")


def ints(*values: int, dtype: torch.dtype = torch.int32) -> torch.Tensor:
    return torch.tensor(values, dtype=dtype)


@pytest.mark.parametrize("samples", [worker.first_runner_samples, gpu_runner.samples], ids=["V1", "V2"])
def test_tokens_behind_a_draft_have_the_right_distribution(samples: worker.Samples) -> None:
    """The interpreter takes some 0.1 s for each."""
    assert worker.is_sound(samples, CPU, count=100)


@pytest.mark.parametrize("samples", [worker.first_runner_samples, gpu_runner.samples], ids=["V1", "V2"])
def test_a_draft_that_can_not_be_sampled_never_is(samples: worker.Samples) -> None:
    never = float("-inf")
    assert samples([never, never, 1.0, never], 1.0, 0, 9, CPU).tolist() == [2] * 9
    assert samples([never, never, 1.0, never], 1.0, 2, 9, CPU).tolist() == [2] * 9


def test_scheduled_drafts_reach_the_models_input() -> None:
    """Three requests: two drafted tokens behind the last sampled one, none, and one."""
    buffer = torch.full((4, 8), -1, dtype=torch.int64)
    gpu_runner.write_drafts(buffer, {"a": 2, "b": 0, "c": 3}, {"a": [11, 12], "c": [13]})
    inputs = torch.zeros(6, dtype=torch.int32)
    indices = combine_sampled_and_draft_tokens(
        inputs,
        ints(2, 0, 3, dtype=torch.int64),
        ints(70, 0, 72, 73, dtype=torch.int64)[:, None],
        ints(0, 3, 4, 6),
        ints(30, 31, 32),
        ints(5, 5, 5, 5),
        buffer,
        ints(0, 3, 4, 6),
        6,
    )
    assert inputs.tolist() == [72, 11, 12, 70, 73, 13]
    assert indices.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_step_is_prepared_with_its_drafts_in_the_buffer() -> None:
    states = SimpleNamespace(draft_tokens=torch.zeros((2, 3), dtype=torch.int64), req_id_to_index={"a": 1})
    seen: list[Any] = []

    def prepare(scheduled: Any, *args: Any) -> str:
        seen.append((states.draft_tokens.tolist(), args))
        return "prepared"

    for drafted in ({"a": [5, 6]}, {}):
        step = SimpleNamespace(scheduled_spec_decode_tokens=drafted)
        assert gpu_runner.with_drafts(prepare, states, step, "batch") == "prepared"
    assert seen == [([[0, 0, 0], [5, 6, 0]], ("batch",))] * 2


FORCED = 3


def masked(rows: list[list[int]]) -> torch.Tensor:
    """Logits under the masks of a grammar: the tokens of each row that are allowed. (The interpreter fails on the
    kernel that applies masks: it has a condition of a type that it does not take.)
    """
    logits = torch.full((len(rows), 64), float("-inf"))
    for row, allowed in zip(logits, rows, strict=True):
        row[allowed] = torch.randn(len(allowed))
    return logits


@pytest.mark.parametrize("temperature", [0.0, 1.0])
def test_forced_drafts_are_accepted_and_stale_ones_are_not(temperature: float) -> None:
    """Two requests with masks: what is forced in one is drafted; the other's second draft is stale, marked by -1."""
    torch.manual_seed(0)
    logits = masked([[FORCED], [FORCED + 1], [7, 8, 9], [5], list(range(64)), list(range(64))])
    sampled, counts = rejection_sample(
        logits,
        None,
        ints(0, FORCED, FORCED + 1, 0, 5, -1),
        ints(0, 3, 6),
        ints(9, 10, 11, 20, 21, 22, dtype=torch.int64),
        ints(0, 1, dtype=torch.int64),
        ints(0, 0, 0, 1, 1, 1, dtype=torch.int64),
        ints(0, 1, 2, 0, 1, 2),
        torch.full((2,), temperature),
        ints(1, 2, dtype=torch.int64),
        8,
    )
    assert counts.tolist() == [3, 2]
    assert sampled[0, :2].tolist() == [FORCED, FORCED + 1] and sampled[0, 2] in (7, 8, 9)
    assert sampled[1, 0] == 5


def test_the_drafter_that_is_configured_drafts_nothing() -> None:
    runner = SimpleNamespace(
        prepare_inputs=lambda scheduled: "inputs",
        req_states=SimpleNamespace(draft_tokens=torch.zeros((4, 8)), req_id_to_index={}),
        speculator=SimpleNamespace(propose=None, drafts=torch.zeros((4, 8))),
        rejection_sampler=object(),
    )
    assert gpu_runner.is_second(runner)
    gpu_runner.take_scheduled_drafts(runner)
    batch = SimpleNamespace(num_reqs=3)
    assert runner.speculator.propose(batch, None, None, num_speculative_tokens=0).shape == (3, 8)
    assert runner.speculator.propose(input_batch=batch, dummy_run=True).shape == (3, 8)
