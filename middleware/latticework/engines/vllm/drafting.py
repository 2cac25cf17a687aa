"""Whether this vLLM can draft, and the engine arguments that make it.

vLLM lets a server name its own scheduler class and its own drafter class; neither is a stable interface. Where one is
missing, the model is served without drafts, and the log says why.
"""

from __future__ import annotations

import inspect
import logging
from collections.abc import Callable
from importlib import import_module
from typing import Literal, get_args

from vllm import envs
from vllm.config import speculative
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.triton_utils import HAS_TRITON

logger = logging.getLogger(__name__)

Drafts = Literal["auto", "forced", "off"]

SCHEDULER = "latticework.engines.vllm.scheduler.DraftScheduler"
DRAFTER = "latticework.engines.vllm.worker.NoDrafter"
EXTENSION = "latticework.engines.vllm.worker.WorkerExtension"
# More save few passes, and each has its row in every buffer of the worker.
MOST_TOKENS = 16


def add_drafts(args: AsyncEngineArgs) -> bool:
    """Makes the engine of these arguments draft, if it can; whether it will. Changes `args` in place."""
    for is_so, told in OBSTACLES:
        if is_so(args):
            logger.warning("Drafts are off: %s.", told)
            return False
    args.scheduler_cls = SCHEDULER
    args.worker_extension_cls = EXTENSION
    args.speculative_config = {"method": "custom_class", "model": DRAFTER, "num_speculative_tokens": MOST_TOKENS}
    return True


def _no_custom_drafter(args: AsyncEngineArgs) -> bool:
    return "custom_class" not in get_args(speculative.SpeculativeMethod)


def _other_interfaces(args: AsyncEngineArgs) -> bool:
    """The scheduler and the worker's sampler are other ones than those that drafts were written for."""
    try:
        scheduler, worker = (import_module(name.rpartition(".")[0]) for name in (SCHEDULER, DRAFTER))
    except ImportError as error:
        logger.warning("%s", error)
        return True
    inherited = scheduler.Scheduler
    hooks = ("schedule", "update_draft_token_ids", "update_from_output")
    sampler = inspect.signature(worker.rejection_sampler.rejection_sample).parameters
    return not all(hasattr(inherited, hook) for hook in hooks) or "target_logits" not in sampler


def _no_cpu_sampler(args: AsyncEngineArgs) -> bool:
    """On a CPU, vLLM 0.24's kernels don't take all that its sampler gives them, and 0.30's sampler calls Triton's."""
    if HAS_TRITON or not current_platform.is_cpu():
        return False
    kernels, sampler = import_module("vllm.utils.cpu_triton_utils"), import_module("vllm.v1.sample.rejection_sampler")
    taken = inspect.signature(kernels._sample_recovered_tokens_kernel_impl).parameters
    launches = hasattr(sampler, "_sample_recovered_tokens")
    # Of the platform's class, as the platform itself says None to whatever it doesn't know.
    replaced = not launches or hasattr(type(current_platform), "register_triton_kernel_overrides")
    return "USE_FP64_GUMBEL" not in taken or not replaced


OBSTACLES: tuple[tuple[Callable[[AsyncEngineArgs], bool], str], ...] = (
    (lambda args: args.speculative_config is not None, "--speculative-config asks for other ones"),
    (lambda args: args.scheduler_cls is not None, "--scheduler-cls names another scheduler"),
    (lambda args: bool(args.worker_extension_cls), "--worker-extension-cls names another extension"),
    (lambda args: args.pipeline_parallel_size > 1, "vLLM has none with pipeline parallelism"),
    (
        lambda args: bool(args.async_scheduling),
        "--async-scheduling asks for steps that begin before the last has ended",
    ),
    (
        lambda args: bool(envs.VLLM_USE_V2_MODEL_RUNNER),
        "VLLM_USE_V2_MODEL_RUNNER asks for the model runner that takes no drafter class",
    ),
    (_no_custom_drafter, "this vLLM takes no drafter class"),
    (_other_interfaces, "this vLLM's scheduler or sampler is another one"),
    (_no_cpu_sampler, "this vLLM's sampler fails behind drafts on a CPU"),
)
