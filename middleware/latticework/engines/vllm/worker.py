"""What drafts need on the worker's side of vLLM: nothing that drafts, and a sampler that can be relied on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from vllm.v1.sample import rejection_sampler
from vllm.v1.sample.logits_processor import BUILTIN_LOGITS_PROCESSORS, LogitsProcessors

# The trial of the sampler: a distribution, a draft from it, how many samples, and the chi-squared value of as many
# degrees of freedom as there are other tokens that a sound sampler exceeds once in 100,000 trials.
LOGITS = (1.0, 0.5, 0.0, -0.5, -1.0)
TEMPERATURE = 0.5
DRAFT = 1
SAMPLES = 20_000
MOST_CHI_SQUARED = 28.5


class NoDrafter:
    """vLLM's custom drafter class, which drafts nothing: the scheduler does, where the grammars are."""

    def __init__(self, vllm_config: Any) -> None:
        mend_expansion()

    def load_model(self, *args: Any, **kwargs: Any) -> None:
        """There is none."""

    def propose(self, sampled_token_ids: Sequence[Sequence[int]], *args: Any, **kwargs: Any) -> list[list[int]]:
        return [[] for _ in sampled_token_ids]


class WorkerExtension:
    """Methods of vLLM's worker, for `collective_rpc`."""

    model_runner: Any
    device: torch.device

    def allow_all_sampling(self) -> bool:
        """Lets requests have `min_p` and `logit_bias`, and says whether drafts leave distributions as they are.

        Beside drafts, vLLM loads neither processor, since they would miss drafted tokens. Here requests that have them
        are drafted nothing but what a grammar forces, which no processor can change.
        """
        runner = self.model_runner
        runner.rejection_sampler.forward = partial(sample, runner.rejection_sampler.forward, runner.sampler)
        runner.input_batch.logitsprocs = LogitsProcessors(
            made(runner.vllm_config, runner.device, False) for made in BUILTIN_LOGITS_PROCESSORS
        )
        return is_sound(runner.device)


def sample(
    drafted: Callable[..., Any],
    plain: Callable[..., Any],
    metadata: Any,
    draft_probs: torch.Tensor | None,
    logits: torch.Tensor,
    sampling_metadata: Any,
) -> Any:
    """A step in which nothing was drafted is sampled as it would be without drafts.

    vLLM leads every step through the sampler for drafts. It costs more, and on a CPU it fails where a request has a
    `top_k` and there is nothing to apply that to, which ends the engine.
    """
    if any(metadata.num_draft_tokens):
        return drafted(metadata, draft_probs, logits, sampling_metadata)
    return plain(logits=logits, sampling_metadata=sampling_metadata)


def mend_expansion() -> None:
    """vLLM's CPU kernel that gives each drafted token its request's temperature writes into a copy, which is dropped.

    Then every drafted token has what lay in memory as its temperature, top_k and top_p.
    """
    rejection_sampler.expand_batch_to_tokens = expanded


def expanded(
    values: torch.Tensor, cumulative: torch.Tensor, count: int, replace_from: float = 0, replace_to: float = 0
) -> torch.Tensor:
    """[requests] -> [tokens], each request's value as often as it has tokens: `cumulative` says up to which."""
    counts = torch.diff(cumulative, prepend=cumulative.new_zeros(1))
    repeated = values.repeat_interleave(counts, output_size=count)
    return torch.where(repeated == replace_from, torch.full_like(repeated, replace_to), repeated)


def is_sound(device: torch.device) -> bool:
    """Whether sampling behind a drafted token gives the distribution that it should. Always the same samples."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        observed = torch.bincount(_samples(device), minlength=len(LOGITS)).double()
    expected = torch.tensor(LOGITS).double().div(TEMPERATURE).softmax(0) * SAMPLES
    return float(((observed - expected) ** 2 / expected).sum()) < MOST_CHI_SQUARED


def _samples(device: torch.device) -> torch.Tensor:
    """The first token of each of SAMPLES requests with the same distribution, all of which were drafted the same."""
    logits = torch.tensor(LOGITS, device=device).repeat(SAMPLES, 1)
    metadata = SimpleNamespace(
        all_greedy=False,
        all_random=True,
        temperature=torch.full((SAMPLES,), TEMPERATURE, device=device),
        top_k=None,
        top_p=None,
        generators={},
    )
    cumulative = torch.arange(1, SAMPLES + 1, dtype=torch.int32, device=device)
    constrained = rejection_sampler.apply_sampling_constraints(logits, cumulative, metadata)
    sampled = rejection_sampler.rejection_sample(
        torch.full((SAMPLES,), DRAFT, dtype=torch.int32, device=device),
        [1] * SAMPLES,
        1,
        cumulative,
        None,
        constrained,
        torch.zeros((SAMPLES, 1), dtype=torch.int32, device=device),
        metadata,
    )
    first: torch.Tensor = sampled[:, 0]
    return first.cpu().long()
