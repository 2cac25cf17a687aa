"""Outputs that go straight to their queues are the same as those that vLLM processes, and count as much."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.sampling_params import RequestOutputKind, SamplingParams
from vllm.v1.engine import EngineCoreOutput, EngineCoreRequest, FinishReason
from vllm.v1.engine.output_processor import OutputProcessor, RequestOutputCollector
from vllm.v1.metrics.stats import IterationStats

from latticework.engines.vllm.compat.outputs import StepOutputs, TokensOutput, patch_step_outputs

# The outputs of an answer, step by step.
ANSWER = [([5], None), ([6, 7, 8], None), ([9], None), ([10, 2], FinishReason.STOP)]


class Reader:
    """One answer that waits for its outputs, and the processor that they come from."""

    def __init__(self, processor: OutputProcessor) -> None:
        self.processor = processor
        self.queue = RequestOutputCollector(RequestOutputKind.DELTA, "1")
        params = SamplingParams(max_tokens=100, detokenize=False, output_kind=RequestOutputKind.DELTA)
        request = EngineCoreRequest(
            request_id="1",
            prompt_token_ids=[1, 2],
            mm_features=None,
            sampling_params=params,
            pooling_params=None,
            arrival_time=time.time(),
            lora_request=None,
            cache_salt=None,
            data_parallel_rank=None,
        )
        request.external_req_id = "1"
        processor.add_request(request, None, None, 0, self.queue)
        self.stats = IterationStats()

    def step(self, place: int) -> None:
        tokens, reason = ANSWER[place]
        output = EngineCoreOutput("1", list(tokens), finish_reason=reason)
        self.processor.process_outputs([output], 10.0 + place, self.stats)

    def read(self) -> Any:
        return self.queue.get_nowait()


@pytest.fixture(params=["vLLM's own", "patched"])
def reader(request: pytest.FixtureRequest) -> Reader:
    processor = OutputProcessor(None, log_stats=True)
    if request.param == "patched":
        patch_step_outputs(SimpleNamespace(output_processor=processor))
    return Reader(processor)


def parts(output: Any) -> tuple[list[int], str | None, bool]:
    return list(output.outputs[0].token_ids), output.outputs[0].finish_reason, output.finished


def test_a_reader_that_keeps_up(reader: Reader) -> None:
    outputs = []
    for place in range(len(ANSWER)):
        reader.step(place)
        outputs.append(parts(reader.read()))
    assert outputs == [([5], None, False), ([6, 7, 8], None, False), ([9], None, False), ([10, 2], "stop", True)]
    assert reader.processor.request_states == {}


def test_a_reader_that_is_slow(reader: Reader) -> None:
    for place in range(3):
        reader.step(place)
    assert parts(reader.read()) == ([5, 6, 7, 8, 9], None, False)
    reader.step(3)
    assert parts(reader.read()) == ([10, 2], "stop", True)


def test_the_end_is_added_to_what_waits(reader: Reader) -> None:
    reader.step(0)
    reader.read()
    for place in range(1, len(ANSWER)):
        reader.step(place)
    assert parts(reader.read()) == ([6, 7, 8, 9, 10, 2], "stop", True)


def test_all_of_it_counts(reader: Reader) -> None:
    for place in range(len(ANSWER)):
        reader.step(place)
    (finished,) = reader.stats.finished_requests
    assert reader.stats.num_generation_tokens == finished.num_generation_tokens == 7
    assert reader.stats.inter_token_latencies_iter == [1.0, 1.0, 1.0]


def test_only_ordinary_outputs_go_straight_to_their_queue() -> None:
    reader = Reader(OutputProcessor(None, log_stats=True))
    patch_step_outputs(SimpleNamespace(output_processor=reader.processor))
    kinds = []
    for place in range(len(ANSWER)):
        reader.step(place)
        kinds.append(type(reader.read()) is TokensOutput)
    assert kinds == [False, True, True, False]


def test_merged_outputs_stay_vllms_own() -> None:
    processor = OutputProcessor(None, log_stats=True, stream_interval=4)
    patch_step_outputs(SimpleNamespace(output_processor=processor))
    assert not isinstance(processor.process_outputs, StepOutputs)
