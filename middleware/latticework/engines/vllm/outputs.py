"""What an engine step says of all its answers, passed on to them in one go.

vLLM looks for a dozen things in each answer's output of each step, and makes four objects of it. An ordinary output,
tokens in the middle of an answer, goes straight to whoever waits for it. All else is vLLM's own to process: an answer's
first output, its last, and whatever carries more than tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from vllm.outputs import CompletionOutput, RequestOutput
from vllm.v1.engine import EngineCoreOutput
from vllm.v1.engine.output_processor import OutputProcessor, RequestState
from vllm.v1.metrics.stats import IterationStats


class NewTokens(CompletionOutput):
    """All but the tokens is of the class, until something is added to it."""

    index = 0
    text = ""
    cumulative_logprob = None
    logprobs = None

    def __init__(self, token_ids: list[int]) -> None:
        self.token_ids = token_ids


class Tokens(RequestOutput):
    """An output that is nothing but the next tokens. vLLM adds others to it where its reader is slow."""

    finished = False
    prompt_logprobs = None
    kv_transfer_params = None
    ec_transfer_params = None

    def __init__(self, token_ids: list[int]) -> None:
        self.outputs = [NewTokens(token_ids)]


class Bell:
    """Stands in for `asyncio.Event` where one waits: a future, and no look for the loop that is told anyway."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[bool] | None = None
        self._rung = False

    def set(self) -> None:
        self._rung = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    def clear(self) -> None:
        self._rung = False

    def wait(self) -> asyncio.Future[bool]:
        self._waiting = self._loop.create_future()
        if self._rung:
            self._waiting.set_result(True)
        return self._waiting


class StepOutputs:
    """Stands in for `OutputProcessor.process_outputs`."""

    def __init__(self, processor: OutputProcessor) -> None:
        self._states = processor.request_states
        self._process = processor.process_outputs

    def __call__(
        self,
        outputs: Sequence[EngineCoreOutput],
        timestamp: float | None = None,
        stats: IterationStats | None = None,
        **others: Any,
    ) -> Any:
        """One step's outputs; `stats` counts them."""
        rest = [output for output in outputs if not self._passed_on(output, timestamp, stats)]
        return self._process(rest, timestamp, stats, **others)

    def _passed_on(self, output: EngineCoreOutput, timestamp: float | None, stats: IterationStats | None) -> bool:
        state = self._states.get(output.request_id)
        if state is None or not _is_ordinary(state, output):
            return False
        state.queue.put(Tokens(output.new_token_ids))
        if stats is not None:
            _count(state.stats, stats, len(output.new_token_ids), timestamp)
        return True


def pass_on_tokens(processor: OutputProcessor) -> None:
    """Has ordinary outputs passed on. Where outputs are to be merged, `--stream-interval`, vLLM goes on alone."""
    if processor.stream_interval == 1:
        processor.process_outputs = StepOutputs(processor)


def _is_ordinary(state: RequestState, output: EngineCoreOutput) -> bool:
    first_or_last = state.is_prefilling or output.finish_reason is not None  # which is 0 for "stop"
    special = output.new_logprobs or output.events or output.kv_transfer_params
    alone = state.parent_req is None and state.queue is not None
    return bool(alone and output.new_token_ids and not first_or_last and not special)


def _count(answer: Any, step: IterationStats, tokens: int, timestamp: float | None) -> None:
    """As vLLM counts them."""
    step.num_generation_tokens += tokens
    step.inter_token_latencies_iter.append(timestamp - answer.last_token_ts)
    answer.num_generation_tokens += tokens
    answer.last_token_ts = timestamp
