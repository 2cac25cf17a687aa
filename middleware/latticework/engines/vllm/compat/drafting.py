"""The engine arguments that make vLLM follow this server's grammars, and draft.

vLLM lets a server name its own scheduler; that is no stable interface.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, get_args

from vllm import envs
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform

from latticework.engines.vllm.compat.patch import is_lacking

Drafts = Literal["auto", "forced", "off"]

GRAMMAR_SCHEDULER = "latticework.engines.vllm.compat.scheduler.grammar_scheduler"
DRAFT_SCHEDULER = "latticework.engines.vllm.compat.scheduler.draft_scheduler"
DRAFTER = "latticework.engines.vllm.compat.worker.NoDrafter"
EXTENSION = "latticework.engines.vllm.compat.worker.WorkerExtension"

Obstacle = tuple[Callable[[AsyncEngineArgs], bool], str]


@dataclass(frozen=True)
class Way:
    """How a model runner of vLLM's is made to draft.

    Attributes:
        default: what is drafted where nothing is chosen.
        speculation: vLLM's `speculative_config`.
        obstacles: what excludes it; each completes a sentence that begins with vLLM's name.
        takes_away: what an engine with this configuration of vLLM's loses by it; "" for nothing.
        needs: private names of vLLM's, as a `Patch` has them.
    """

    default: Drafts
    speculation: Mapping[str, Any]
    obstacles: tuple[Obstacle, ...]
    takes_away: Callable[[Any], str] = lambda config: ""
    needs: tuple[str, ...] = ()


# vLLM's arguments by which it drafts, the last three of which not all versions have.
SPECULATION = ("speculative_config", "spec_method", "spec_model", "spec_tokens")


def has_speculation(args: AsyncEngineArgs) -> bool:
    return any(getattr(args, name, None) is not None for name in SPECULATION)


OF_ALL: tuple[Obstacle, ...] = (
    (has_speculation, "drafts as --speculative-config has it, and only in one way"),
    (lambda args: args.scheduler_cls not in (None, GRAMMAR_SCHEDULER), "runs the scheduler that --scheduler-cls names"),
    (
        lambda args: args.worker_extension_cls not in ("", None, EXTENSION),
        "runs the worker extension that --worker-extension-cls names",
    ),
    (lambda args: args.pipeline_parallel_size > 1, "takes no drafts of a scheduler with pipeline parallelism"),
)


def _selected_runner() -> bool | None:
    """V2, V1, or None for vLLM's choice."""
    return getattr(envs, "VLLM_USE_V2_MODEL_RUNNER", None)


PIECEWISE = """steps in which something is drafted run in piecewise CUDA graphs, all others as without drafts; {} \
MiB of the device's memory, for the tokens of requests"""


def _megabytes_of_tokens(config: Any) -> int:
    """Beside its drafter of n-grams, vLLM has them on the device, four bytes each."""
    return int(config.scheduler_config.max_num_seqs * config.model_config.max_model_len * 4 / 2**20)


