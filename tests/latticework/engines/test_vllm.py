"""What runs in vLLM's own processes, tried without starting them. tests/e2e runs the whole."""

from __future__ import annotations

import asyncio
import logging
import threading
import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Literal

import pytest
import torch
from llguidance import LLTokenizer
from prometheus_client import CollectorRegistry
from vllm.config import speculative
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.utils import cpu_triton_utils
from vllm.v1.engine.exceptions import EngineDeadError
from vllm.v1.engine.output_processor import OutputProcessor, RequestOutputCollector
from vllm.v1.executor import Executor
from vllm.v1.sample import rejection_sampler
from vllm.v1.structured_output.backend_guidance import GuidanceBackend
from vllm.v1.structured_output.backend_types import StructuredOutputOptions

from latticework.engines.base import EngineDead
from latticework.engines.vllm import drafting, engine, grammars, worker
from latticework.engines.vllm.drafting import add_drafts
from latticework.engines.vllm.grammars import KeptGrammars, read, specification
from latticework.engines.vllm.params import VettedParams
from latticework.engines.vllm.scheduler import ask_for_no_drafts
from tests.remote import byte_tokenizer

CPU = torch.device("cpu")
VOWELS = "start: /[aeiou]{3}x/"


@pytest.fixture(scope="module", autouse=True)
def kernels() -> None:
    """As vLLM's worker loads them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        current_platform.import_kernels()
        current_platform.register_triton_kernel_overrides()


def test_the_sampler_is_sound_once_it_is_mended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", worker.expanded)
    assert worker.is_sound(CPU)


def test_a_sampler_that_is_off_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Temperatures of 1, where 0.5 is asked for."""
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", lambda x, counts, count, **_: torch.ones(count))
    assert not worker.is_sound(CPU)


@pytest.mark.parametrize("dtype", [torch.float32, torch.int32, torch.int64])
def test_each_drafted_token_has_its_requests_value(dtype: torch.dtype) -> None:
    cumulative = torch.tensor([2, 2, 5], dtype=torch.int32)
    values = torch.tensor([3, 4, 0]).to(dtype)
    assert worker.expanded(values, cumulative, 5).tolist() == [3, 3, 0, 0, 0]
    assert worker.expanded(values, cumulative, 5, 0, 1).tolist() == [3, 3, 1, 1, 1]


def test_the_worker_drafts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection_sampler, "expand_batch_to_tokens", None)
    drafter = worker.NoDrafter(None)
    assert rejection_sampler.expand_batch_to_tokens is worker.expanded
    assert drafter.propose([[1], [2, 3]], None, None, slot_mappings=None) == [[], []]


def test_a_step_without_drafts_is_sampled_as_without_them() -> None:
    def drafted(*asked: Any) -> str:
        return "drafted"

    def plain(*, logits: Any, sampling_metadata: Any) -> str:
        return "plain"

    sampled = [
        worker.sample(drafted, plain, SimpleNamespace(num_draft_tokens=counts), None, torch.zeros(2, 3), None)
        for counts in ([0, 0], [0, 2], [])
    ]
    assert sampled == ["plain", "drafted", "plain"]


def kept(monkeypatch: pytest.MonkeyPatch) -> KeptGrammars:
    monkeypatch.setattr(grammars, "_matchable", lambda tokenizer, size: LLTokenizer("byte"))
    return KeptGrammars(_Config(), None, 256)


class _Config:
    class structured_outputs_config:
        disable_any_whitespace = False
        disable_additional_properties = False


def compile_in(backend: KeptGrammars, opening: str, grammar: str) -> Any:
    return backend.compile_grammar(
        StructuredOutputOptions.GRAMMAR, specification(list(opening.encode()), grammar), stop_token_ids=None
    )


def test_a_specification_is_read_as_it_was_written() -> None:
    for opening in ([], [5], [1, 2, 300]):
        assert read(specification(opening, "start: A\nA: /x/")) == (opening, "start: A\nA: /x/")


def test_a_grammar_is_compiled_once_and_each_answer_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = kept(monkeypatch)
    first, second = compile_in(backend, "", VOWELS), compile_in(backend, "ae", VOWELS)
    assert (backend.kept.misses, backend.kept.hits) == (1, 1)
    assert first.accept_tokens("1", list(b"aei"))
    assert second.validate_tokens(list(b"ix")) == list(b"ix")
    assert first.validate_tokens(list(b"x")) == list(b"x")


def test_what_is_no_grammar_or_no_beginning_of_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = kept(monkeypatch)
    for opening, grammar in (("", "start: nowhere"), ("b", VOWELS)):
        with pytest.raises(ValueError, match=r"\S"):
            compile_in(backend, opening, grammar)
    assert compile_in(backend, "a", VOWELS).validate_tokens(list(b"e")) == list(b"e")


