"""vLLM's model runner V2 with drafts: the scheduler's, in the buffer that its own drafter would fill.

V2 takes no drafter class. It is configured with its n-gram drafter, which then drafts nothing: a step that the
scheduler drafts nothing for is a step without drafts, with the same CUDA graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

PARTS = (
    "prepare_inputs",
    "req_states.draft_tokens",
    "req_states.req_id_to_index",
    "speculator.propose",
    "speculator.drafts",
    "rejection_sampler",
)


def is_second(runner: Any) -> bool:
    """Whether a worker's model runner is V2."""
    return hasattr(runner, "req_states")


def take_scheduled_drafts(runner: Any) -> None:
    runner.prepare_inputs = partial(with_drafts, runner.prepare_inputs, runner.req_states)
    runner.speculator.propose = partial(no_drafts, runner.speculator.drafts)


def with_drafts(prepare: Callable[..., Any], states: Any, scheduled: Any, *args: Any, **kwargs: Any) -> Any:
    """A step's inputs are prepared with its drafts in the buffer: vLLM looks for their values there only."""
    if drafted := scheduled.scheduled_spec_decode_tokens:
        write_drafts(states.draft_tokens, states.req_id_to_index, drafted)
    return prepare(scheduled, *args, **kwargs)


def write_drafts(buffer: torch.Tensor, rows: Mapping[str, int], drafted: Mapping[str, Sequence[int]]) -> None:
    """buffer: [requests, drafted tokens]. What is behind a request's drafts is not read."""
    tokens = np.zeros((len(drafted), max(map(len, drafted.values()))), dtype=np.int64)
    for row, draft in zip(tokens, drafted.values(), strict=True):
        row[: len(draft)] = draft
    places = torch.tensor([rows[request] for request in drafted], dtype=torch.int64)
    buffer[_moved(places, buffer), : tokens.shape[1]] = _moved(torch.from_numpy(tokens), buffer)


def _moved(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """On the device, without waiting for what it is computing."""
    return (tensor.pin_memory() if like.is_cuda else tensor).to(like.device, non_blocking=True)


def no_drafts(buffer: torch.Tensor, batch: Any = None, *args: Any, input_batch: Any = None, **kwargs: Any) -> Any:
    """In the place of the drafter's method. [requests of the batch, drafted tokens]"""
    return buffer[: (input_batch if batch is None else batch).num_reqs]


def samples(logits: Sequence[float], temperature: float, draft: int, count: int, device: torch.device) -> torch.Tensor:
    """The first token of each of `count` requests, which have the same distribution and the same draft."""
    from vllm.v1.worker.gpu.spec_decode.rejection_sampler_utils import rejection_sample

    requests = torch.arange(count, device=device)
    drafted = torch.tensor([0, draft], dtype=torch.int32, device=device).repeat(count)
    sampled, _ = rejection_sample(
        torch.tensor(logits, device=device).div(temperature).repeat(2 * count, 1),
        None,
        drafted,
        torch.arange(0, 2 * count + 1, 2, dtype=torch.int32, device=device),
        torch.tensor([7, 8], device=device).repeat(count),
        requests,
        requests.repeat_interleave(2),
        torch.tensor([0, 1], dtype=torch.int32, device=device).repeat(count),
        torch.full((count,), temperature, device=device),
        requests + 1,
        1,
    )
    first: torch.Tensor = sampled[:, 0]
    return first.cpu().long()
