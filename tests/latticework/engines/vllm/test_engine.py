"""vLLM's engine as this server starts and stops it, without starting one. tests/e2e runs the whole."""

from __future__ import annotations

import asyncio
import json
import threading
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from prometheus_client import CollectorRegistry
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.exceptions import EngineDeadError
from vllm.v1.engine.output_processor import OutputProcessor, RequestOutputCollector
from vllm.v1.sample.logits_processor import LogitsProcessor, build_logitsprocs

from latticework.engines.base import EngineDead, Sampling
from latticework.engines.drafts import GUESSES
from latticework.engines.reading import SLOWEST
from latticework.engines.vllm import engine
from latticework.engines.vllm.compat.drafting import DRAFT_SCHEDULER, GRAMMAR_SCHEDULER
from tests.latticework.engines.vllm.test_parallel import SMALL


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
        llm: Any = SimpleNamespace(shutdown=lambda timeout: shut_down.set())
        return llm, CollectorRegistry()

    async def run() -> None:
        making = asyncio.ensure_future(engine._made_in_thread(make, lambda llm: llm.shutdown(timeout=0)))
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
        served._running = SimpleNamespace(
            output_processor=processor, shutdown=lambda timeout: stopped.append(timeout), dead_error=EngineDeadError()
        )
        await served.stop()
        with pytest.raises(EngineDeadError):
            await asyncio.wait_for(waiting.get(), 5)

    asyncio.run(ended())
    assert stopped == [0]


def test_without_drafts_vllm_must_mask_each_logit() -> None:
    engine.refuse_unmasked(range(300), 300)
    with pytest.raises(EngineDead, match="masks the 299 tokens, but this model has 300 logits"):
        engine.refuse_unmasked(range(299), 300)


def test_one_engine_is_made_at_a_time_in_a_thread_that_stays() -> None:
    """Linux kills the processes that a thread has started when the thread ends."""
    making = threading.Lock()

    def make() -> Any:
        with making:
            return threading.current_thread(), CollectorRegistry()

    async def run() -> set[Any]:
        made = await asyncio.gather(*(engine._made_in_thread(make, print) for _ in range(9)))
        return {thread for thread, _ in made}

    (thread,) = asyncio.run(run())
    assert thread.is_alive()


class Llm:
    """An engine whose workers report what they lack."""

    def __init__(self, args: AsyncEngineArgs, report: Mapping[str, Any]) -> None:
        self.args = args
        self.dead_error = EngineDeadError()
        self.logger_manager = None
        self.output_processor = OutputProcessor(None, log_stats=False)
        resources = SimpleNamespace(output_queue_task=None, output_socket=None)
        self.engine_core = SimpleNamespace(resources=resources)
        scheduling = SimpleNamespace(max_num_batched_tokens=2048, async_scheduling=False, policy="fcfs")
        self.vllm_config = SimpleNamespace(scheduler_config=scheduling, kv_transfer_config=None)
        self.model_config = SimpleNamespace(max_logprobs=20, get_diff_sampling_param=dict)
        self.report = report
        self.stopped = False

    async def collective_rpc(self, method: str) -> list[Mapping[str, Any]]:
        if method == "check_health":
            return []
        if method == "describe_runner":
            return [{"model_runner": "V1", "cuda_graphs": "NONE"}]
        assert method == "prepare_drafts"
        return [{"missing": [], "sound": True}, self.report]

    def shutdown(self, timeout: float | None = None) -> None:
        self.stopped = True


COMPLETE = {"missing": [], "sound": True}


def accept(args: AsyncEngineArgs) -> None:
    """Any arguments make an engine."""


