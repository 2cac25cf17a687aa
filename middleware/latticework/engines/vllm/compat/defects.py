"""What stands against a patch in a vLLM that has all the names which the patch needs."""

from __future__ import annotations

import asyncio
import inspect
from importlib import import_module
from typing import get_args

from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind

# All that an engine core's output may carry, in the versions that were seen.
OUTPUT_FIELDS = frozenset(
    (
        *("request_id", "new_token_ids", "new_logprobs", "new_prompt_logprobs_tensors", "prompt_token_id_logprobs"),
        *("finish_reason", "stop_reason", "pooling_output", "routed_experts", "new_sampling_mask"),
        *("kv_transfer_params", "ec_transfer_params", "mm_cache_miss_hashes", "trace_headers"),
        *("events", "prefill_stats", "num_nans_in_logits", "spec_decode_metrics"),
    )
)


def output_fields_defect() -> str | None:
    """A field that nothing here knows may matter to whoever waits for the output."""
    output = import_module("vllm.v1.engine").EngineCoreOutput
    unknown = set(output.__struct_fields__) - OUTPUT_FIELDS
    return f"has an EngineCoreOutput with {', '.join(sorted(unknown))}" if unknown else None


def ready_event_defect() -> str | None:
    """Only an event can be replaced by one."""
    collector = import_module("vllm.v1.engine.output_processor").RequestOutputCollector
    ready = collector(RequestOutputKind.DELTA, "a request").ready
    return None if type(ready) is asyncio.Event else f"has a RequestOutputCollector.ready of {type(ready).__name__}"


def drafting_defect() -> str | None:
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