# vLLM's runner V1 takes a drafter class. More tokens save few passes, and each has its row in every buffer.
FIRST_RUNNER = Way(
    "auto",
    {"method": "custom_class", "model": DRAFTER, "num_speculative_tokens": 16},
    (
        *OF_ALL,
        (lambda args: bool(args.async_scheduling), "with --async-scheduling begins steps before the last has ended"),
        (lambda args: bool(args.logits_processors), "takes no --logits-processors beside drafts"),
        (
            lambda args: bool(_selected_runner()),
            "has no drafter class in the model runner that VLLM_USE_V2_MODEL_RUNNER selects",
        ),
    ),
)
# Its runner V2, on GPUs, takes none, but has a drafter of n-grams that excludes neither asynchronous scheduling nor
# full CUDA graphs. Batches of any size are said to draft nothing: so it captures the graphs that it has without drafts.
SECOND_RUNNER = Way(
    "off",
    {
        "method": "ngram_gpu",
        "num_speculative_tokens": 8,
        "prompt_lookup_min": 2,
        "prompt_lookup_max": 2,
        "num_speculative_tokens_per_batch_size": [(1, 1, 0)],
    },
    (
        *OF_ALL,
        (lambda args: args.data_parallel_size > 1, "runs no full CUDA graphs beside drafts with data parallelism"),
        (
            lambda args: _selected_runner() is False,
            "has no asynchronous scheduling beside drafts in the model runner that VLLM_USE_V2_MODEL_RUNNER=0 selects",
        ),
    ),
    lambda config: PIECEWISE.format(_megabytes_of_tokens(config)),
    (
        "vllm.v1.worker.gpu.model_runner:GPUModelRunner.prepare_inputs",
        "vllm.v1.worker.gpu.states:RequestState.draft_tokens",
        "vllm.v1.worker.gpu.states:RequestState.req_id_to_index",
        "vllm.v1.worker.gpu.spec_decode.ngram.speculator:NgramGPUSpeculator.propose",
        "vllm.v1.worker.gpu.spec_decode.ngram.speculator:NgramGPUSpeculator.drafts",
        "vllm.v1.worker.gpu.spec_decode.rejection_sampler_utils:rejection_sample(target_logits, draft_logits, "
        "draft_sampled, cu_num_logits, pos, idx_mapping, expanded_idx_mapping, expanded_local_pos, temperature, seed, "
        "num_speculative_steps)",
        "vllm.v1.core.sched.scheduler:Scheduler.update_draft_token_ids_in_output(draft_token_ids, scheduler_output)",
        "vllm.config.speculative:SpeculativeConfig.num_speculative_tokens_per_batch_size",
        "vllm.config:VllmConfig.use_v2_model_runner",
    ),
)


def drafting_way() -> Way:
    """The one for this machine's device."""
    return FIRST_RUNNER if current_platform.is_cpu() else SECOND_RUNNER


def default_drafts() -> Drafts:
    return drafting_way().default


def add_grammars(args: AsyncEngineArgs) -> str | None:
    """Makes the engine of these arguments follow this server's grammars, unless they exclude it; why, for the log.
    Changes `args`.
    """
    if args.scheduler_cls is not None:
        return "runs the scheduler that --scheduler-cls names"
    args.scheduler_cls = GRAMMAR_SCHEDULER
    args.worker_extension_cls = args.worker_extension_cls or EXTENSION
    return None


def add_drafts(args: AsyncEngineArgs) -> str | None:
    """Makes it draft too, likewise."""
    way = drafting_way()
    for excludes, reason in way.obstacles:
        if excludes(args):
            return reason
    args.scheduler_cls = DRAFT_SCHEDULER
    args.worker_extension_cls = EXTENSION
    args.speculative_config = deepcopy(dict(way.speculation))
    return None


def config_obstacle(config: Any) -> str | None:
    """What excludes drafts in a configuration of vLLM's that has them."""
    if config.model_config.is_hybrid:
        return "keeps a state for each drafted token in models with state slots"
    if not current_platform.is_cpu() and not config.use_v2_model_runner:
        return "runs this configuration in its model runner V1, where drafts exclude asynchronous scheduling"
    return None


def drafting_defect() -> str | None:
    """What excludes drafts in a vLLM that has all the names they need."""
    methods = get_args(import_module("vllm.config.speculative").SpeculativeMethod)
    if drafting_way().speculation["method"] not in methods:
        return "takes no drafter class" if current_platform.is_cpu() else "has no drafter of n-grams on GPUs"
    if lacking := [need for need in drafting_way().needs if is_lacking(need)]:
        return f"has no {lacking[0]}"
    return _cpu_sampler_defect() if current_platform.is_cpu() else None


def _cpu_sampler_defect() -> str | None:
    """vLLM 0.24's CPU kernels don't take all that its sampler gives them, and 0.30's sampler calls Triton's."""
    if import_module("vllm.triton_utils").HAS_TRITON:
        return None
    kernels, sampler = import_module("vllm.utils.cpu_triton_utils"), import_module("vllm.v1.sample.rejection_sampler")
    taken = inspect.signature(kernels._sample_recovered_tokens_kernel_impl).parameters
    launches = hasattr(sampler, "_sample_recovered_tokens")
    # Of the platform's class: the platform itself answers None for names that it does not know.
    replaced = not launches or hasattr(type(current_platform), "register_triton_kernel_overrides")
    if "USE_FP64_GUMBEL" in taken and replaced:
        return None
    return "has a sampler that fails behind drafts on a CPU"
