"""vLLM's own schedulers and grammars in one process, without a model: prepared answers take its place.

`SteppedEngine` is the loop of vLLM's engine core around a scheduler of its own or of this server's, synchronous or,
with one step in flight, asynchronous. `ReplayWorker` is the worker: it applies the rule by which drafts are accepted.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from vllm.config import VllmConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import SamplingParams
from vllm.utils.hashing import get_hash_fn_by_name
from vllm.v1.core.kv_cache_utils import get_request_block_hasher, init_none_hash, resolve_kv_cache_block_sizes
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.kv_cache_interface import FullAttentionSpec, KVCacheConfig, KVCacheGroupSpec
from vllm.v1.outputs import ModelRunnerOutput
from vllm.v1.request import Request, RequestStatus
from vllm.v1.structured_output import StructuredOutputManager

PARTS = ("schedule", "masks", "update")
# The smallest model that a configuration can be made of; it is never loaded.
SHAPE: Mapping[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"],
    "model_type": "qwen3",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
    "head_dim": 32,
    "max_position_embeddings": 8192,
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
}


def write_shape(folder: Path, vocab_size: int, end: int) -> Path:
    """Adds the config.json of a model that is never loaded to a folder that has a tokenizer."""
    (folder / "config.json").write_text(json.dumps({**SHAPE, "vocab_size": vocab_size, "eos_token_id": end}))
    return folder


def arguments(folder: Path, at_once: int, **others: Any) -> AsyncEngineArgs:
    """Of an engine that is stepped by hand: synchronous unless `others` say otherwise, with a GPU's block size."""
    fixed = {"load_format": "dummy", "dtype": "float32", "enforce_eager": True, "block_size": 16}
    sizes = {"max_num_seqs": at_once, "max_num_batched_tokens": 8192, "max_model_len": 8192}
    return AsyncEngineArgs(**{"model": str(folder), "async_scheduling": False, **fixed, **sizes, **others})


@dataclass
class Replay:
    """One request in the worker: what it answers, and how far its prompt and its answer have come.

    Attributes:
        goal: the tokens that have to be computed before the next one of the answer is known.
        written: the answer's tokens that were returned. Behind the answer comes its last token again and again, as
            from a model: an asynchronous scheduler notices one step late that an answer has ended.
        passes: the steps that returned a token of the answer.
    """

    answer: tuple[int, ...]
    prompt: int
    goal: int = 0
    written: int = 0
    passes: int = 0

    def sampled(self, drafts: Sequence[int]) -> list[int]:
        """The drafted tokens up to the first that the answer does not have, and one token more."""
        held = 0
        while held < len(drafts) and drafts[held] == self._token(self.written + held):
            held += 1
        tokens = [self._token(self.written + place) for place in range(held + 1)]
        self.passes += self.written < len(self.answer)
        self.written += len(tokens)
        return tokens

    def _token(self, place: int) -> int:
        return self.answer[min(place, len(self.answer) - 1)]


class ReplayWorker:
    """Answers steps as a worker with a model would that samples the prepared answers."""

    def __init__(self) -> None:
        self.replays: dict[str, Replay] = {}

    def add(self, request: Request, answer: Sequence[int]) -> None:
        self.replays[request.request_id] = Replay(tuple(answer), request.num_prompt_tokens)

    def run(self, scheduled: SchedulerOutput, drafts: Mapping[str, Sequence[int]] | None = None) -> ModelRunnerOutput:
        """`drafts`: those of each request, for schedulers that pass them on elsewhere than in their own output."""
        known = scheduled.scheduled_spec_decode_tokens if drafts is None else drafts
        computed = dict(self._computed(scheduled))
        counts = scheduled.num_scheduled_tokens
        sampled = [self._step(name, computed[name] + counts[name], known.get(name, ())) for name in counts]
        places = {name: at for at, name in enumerate(counts)}
        return ModelRunnerOutput(req_ids=list(counts), req_id_to_index=places, sampled_token_ids=sampled)

    def _step(self, name: str, computed: int, drafts: Sequence[int]) -> list[int]:
        replay = self.replays[name]
        return replay.sampled(drafts) if computed >= replay.goal else []

    def _computed(self, scheduled: SchedulerOutput) -> Iterator[tuple[str, int]]:
        """Of each request, the tokens that were computed before this step."""
        for new in scheduled.scheduled_new_reqs:
            self._resume(new.req_id)
            yield new.req_id, new.num_computed_tokens
        cached = scheduled.scheduled_cached_reqs
        for name, computed in zip(cached.req_ids, cached.num_computed_tokens, strict=True):
            if name in cached.resumed_req_ids:
                self._resume(name)
            yield name, computed

    def _resume(self, name: str) -> None:
        """A request that was preempted computes its prompt again, and all that it has written."""
        replay = self.replays[name]
        replay.goal = replay.prompt + replay.written


@dataclass
class Spent:
    """Seconds of the parts of steps: processor time of all threads, and time of day."""

    processor: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))
    elapsed: dict[str, float] = field(default_factory=lambda: dict.fromkeys(PARTS, 0.0))

    def add(self, other: Spent) -> None:
        for part in PARTS:
            self.processor[part] += other.processor[part]
            self.elapsed[part] += other.elapsed[part]

    @contextmanager
    def on(self, part: str) -> Iterator[None]:
        elapsed, processor = time.perf_counter(), time.process_time()
        yield
        self.processor[part] += time.process_time() - processor
        self.elapsed[part] += time.perf_counter() - elapsed


