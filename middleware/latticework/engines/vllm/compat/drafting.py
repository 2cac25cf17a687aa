"""The engine arguments that make vLLM draft.

vLLM lets a server name its own scheduler class and its own drafter class; neither is a stable interface.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Literal

from vllm import envs
from vllm.engine.arg_utils import AsyncEngineArgs

logger = logging.getLogger(__name__)

Drafts = Literal["auto", "forced", "off"]

SCHEDULER = "latticework.engines.vllm.compat.scheduler.DraftScheduler"
DRAFTER = "latticework.engines.vllm.compat.worker.NoDrafter"
EXTENSION = "latticework.engines.vllm.compat.worker.WorkerExtension"
# More save few passes, and each has its row in every buffer of the worker.
MOST_TOKENS = 16


def add_drafts(args: AsyncEngineArgs) -> bool:
    """Makes the engine of these arguments draft, unless they exclude it; whether it will. Changes `args`."""
    for excludes, reason in OBSTACLES:
        if excludes(args):
            logger.warning("Drafts are off: %s.", reason)
            return False
    args.scheduler_cls = SCHEDULER
    args.worker_extension_cls = EXTENSION
    args.speculative_config = {"method": "custom_class", "model": DRAFTER, "num_speculative_tokens": MOST_TOKENS}
    return True


OBSTACLES: tuple[tuple[Callable[[AsyncEngineArgs], bool], str], ...] = (
    (lambda args: args.speculative_config is not None, "--speculative-config sets others"),
    (lambda args: args.scheduler_cls is not None, "--scheduler-cls names another scheduler"),
    (lambda args: bool(args.worker_extension_cls), "--worker-extension-cls names another extension"),
    (lambda args: args.pipeline_parallel_size > 1, "vLLM has none with pipeline parallelism"),
    (lambda args: bool(args.async_scheduling), "--async-scheduling begins steps before the last has ended"),
    (
        lambda args: bool(getattr(envs, "VLLM_USE_V2_MODEL_RUNNER", False)),
        "VLLM_USE_V2_MODEL_RUNNER selects the model runner that takes no drafter class",
    ),
)