def test_vetted_parameters_are_whole_after_they_were_verified(monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[tuple[Any, ...]] = []
    monkeypatch.setattr(
        SamplingParams,
        "verify",
        lambda self, *args: verified.append((args, self.structured_outputs, self.logit_bias, self.min_p)),
    )
    constraint = StructuredOutputsParams(grammar="start: nowhere")
    params = VettedParams(structured_outputs=constraint, logit_bias={1: 2.0}, min_p=0.5)
    params.verify("a model", None)
    assert verified == [(("a model", None), None, None, 0.0)]
    assert (params.structured_outputs, params.logit_bias, params.min_p) == (constraint, {1: 2.0}, 0.5)


def test_an_engine_drafts_unless_its_arguments_forbid() -> None:
    args = AsyncEngineArgs(model="a")
    assert add_drafts(args)
    assert (args.scheduler_cls, args.worker_extension_cls) == (drafting.SCHEDULER, drafting.EXTENSION)
    assert args.speculative_config["num_speculative_tokens"] == drafting.MOST_TOKENS


@pytest.mark.parametrize(
    "own",
    [
        {"speculative_config": {"method": "ngram", "num_speculative_tokens": 2}},
        {"scheduler_cls": "a.Scheduler"},
        {"worker_extension_cls": "an.Extension"},
        {"pipeline_parallel_size": 2},
        {"async_scheduling": True},
    ],
)
def test_what_drafts_off_is_said(own: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    args = AsyncEngineArgs(model="a", **own)
    with caplog.at_level(logging.WARNING, "latticework"):
        assert not add_drafts(args)
    assert "Drafts are off: " in caplog.text
    assert args.scheduler_cls != drafting.SCHEDULER


def test_a_model_runner_that_takes_no_drafter_class_drafts_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("VLLM_USE_V2_MODEL_RUNNER", "1")
    with caplog.at_level(logging.WARNING, "latticework"):
        assert not add_drafts(AsyncEngineArgs(model="a"))
    assert "Drafts are off: VLLM_USE_V2_MODEL_RUNNER asks for" in caplog.text


def no_drafter_class(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speculative, "SpeculativeMethod", Literal["ngram"])


def no_such_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latticework.engines.vllm.scheduler.Scheduler", object)


def another_sampler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejection_sampler, "rejection_sample", lambda draft_token_ids, target_probs: None)


def another_cpu_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu_triton_utils, "_sample_recovered_tokens_kernel_impl", lambda inv_q, NO_DRAFT_PROBS: None)


def kernels_that_the_sampler_does_not_call(monkeypatch: pytest.MonkeyPatch) -> None:
    for platform in type(current_platform).mro():
        monkeypatch.delattr(platform, "register_triton_kernel_overrides", raising=False)


def no_such_module(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drafting, "SCHEDULER", "latticework.engines.vllm.elsewhere.DraftScheduler")


@pytest.mark.parametrize(
    "missing",
    [
        no_drafter_class,
        no_such_hook,
        another_sampler,
        another_cpu_kernel,
        kernels_that_the_sampler_does_not_call,
        no_such_module,
    ],
)
def test_a_vllm_without_the_hooks_is_served_without_drafts(
    missing: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    missing(monkeypatch)
    with caplog.at_level(logging.WARNING, "latticework"):
        assert not add_drafts(AsyncEngineArgs(model="a"))
    assert "this vLLM" in caplog.text


def test_the_worker_is_not_asked_for_drafts_it_never_has() -> None:
    executor: Any = type("Kind", (Executor,), {})
    ask_for_no_drafts(executor)
    assert executor.take_draft_token_ids(None) is None
    assert Executor.take_draft_token_ids is not executor.take_draft_token_ids


class Child:
    """One of this process's, as multiprocessing has them."""

    def __init__(self) -> None:
        self.killed = threading.Event()

    def kill(self) -> None:
        self.killed.set()


@pytest.mark.parametrize("made", [False, True], ids=["it gives up", "it is there all the same"])
def test_a_start_that_is_cancelled_leaves_no_engine_behind(made: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    host, own, begun, shut_down = Child(), Child(), threading.Event(), threading.Event()
    children = [host]
    monkeypatch.setattr(engine, "active_children", lambda: list(children))

    def make() -> Any:
        children.append(own)
        begun.set()
        assert own.killed.wait(60)
        if not made:
            raise RuntimeError("the engine core has died")
        return SimpleNamespace(shutdown=lambda timeout: shut_down.set()), CollectorRegistry()

    async def run() -> None:
        making = asyncio.ensure_future(engine._made(make))
        await asyncio.to_thread(begun.wait)
        making.cancel()
        with pytest.raises(asyncio.CancelledError):
            await making

    asyncio.run(run())
    assert shut_down.is_set() == made
    assert not host.killed.is_set()


def test_an_engine_that_is_stopped_ends_the_answers_that_wait_for_it() -> None:
    """vLLM itself forgets them where the engine is stopped while it still ends the processes beside a dead one."""
    processor = OutputProcessor(None, log_stats=False)
    stopped: list[float] = []

    async def ended() -> None:
        waiting = RequestOutputCollector(RequestOutputKind.DELTA, "a")
        states: dict[str, Any] = processor.request_states
        states["a"] = SimpleNamespace(queue=waiting)
        served: Any = engine.VllmEngine(AsyncEngineArgs(model="a"))
        served._running = SimpleNamespace(output_processor=processor, shutdown=lambda timeout: stopped.append(timeout))
        await served.stop()
        with pytest.raises(EngineDeadError):
            await asyncio.wait_for(waiting.get(), 5)

    asyncio.run(ended())
    assert stopped == [0]


def test_a_tokenizer_that_nobody_reads_is_told_by_the_engines_own_process() -> None:
    """In the engine core a text of any vocabulary will do: no request comes."""
    assert KeptGrammars(_Config(), None, 256).ll_tokenizer.vocab_size == LLTokenizer("byte").vocab_size


def test_without_drafts_vllms_own_backend_takes_fast_tokenizers_alone() -> None:
    grammars.refuse_unsupported(byte_tokenizer()._tokenizer, 300)
    with pytest.raises(EngineDead, match=r"Drafts are off.*this model has a object"):
        grammars.refuse_unsupported(object(), 300)


def test_without_drafts_vllm_must_mask_each_logit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(GuidanceBackend, "is_tokenizer_supported", staticmethod(lambda tokenizer: True))
    grammars.refuse_unsupported(range(300), 300)
    with pytest.raises(EngineDead, match="masks the 299 tokens, but this model has 300 logits"):
        grammars.refuse_unsupported(range(299), 300)
