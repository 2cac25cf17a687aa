"""The worker's side: a drafter that drafts nothing, a sampler whose distribution is tested, and what it runs with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from vllm.v1.sample import rejection_sampler
from vllm.v1.sample.logits_processor import BUILTIN_LOGITS_PROCESSORS, LogitsProcessors

from latticework.engines.vllm.compat import TOKEN_EXPANSION, gpu_runner

# The test of the sampler: a distribution, a draft from it, the number of samples, and the chi-squared value, of as many
# degrees of freedom as there are other tokens, that a correct sampler exceeds once in 100,000 tests.
LOGITS = (1.0, 0.5, 0.0, -0.5, -1.0)
TEMPERATURE = 0.5
DRAFT = 1
SAMPLES = 20_000
MOST_CHI_SQUARED = 28.5


class NoDrafter:
    """A drafter class for vLLM that drafts nothing: the scheduler does, where the grammars are."""

    def __init__(self, vllm_config: Any) -> None:
        """vLLM passes its configuration."""

    def load_model(self, *args: Any, **kwargs: Any) -> None:
        """It has no model."""

    def propose(self, sampled_token_ids: Sequence[Sequence[int]], *args: Any, **kwargs: Any) -> list[list[int]]:
        return [[] for _ in sampled_token_ids]


class WorkerExtension:
    """Methods of vLLM's worker, for `collective_rpc`."""

    model_runner: Any
    device: torch.device

    def describe_runner(self) -> dict[str, str]:
        """Which runner and CUDA graphs are on, by the names that vLLM has for them."""
        runner = self.model_runner
        graphs = runner.compilation_config.cudagraph_mode
        return {
            "model_runner": "V2" if gpu_runner.is_second(runner) else "V1",
            "cuda_graphs": getattr(graphs, "name", str(graphs)),
        }

    def prepare_drafts(self) -> dict[str, Any]:
        """Returns `missing`, the parts that this worker lacks, and where none is missing `sound`: whether tokens
        sampled behind a draft have the distribution that they should.
        """
        runner = self.model_runner
        kind = SECOND if gpu_runner.is_second(runner) else FIRST
        if missing := [part for part in kind.parts if not _has_part(runner, part)]:
            return {"missing": missing}
        kind.prepare(runner)
        return {"missing": [], "sound": is_sound(kind.samples, runner.device)}


def prepare_first_runner(runner: Any) -> None:
    """Allows `min_p` and `logit_bias`, which vLLM does not load beside drafts, since they would miss drafted tokens:
    here requests that have them are drafted only what their grammar forces.
    """
    runner.rejection_sampler.forward = partial(sample, runner.rejection_sampler.forward, runner.sampler)
    runner.input_batch.logitsprocs = LogitsProcessors(
        processor(runner.vllm_config, runner.device, False) for processor in BUILTIN_LOGITS_PROCESSORS
    )
    TOKEN_EXPANSION.chosen()(runner.device)


def _has_part(runner: Any, part: str) -> bool:
    owner = runner
    for name in part.split("."):
        if not hasattr(owner, name):
            return False
        owner = getattr(owner, name)
    return True


def sample(
    drafted: Callable[..., Any],
    plain: Callable[..., Any],
    metadata: Any,
    draft_probs: torch.Tensor | None,
    logits: torch.Tensor,
    sampling_metadata: Any,
) -> Any:
    """A step in which nothing was drafted is sampled as it would be without drafts.

    vLLM takes every step through the sampler for drafts. It costs more, and on a CPU it fails for a request with a
    `top_k` where there is nothing to apply that to, which ends the engine.
    """
    if any(metadata.num_draft_tokens):
        return drafted(metadata, draft_probs, logits, sampling_metadata)
    return plain(logits=logits, sampling_metadata=sampling_metadata)


def patch_token_expansion(device: torch.device) -> None:
    """Only where it is wrong: vLLM's CPU kernel writes each drafted token's temperature, top_k and top_p into a copy,
    which is dropped, and leaves what was in memory before."""
    if not _is_expanding(device):
        rejection_sampler.expand_batch_to_tokens = expanded


def _is_expanding(device: torch.device) -> bool:
    """Whether vLLM's own gives each token its request's value; twice, for the right ones may have been in memory."""
    cumulative = torch.tensor([2, 5], dtype=torch.int32, device=device)
    return all(
        torch.equal(
            rejection_sampler.expand_batch_to_tokens(values, cumulative, 5, 0, 1), expanded(values, cumulative, 5, 0, 1)
        )
        for values in (torch.tensor([0.123, 0.0], device=device), torch.tensor([0.0, 0.877], device=device))
    )


def expanded(
    values: torch.Tensor, cumulative: torch.Tensor, count: int, replace_from: float = 0, replace_to: float = 0
) -> torch.Tensor:
    """[requests] -> [tokens]: each request's value as often as it has tokens, which `cumulative` adds up."""
    counts = torch.diff(cumulative, prepend=cumulative.new_zeros(1))
    repeated = values.repeat_interleave(counts, output_size=count)
    return torch.where(repeated == replace_from, torch.full_like(repeated, replace_to), repeated)


Samples = Callable[[Sequence[float], float, int, int, torch.device], torch.Tensor]


def is_sound(samples: Samples, device: torch.device, count: int = SAMPLES) -> bool:
    """Whether sampling behind a drafted token gives the right distribution. The samples are always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        observed = torch.bincount(samples(LOGITS, TEMPERATURE, DRAFT, count, device), minlength=len(LOGITS)).double()
    expected = torch.tensor(LOGITS).double().div(TEMPERATURE).softmax(0) * count
    return float(((observed - expected) ** 2 / expected).sum()) < MOST_CHI_SQUARED


def first_runner_samples(
    logits: Sequence[float], temperature: float, draft: int, count: int, device: torch.device
) -> torch.Tensor:
    """The first token of each of `count` requests, which have the same distribution and the same draft."""
    metadata = SimpleNamespace(
        all_greedy=False,
        all_random=True,
        temperature=torch.full((count,), temperature, device=device),
        top_k=None,
        top_p=None,
        generators={},
    )
    cumulative = torch.arange(1, count + 1, dtype=torch.int32, device=device)
    rows = torch.tensor(logits, device=device).repeat(count, 1)
    constrained = rejection_sampler.apply_sampling_constraints(rows, cumulative, metadata)
    sampled = rejection_sampler.rejection_sample(
        torch.full((count,), draft, dtype=torch.int32, device=device),
        [1] * count,
        1,
        cumulative,
        None,
        constrained,
        torch.zeros((count, 1), dtype=torch.int32, device=device),
        metadata,
    )
    first: torch.Tensor = sampled[:, 0]
    return first.cpu().long()


@dataclass(frozen=True)
class RunnerKind:
    """A model runner of vLLM's.

    Attributes:
        parts: what it must have; the rest of what drafts need can be seen in vLLM's classes.
        prepare: makes it take the scheduler's drafts.
        samples: tokens that its sampler samples behind a draft.
    """

    parts: tuple[str, ...]
    prepare: Callable[[Any], None]
    samples: Samples


FIRST = RunnerKind(
    ("sampler", "rejection_sampler", "input_batch.logitsprocs", "vllm_config", "device"),
    prepare_first_runner,
    first_runner_samples,
)
SECOND = RunnerKind(gpu_runner.PARTS, gpu_runner.take_scheduled_drafts, gpu_runner.samples)