def prepared(
    report: Mapping[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    check: Callable[[AsyncEngineArgs], object] = accept,
    **own: Any,
) -> tuple[engine.VllmEngine, list[Llm]]:
    """An engine that is not started, and those of vLLM that its starts make where `check` lets them."""
    made: list[Llm] = []

    def made_engine(args: AsyncEngineArgs, drafts: bool) -> Llm:
        check(args)
        made.append(Llm(args, report))
        return made[-1]

    monkeypatch.setattr(engine, "made_engine", made_engine)
    monkeypatch.setattr(engine.VllmEngine, "tokenizer", SimpleNamespace(token_bytes=[]))
    return engine.VllmEngine(AsyncEngineArgs(**{"model": "a", **own})), made


def started(report: Mapping[str, Any], monkeypatch: pytest.MonkeyPatch) -> tuple[engine.VllmEngine, list[Llm]]:
    served, made = prepared(report, monkeypatch)
    asyncio.run(served.start())
    return served, made


def test_workers_that_lack_what_drafts_need_have_the_model_loaded_without_them(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served, made = started({"missing": ["rejection_sampler"]}, monkeypatch)
    assert [llm.args.scheduler_cls for llm in made] == [DRAFT_SCHEDULER, GRAMMAR_SCHEDULER]
    assert [llm.stopped for llm in made] == [True, False]
    (notice,) = served.degraded
    assert notice.startswith("drafts: ")
    assert "a model runner with no rejection_sampler" in notice
    assert notice in caplog.text


def test_a_sampler_that_is_wrong_behind_drafts_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    served, made = started({"missing": [], "sound": False}, monkeypatch)
    assert len(made) == 1
    assert [notice.partition(":")[0] for notice in served.degraded] == ["guesses"]
    assert not served._may_guess(Sampling(9), {"temperature": 1.0})
    assert served._may_guess(Sampling(9), {"temperature": 0})


def test_a_complete_start_has_nothing_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = started({"missing": [], "sound": True}, monkeypatch)
    assert served.degraded == ()
    assert served._may_guess(Sampling(9), {"temperature": 1.0})


NOT_SUPPORTED = "custom_class is not supported by Qwen4Exp"


def refuse_drafts(args: AsyncEngineArgs) -> None:
    """As some models do."""
    if args.speculative_config is not None:
        raise NotImplementedError(NOT_SUPPORTED)


def real_config(args: AsyncEngineArgs) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        args.create_engine_config(UsageContext.OPENAI_API_SERVER)


def starts_undrafted(served: engine.VllmEngine, made: list[Llm], why: str) -> None:
    asyncio.run(served.start())
    (llm,) = made
    assert (llm.args.scheduler_cls, llm.args.speculative_config) == (GRAMMAR_SCHEDULER, None)
    (notice,) = served.degraded
    assert notice.startswith("drafts: they are off: ")
    assert notice.endswith(f" {why}.")
    assert served._opens  # grammars are this server's own all the same


def test_a_model_that_does_not_start_with_drafts_starts_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    served, made = prepared(COMPLETE, monkeypatch, refuse_drafts)
    starts_undrafted(served, made, f"does not start with them: {NOT_SUPPORTED}")
    assert caplog.text.count(NOT_SUPPORTED) == 2  # when it starts again, and once it has


def test_adapters_that_leave_no_room_for_drafts_start_without(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps({**SMALL, "max_position_embeddings": 2048}))
    asked = {"model": str(tmp_path), "dtype": "float32", "enable_lora": True}
    served, made = prepared(COMPLETE, monkeypatch, real_config, **asked)
    starts_undrafted(served, made, "Consider increasing max_num_batched_tokens or decreasing num_speculative_tokens")
    # And with room for them they draft.
    served, made = prepared(COMPLETE, monkeypatch, real_config, **asked, max_num_seqs=64)
    asyncio.run(served.start())
    assert served.degraded == ()
    assert [llm.args.scheduler_cls for llm in made] == [DRAFT_SCHEDULER]


class KeepsLogits(LogitsProcessor):  # type: ignore[misc]
    """A logits processor of the server's own."""

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
        """vLLM makes it."""

    def apply(self, logits: Any) -> Any:
        return logits

    def is_argmax_invariant(self) -> bool:
        return True

    def update_state(self, batch_update: Any) -> None:
        """It has none."""


def test_logits_processors_of_the_servers_own_start_without_drafts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(SMALL))
    tried = []

    def make_processors(args: AsyncEngineArgs) -> None:
        tried.append(args)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = args.create_engine_config(UsageContext.OPENAI_API_SERVER)
        assert build_logitsprocs(config, torch.device("cpu"), False, False, config.model_config.logits_processors)

    named = f"{__name__}:{KeepsLogits.__name__}"
    served, made = prepared(
        COMPLETE, monkeypatch, make_processors, model=str(tmp_path), dtype="float32", logits_processors=[named]
    )
    starts_undrafted(served, made, "takes no --logits-processors beside drafts")
    assert len(tried) == 1  # known before anything is started


def test_a_start_that_fails_for_another_reason_fails_and_the_next_has_drafts(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [MemoryError("no room"), MemoryError("no room")]

    def fail_twice(args: AsyncEngineArgs) -> None:
        if failures:
            raise failures.pop()

    served, made = prepared(COMPLETE, monkeypatch, fail_twice)
    with pytest.raises(EngineDead, match="no room"):
        asyncio.run(served.start())
    assert not failures
    assert (made, served.degraded) == ([], ())
    asyncio.run(served.start())
    assert [llm.args.scheduler_cls for llm in made] == [DRAFT_SCHEDULER]


def test_an_engine_that_has_drafted_does_not_lose_its_drafts_to_a_failed_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    failures: list[Exception] = []

    def fail(args: AsyncEngineArgs) -> None:
        if failures:
            raise failures.pop()

    served, made = prepared(COMPLETE, monkeypatch, fail)
    asyncio.run(served.start())
    asyncio.run(served.stop())
    failures.append(MemoryError("the last engine's memory is not free yet"))
    with pytest.raises(EngineDead, match="not free yet"):
        asyncio.run(served.start())
    asyncio.run(served.start())
    assert [llm.args.scheduler_cls for llm in made] == [DRAFT_SCHEDULER] * 2


def test_its_heartbeat_asks_all_workers_and_allows_for_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = started({"missing": [], "sound": True}, monkeypatch)

    async def run() -> None:
        with served._answering(100):
            asked = served.heartbeat()
        again = served.heartbeat()
        await asked.answer
        still = served.heartbeat()  # the first was asked before the prompt was left
        await again.answer
        last = served.heartbeat()
        await still.answer
        await last.answer
        assert [beat.allowance for beat in (asked, again, still, last)] == [*[100 / SLOWEST] * 3, 0]

    asyncio.run(run())


WHY = "The model's weights\n  are of another size"
FAILURES = [
    (ValueError(WHY), [], "The model's weights are of another size"),
    (OSError(28, "No space left on device"), [], "OSError: [Errno 28] No space left on device"),
    (RuntimeError("See root cause above."), ["MemoryError: 3 GiB", "other"], "MemoryError: 3 GiB"),
]


@pytest.mark.parametrize(("error", "told", "why"), FAILURES)
def test_a_failed_start_is_told_in_one_line(
    error: Exception, told: list[str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(args: AsyncEngineArgs, drafts: bool) -> None:
        raise error

    monkeypatch.setattr(engine, "made_engine", fail)
    monkeypatch.setattr(engine, "reasons", lambda: told)
    with pytest.raises(EngineDead) as failed:
        asyncio.run(engine.VllmEngine(AsyncEngineArgs(model="a")).start())
    assert str(failed.value) == f"vLLM failed to start: {why} {engine.DETAIL}"


CONNECTION = {"do_remote_prefill": True, "remote_block_ids": [1, 2]}


def test_what_a_connector_needs_goes_to_an_engine_that_has_one(monkeypatch: pytest.MonkeyPatch) -> None:
    served, (llm,) = started(COMPLETE, monkeypatch)
    sampling = Sampling(9, transfer=CONNECTION)
    assert asyncio.run(served.refusal(sampling)) == ("transfer", engine.ALONE)
    assert asyncio.run(served.refusal(Sampling(9))) is None
    llm.vllm_config.kv_transfer_config = object()
    assert asyncio.run(served.refusal(sampling)) is None
    args = served._params(sampling, {}, ()).extra_args
    assert args == {"kv_transfer_params": CONNECTION, GUESSES: True}
    assert served._params(Sampling(9), {}, ()).extra_args == {GUESSES: True}
    undrafted = engine.VllmEngine(AsyncEngineArgs(model="a"), drafts="off")
    assert undrafted._params(sampling, {}, ()).extra_args == {"kv_transfer_params": CONNECTION}
    assert undrafted._params(Sampling(9), {}, ()).extra_args is None


def test_an_answer_whose_prompt_another_engine_computes_has_the_prompt_of_the_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The other engine may generate one token, or have no drafts, and then puts nothing of the answer there."""
    served, _ = started(COMPLETE, monkeypatch)
    monkeypatch.setattr(served.tokenizer, "tried", lambda grammar: SimpleNamespace(opening=(5, 6)), raising=False)
    assert served._opening(Sampling(9, grammar="start: /a/"), {}) == (5, 6)
    assert served._opening(Sampling(9, grammar="start: /a/", transfer=CONNECTION), {}) == ()


OWN: dict[str, Any] = {"speculative_config": {"method": "ngram", "num_speculative_tokens": 4}}


@pytest.mark.parametrize("own", [OWN, {"spec_method": "ngram", "spec_tokens": 4}], ids=str)
def test_what_vllm_leaves_out_beside_a_drafter_of_its_own_is_refused(
    own: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    served, _ = prepared(COMPLETE, monkeypatch, **own)
    asyncio.run(served.start())
    (notice,) = served.degraded
    assert "--speculative-config" in notice
    fields: list[dict[str, Any]] = [{"logit_bias": {1: 2.0}}, {"min_p": 0.5}, {"min_p": 0.0, "temperature": 1.5}]
    assert [asyncio.run(served.refusal(Sampling(9, **one))) for one in fields] == [
        ("logit_bias", engine.UNSPECULATED),
        ("min_p", engine.UNSPECULATED),
        None,
    ]


def test_a_minimal_probability_of_the_model_is_refused_there_too(monkeypatch: pytest.MonkeyPatch) -> None:
    served, made = prepared(COMPLETE, monkeypatch, **OWN)
    asyncio.run(served.start())
    made[0].model_config.get_diff_sampling_param = lambda: {"min_p": 0.1}
    assert asyncio.run(served.refusal(Sampling(9))) == ("min_p", engine.UNSPECULATED)
    assert asyncio.run(served.refusal(Sampling(9, min_p=0.0))) is None


def test_beside_this_servers_drafts_nothing_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    served, _ = started(COMPLETE, monkeypatch)
    assert asyncio.run(served.refusal(Sampling(9, min_p=0.5, logit_bias={1: 2.0}))) is None
