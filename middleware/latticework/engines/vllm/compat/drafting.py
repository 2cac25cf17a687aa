"""The engine arguments that make vLLM draft.

vLLM lets a server name its own scheduler class and its own drafter class; neither is a stable interface.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Literal, get_args

from vllm import envs
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform

Drafts = Literal["auto", "forced", "off"]

SCHEDULER = "latticework.engines.vllm.compat.scheduler.DraftScheduler"
DRAFTER = "latticework.engines.vllm.compat.worker.NoDrafter"
EXTENSION = "latticework.engines.vllm.compat.worker.WorkerExtension"
# More save few passes, and each has its row in every buffer of the worker.
MOST_TOKENS = 16


def add_drafts(args: AsyncEngineArgs) -> str | None:
    """Makes the engine of these arguments draft, unless they exclude it; why, for the log. Changes `args`."""
    for excludes, reason in OBSTACLES:
        if excludes(args):
            return reason
    args.scheduler_cls = SCHEDULER
    args.worker_extension_cls = EXTENSION
    args.speculative_config = {"method": "custom_class", "model": DRAFTER, "num_speculative_tokens": MOST_TOKENS}
    return None


def drafting_defect() -> str | None:
    """What excludes drafts in a vLLM that has all the names they need."""
    if "custom_class" not in get_args(import_module("vllm.config.speculative").SpeculativeMethod):
        return "takes no drafter class"
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


# Each completes a sentence that begins with vLLM's name.
OBSTACLES: tuple[tuple[Callable[[AsyncEngineArgs], bool], str], ...] = (
    (lambda args: args.speculative_config is not None, "drafts as --speculative-config says, and only in one way"),
    (lambda args: args.scheduler_cls is not None, "runs the scheduler that --scheduler-cls names"),
    (lambda args: bool(args.worker_extension_cls), "runs the worker extension that --worker-extension-cls names"),
    (lambda args: args.pipeline_parallel_size > 1, "takes no drafter class with pipeline parallelism"),
    (lambda args: bool(args.async_scheduling), "with --async-scheduling begins steps before the last has ended"),
    (lambda args: bool(args.logits_processors), "takes no --logits-processors beside drafts"),
    (
        lambda args: bool(getattr(envs, "VLLM_USE_V2_MODEL_RUNNER", False)),
        "has no drafter class in the model runner that VLLM_USE_V2_MODEL_RUNNER selects",
    ),
)
