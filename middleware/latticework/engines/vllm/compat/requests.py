"""What requests use of vLLM's private parts: parameters without a second check, and the queues of their outputs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from importlib import import_module
from typing import Any

from vllm.sampling_params import RequestOutputKind, SamplingParams

# What vLLM checks once more, or refuses beside drafts. It compiles the grammar for that, on the event loop: a large one
# would stall every stream.
CHECKED_BEFORE: dict[str, Any] = {"structured_outputs": None, "logit_bias": None, "min_p": 0.0}


class CheckedParams(SamplingParams):
    """A request's parameters, already checked by this server. The engine core gets plain `SamplingParams`."""

    def verify(self, *args: Any, **kwargs: Any) -> None:
        checked = {name: getattr(self, name) for name in CHECKED_BEFORE}
        self._set(CHECKED_BEFORE)
        try:
            super().verify(*args, **kwargs)
        finally:
            self._set(checked)

    def _set(self, values: dict[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


def checked_params(**fields: Any) -> SamplingParams:
    """`structured_outputs` counts as resolved to llguidance: vLLM would compile the grammar to find out."""
    params = CheckedParams(**fields)
    if params.structured_outputs is not None:
        params.structured_outputs._backend = "guidance"
    return params


def specification(opening: Sequence[int], grammar: str) -> str:
    """What the engine core gets for a grammar beside drafts: the ids of the tokens that the prompt ends with and that
    are the answer's first, and after a line break the grammar, in Lark."""
    return f"{' '.join(map(str, opening))}\n{grammar}"


def parse_specification(specification: str) -> tuple[list[int], str]:
    """The opening and the grammar."""
    opening, _, grammar = specification.partition("\n")
    return [int(token) for token in opening.split()], grammar


def uncopied() -> dict[str, Any]:
    """Has vLLM use the parameters as they are: each request has its own."""
    return {"skip_clone": True}


async def queue_outputs(
    llm: Any, request_id: str, prompt: Any, params: SamplingParams, priority: int = 0, adapter: Any = None
) -> tuple[Any, Callable[[], Awaitable[None]]]:
    """The queue of the request's outputs, with `get_nowait` and `get`, and what aborts the request."""
    queue = await llm.add_request(request_id, prompt, params, priority=priority, lora_request=adapter)

    async def abort() -> None:
        await llm.abort(queue.request_id, internal=True)

    return queue, abort


class FutureEvent:
    """`asyncio.Event` for a single waiter: a future, and no lookup of the running loop for each wait."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: asyncio.Future[bool] | None = None
        self._is_set = False

    def set(self) -> None:
        self._is_set = True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(True)

    def clear(self) -> None:
        self._is_set = False

    def wait(self) -> asyncio.Future[bool]:
        self._waiting = self._loop.create_future()
        if self._is_set:
            self._waiting.set_result(True)
        return self._waiting


def replaced_ready_event() -> str | None:
    """Only an event can be replaced by one."""
    collector = import_module("vllm.v1.engine.output_processor").RequestOutputCollector
    ready = collector(RequestOutputKind.DELTA, "a request").ready
    return None if type(ready) is asyncio.Event else f"has a RequestOutputCollector.ready of {type(ready).__name__}"


def patch_ready_event(queue: Any) -> None:
    """To be called before anything waits for the queue."""
    queue.ready = FutureEvent()


def end_answers(llm: Any) -> None:
    """Whoever waits for an output gets vLLM's error for a dead engine."""
    llm.output_processor.propagate_error(llm.dead_error)


def shut_down_now(llm: Any) -> None:
    llm.shutdown(timeout=0)
