"""What a single request uses of vLLM's private parts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import pytest
from vllm.sampling_params import SamplingParams, StructuredOutputsParams

from latticework.engines.vllm.compat import CHECKED_PARAMS, UNCOPIED_PARAMS, generate_outputs
from latticework.engines.vllm.compat.requests import FutureEvent, checked_params, queue_outputs, uncopied


def test_checked_parameters_are_whole_after_they_were_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        SamplingParams,
        "verify",
        lambda self, *args: verified.append((args, self.structured_outputs, self.logit_bias, self.min_p)),
    )
    constraint = StructuredOutputsParams(grammar="start: nowhere")
    params = checked_params(structured_outputs=constraint, logit_bias={1: 2.0}, min_p=0.5)
    assert params.structured_outputs._backend == "guidance"
    params.verify("a model", None)
    assert verified == [(("a model", None), None, None, 0.0)]
    assert (params.structured_outputs, params.logit_bias, params.min_p) == (constraint, {1: 2.0}, 0.5)


def test_parameters_are_the_same_without_the_patches() -> None:
    plain = CHECKED_PARAMS.fallback(temperature=0.5, **UNCOPIED_PARAMS.fallback())
    assert (type(plain), plain.temperature, plain.skip_clone) == (SamplingParams, 0.5, False)
    assert checked_params(**uncopied()).skip_clone


class Llm:
    """An engine with one request, whose outputs are numbers."""

    def __init__(self) -> None:
        self.added: list[Any] = []
        self.aborted: list[Any] = []

    async def add_request(self, request_id: str, prompt: Any, params: Any, *, priority: int, lora_request: Any) -> Any:
        self.added.append((request_id, prompt, params, priority))
        return SimpleNamespace(request_id=f"{request_id}-1")

    async def abort(self, request_id: str, internal: bool = False) -> None:
        self.aborted.append((request_id, internal))

    async def generate(
        self, prompt: Any, params: Any, request_id: str, *, priority: int, lora_request: Any
    ) -> AsyncGenerator[int, None]:
        if prompt == "refused":
            raise ValueError("no")
        self.added.append((request_id, prompt, params, priority))
        try:
            for number in range(3):
                yield number
        finally:
            self.aborted.append(request_id)


def test_a_request_is_queued_and_aborted() -> None:
    llm, params = Llm(), SamplingParams()

    async def run() -> None:
        _, abort = await queue_outputs(llm, "r", "prompt", params, 7)
        await abort()

    asyncio.run(run())
    assert llm.added == [("r", "prompt", params, 7)]
    assert llm.aborted == [("r-1", True)]


def test_without_the_queue_the_public_generator_gives_the_same() -> None:
    llm, params = Llm(), SamplingParams()

    async def run() -> list[int]:
        queue, abort = await generate_outputs(llm, "r", "prompt", params, 7)
        outputs = [queue.get_nowait(), queue.get_nowait(), await queue.get()]
        await abort()
        return outputs

    assert asyncio.run(run()) == [0, None, 1]
    assert llm.added == [("r", "prompt", params, 7)]
    assert llm.aborted == ["r"]


def test_a_request_that_vllm_refuses_has_no_queue() -> None:
    with pytest.raises(ValueError, match="no"):
        asyncio.run(generate_outputs(Llm(), "r", "refused", SamplingParams()))


def test_an_event_wakes_who_waits_and_whoever_comes_later() -> None:
    async def waits() -> list[bool]:
        event = FutureEvent()
        waiting = event.wait()
        before = waiting.done()
        event.set()
        event.set()
        later = event.wait()
        event.clear()
        return [before, await waiting, await later, event.wait().done()]

    assert asyncio.run(waits()) == [False, True, True, False]