@dataclass
class Step:
    """What was scheduled, its grammar masks, and once it has run what the worker returned."""

    scheduled: SchedulerOutput
    masks: Any = None
    output: ModelRunnerOutput | None = None


class SteppedEngine:
    """vLLM's engine core without its processes.

    Attributes:
        worker: runs the steps.
        seen: called with each step once it has run, before the scheduler learns of it.
        late_drafts: called with a step whose masks had to wait for the step before it; returns the drafts that the
            worker has for it, as in vLLM's `take_draft_token_ids`.
        spent: the time of the steps so far; may be replaced between steps.
        pace: the seconds that a model would take for a step of so many tokens. Nothing waits for them, but this
            server's schedulers, which learn what a step costs, find them in the `clock` that they read.
    """

    def __init__(self, config: VllmConfig, *, in_flight: int = 0, blocks: int = 1 << 15) -> None:
        """`in_flight`: steps that are begun before the last has ended: 1 for asynchronous scheduling."""
        hashed = get_hash_fn_by_name(config.cache_config.prefix_caching_hash_algo)
        init_none_hash(hashed)
        config.cache_config.num_gpu_blocks = blocks
        caches = _caches(config, blocks)
        block_size, hash_block_size = resolve_kv_cache_block_sizes(caches, config)
        self.manager = StructuredOutputManager(config)
        self.scheduler: Any = config.scheduler_config.get_scheduler_cls()(
            vllm_config=config,
            kv_cache_config=caches,
            structured_output_manager=self.manager,
            block_size=block_size,
            hash_block_size=hash_block_size,
        )
        self.worker = ReplayWorker()
        self.seen: Callable[[Step], None] = lambda step: None
        self.late_drafts: Callable[[SchedulerOutput], Any] = lambda scheduled: None
        self.spent = Spent()
        self.pace: Callable[[int], float] = lambda tokens: 0.0
        self._paced = 0.0
        if hasattr(self.scheduler, "clock"):
            self.scheduler.clock = self._clock
        self._hasher = get_request_block_hasher(hash_block_size, hashed)
        self._in_flight = in_flight
        self._queue: deque[Step] = deque()

    def request(self, name: str, prompt: Sequence[int], answer: Sequence[int], params: SamplingParams) -> Request:
        """With its replay. `answer` ends with the token that ends it. The grammar is compiled once this returns."""
        params.update_from_generation_config({}, answer[-1])
        request = Request(name, list(prompt), params, None, arrival_time=0.0, block_hasher=self._hasher)
        if request.use_structured_output:
            self.manager.grammar_init(request)
            asked = request.structured_output_request
            if asked is not None and isinstance(asked._grammar, Future):
                asked._grammar.exception()  # waits; the scheduler reports it
        self.worker.add(request, answer)
        return request

    def add(self, request: Request) -> None:
        self.scheduler.add_request(request)

    def abort(self, names: Iterable[str]) -> None:
        self.scheduler.finish_requests(list(names), RequestStatus.FINISHED_ABORTED)

    @property
    def busy(self) -> bool:
        return bool(self._queue) or self.scheduler.has_requests()

    def run(self) -> list[Any]:
        """Steps until all requests have ended; their outputs in order."""
        outputs: list[Any] = []
        while self.busy:
            outputs += self.step()
        return outputs

    def step(self) -> list[Any]:
        """As `EngineCore.step_with_batch_queue`, and without a step in flight as `EngineCore.step`."""
        waiting = None
        if self.scheduler.has_requests():
            begun = self._begin()
            if begun.scheduled.pending_structured_output_tokens and self._queue:
                waiting = begun
            else:
                self._mask(begun)
                self._queue.append(begun)
                if len(self._queue) <= self._in_flight and begun.scheduled.total_num_scheduled_tokens:
                    return []
        outputs = self._end(self._queue.popleft()) if self._queue else []
        if waiting is not None:
            drafts = self.late_drafts(waiting.scheduled)
            if drafts is not None:
                self.scheduler.update_draft_token_ids_in_output(drafts, waiting.scheduled)
            self._mask(waiting)
            self._queue.append(waiting)
        return outputs

    def _clock(self) -> float:
        return time.perf_counter() + self._paced

    def _begin(self) -> Step:
        with self.spent.on("schedule"):
            return Step(self.scheduler.schedule())

    def _mask(self, step: Step) -> None:
        with self.spent.on("masks"):
            step.masks = self.scheduler.get_grammar_bitmask(step.scheduled)

    def _end(self, step: Step) -> list[Any]:
        step.output = self.worker.run(step.scheduled)
        self._paced += self.pace(step.scheduled.total_num_scheduled_tokens)
        self.seen(step)
        with self.spent.on("update"):
            outputs = self.scheduler.update_from_output(step.scheduled, step.output)
        return [output for each in outputs.values() for output in each.outputs]


def _caches(config: VllmConfig, blocks: int) -> KVCacheConfig:
    spec = FullAttentionSpec(
        block_size=config.cache_config.block_size, num_kv_heads=1, head_size=1, dtype=torch.float32
    )
    return KVCacheConfig(num_blocks=blocks, kv_cache_tensors=[], kv_cache_groups=[KVCacheGroupSpec(["layer"], spec)])
