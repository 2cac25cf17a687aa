"""An engine step's outputs, handed to the requests in one go.

vLLM looks for a dozen things in each request's output of each step, and makes four objects of it. An ordinary output,
tokens in the middle of an answer, goes straight to the request's queue. vLLM processes all others itself: the first and
the last of a request, and those that carry more than tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from typing import Any

from vllm.outputs import CompletionOutput, RequestOutput
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.engine.output_processor import OutputProcessor, RequestState
from vllm.v1.metrics.stats import IterationStats

# All that an engine core's output may carry, in the versions that were seen.
OUTPUT_FIELDS = frozenset(
    (
        *("request_id", "new_token_ids", "new_logprobs", "new_prompt_logprobs_tensors", "prompt_token_id_logprobs"),
        *("finish_reason", "stop_reason", "pooling_output", "routed_experts", "new_sampling_mask"),
        *("kv_transfer_params", "ec_transfer_params", "mm_cache_miss_hashes", "trace_headers"),
        *("events", "prefill_stats", "num_nans_in_logits", "spec_decode_metrics"),
    )
)


def unknown_output_fields() -> str | None:
    """A field that is not known here may matter to whoever reads the output."""
    unknown = set(import_module("vllm.v1.engine").EngineCoreOutput.__struct_fields__) - OUTPUT_FIELDS
    return f"has an EngineCoreOutput with {', '.join(sorted(unknown))}" if unknown else None


class NewTokens(CompletionOutput):
    """All attributes but the tokens are the class's, until vLLM adds another output to it."""

    index = 0
    text = ""
    cumulative_logprob = None
    logprobs = None

    def __init__(self, token_ids: list[int]) -> None:
        self.token_ids = token_ids


class TokensOutput(RequestOutput):
    """An output with nothing but the next tokens. vLLM adds others to it where its reader is slow."""

    finished = False
    prompt_logprobs = None
    kv_transfer_params = None
    ec_transfer_params = None

    def __init__(self, token_ids: list[int]) -> None:
        self.outputs = [NewTokens(token_ids)]


class StepOutputs:
    """Replaces `OutputProcessor.process_outputs`, whose parameters it has."""

    def __init__(self, processor: OutputProcessor) -> None:
        self._states = processor.request_states
        self._process = processor.process_outputs

    def __call__(
        self,
        engine_core_outputs: Sequence[EngineCoreOutput],
        engine_core_timestamp: float | None = None,
        iteration_stats: IterationStats | None = None,
        **others: Any,
    ) -> Any:
        rest = [
            output
            for output in engine_core_outputs
            if not self._handed_over(output, engine_core_timestamp, iteration_stats)
        ]
        return self._process(rest, engine_core_timestamp, iteration_stats, **others)

    def _handed_over(self, output: EngineCoreOutput, timestamp: float | None, stats: IterationStats | None) -> bool:
        state = self._states.get(output.request_id)
        if state is None or not _is_ordinary(state, output):
            return False
        state.queue.put(TokensOutput(output.new_token_ids))
        if stats is not None:
            _count_tokens(state.stats, stats, len(output.new_token_ids), timestamp)
        return True


def patch_step_outputs(llm: Any) -> None:
    """Not where `--stream-interval` has vLLM merge outputs."""
    processor = llm.output_processor
    if processor.stream_interval == 1:
        processor.process_outputs = StepOutputs(processor)


def _is_ordinary(state: RequestState, output: EngineCoreOutput) -> bool:
    first_or_last = state.is_prefilling or output.finish_reason is not None  # which is 0 for "stop"
    carries_more = output.new_logprobs or output.events or output.kv_transfer_params
    alone = state.parent_req is None and state.queue is not None
    return bool(alone and output.new_token_ids and not first_or_last and not carries_more)


def _count_tokens(answer: Any, step: IterationStats, tokens: int, timestamp: float | None) -> None:
    """As vLLM counts them."""
    step.num_generation_tokens += tokens
    step.inter_token_latencies_iter.append(timestamp - answer.last_token_ts)
    answer.num_generation_tokens += tokens
    answer.last_token_ts = timestamp
