"""Drafts with asynchronous scheduling: vLLM's own scheduler, stepped in one process with a step in flight."""

from __future__ import annotations

import random
import warnings
from collections.abc import Sequence
from typing import Any

import pytest
from vllm.sampling_params import SamplingParams

from latticework.engines.drafts import SAVED, SOURCES, WANTS_SOURCES

with warnings.catch_warnings():  # vLLM's imports warn, and warnings are errors in tests
    warnings.simplefilter("ignore")
    from benchmarks.stepping import Step, SteppedEngine, arguments
    from latticework import embedded
    from latticework.engines.vllm.compat.draft_scheduler import drafting_of
    from latticework.engines.vllm.compat.drafting import DRAFT_SCHEDULER, SECOND_RUNNER
    from latticework.engines.vllm.compat.scheduler import AsyncDraftScheduler
    from tests.benchmarks.test_stepping import ANSWER, END, add, encode, passes, refuse_hidden_tokens, written

pytestmark = pytest.mark.filterwarnings("ignore")


def engine(*, in_flight: int = 1, blocks: int = 1024, at_once: int = 4, budget: int = 8192) -> SteppedEngine:
    args = arguments(
        embedded.model_path(),
        at_once,
        max_model_len=512,
        max_num_batched_tokens=budget,
        scheduler_cls=DRAFT_SCHEDULER,
        speculative_config=dict(SECOND_RUNNER.speculation),
    )
    config = args.create_engine_config()
    config.scheduler_config.async_scheduling = bool(in_flight)  # which vLLM switches off on CPUs
    return SteppedEngine(config, in_flight=in_flight, blocks=blocks)


def refuse_hidden(step: Step) -> None:
    """A step that was in flight when its answers ended has no masks, and its tokens are dropped."""
    if step.masks is not None:
        refuse_hidden_tokens(step)


def reports(outputs: Sequence[Any]) -> dict[str, dict[str, Any]]:
    """The last one of each answer."""
    return {output.request_id: output.kv_transfer_params for output in outputs if output.kv_transfer_params}


@pytest.mark.parametrize("drafts", ["forced", "auto"])
def test_answers_are_the_same_with_fewer_passes(drafts: str) -> None:
    stepped = engine()
    assert type(stepped.scheduler) is AsyncDraftScheduler
    stepped.seen = refuse_hidden
    add(stepped, "abcd", drafts)
    outputs = stepped.run()
    assert written(outputs) == dict.fromkeys("abcd", ANSWER)
    at_once = engine(in_flight=0)
    add(at_once, "abcd", drafts)
    assert written(at_once.run()) == dict.fromkeys("abcd", ANSWER)
    assert max(passes(at_once)) < max(passes(stepped)) < len(ANSWER)
    for name, report in reports(outputs).items():
        assert stepped.worker.replays[name].passes + sum(report[SAVED]) == len(ANSWER)
        assert (report[SAVED][1] > 0) == (drafts == "auto")


def free(stepped: SteppedEngine, name: str, length: int = 40, prompt: str = "Tell a story.") -> list[int]:
    """Adds a request without a grammar; returns its answer."""
    answer = [*encode("Once upon a time there was a server with two cores. " * 4)[:length], *END]
    params = SamplingParams(temperature=0, max_tokens=200)
    stepped.add(stepped.request(name, encode(f"{name}. {prompt}"), answer, params))
    return answer


def test_answers_without_a_grammar_run_as_without_drafts() -> None:
    stepped = engine()
    sizes: list[int] = []

    def see(step: Step) -> None:
        assert "f" not in step.scheduled.scheduled_spec_decode_tokens
        sizes.append(step.scheduled.num_scheduled_tokens.get("f", 1))

    stepped.seen = see
    add(stepped, "ab", "auto")
    answer = free(stepped, "f")
    assert written(stepped.run()) == {"a": ANSWER, "b": ANSWER, "f": answer}
    assert stepped.worker.replays["f"].passes == len(answer)
    assert set(sizes[1:]) == {1}


def test_guesses_that_are_wrong_are_rejected_and_those_behind_them_are_left_out() -> None:
    """The prompt has a document that begins as the answer does, and goes on otherwise."""
    stepped = engine()
    stepped.seen = refuse_hidden
    padded: list[Sequence[int]] = []
    masked = stepped.scheduler.get_grammar_bitmask

    def masks(scheduled: Any) -> Any:
        rows = masked(scheduled)
        padded.extend(tokens for tokens in scheduled.scheduled_spec_decode_tokens.values() if -1 in tokens)
        return rows

    stepped.scheduler.get_grammar_bitmask = masks
    add(
        stepped,
        "abcd",
        "auto",
        prompt='{"vendor": "Acme Cars", "currency": "EUR", "total": 12} {"vendor": "Acme Cats"}',
    )
    assert written(stepped.run()) == dict.fromkeys("abcd", ANSWER)
    assert padded  # stale drafts


def test_answers_that_are_preempted_or_aborted_in_flight() -> None:
    """Four blocks of 16 tokens hold the beginnings of two answers, and one whole answer."""
    stepped = engine(blocks=5)
    stepped.seen = refuse_hidden
    add(stepped, "abc", "forced")
    outputs = [output for _ in range(3) for output in stepped.step()]
    stepped.abort("a")
    texts = written(outputs + stepped.run())
    assert texts["b"] == texts["c"] == ANSWER
    assert any(replay.goal > replay.prompt for replay in stepped.worker.replays.values())  # one was preempted


@pytest.mark.parametrize("in_flight", [0, 1])
def test_nothing_is_drafted_while_it_would_take_the_place_of_a_prompt(in_flight: int) -> None:
    """A prompt of 160 tokens is read 63 at a time, beside the next token of an answer."""
    stepped = engine(in_flight=in_flight, budget=64)
    drafted: list[tuple[bool, int]] = []

    def see(step: Step) -> None:
        reads = step.scheduled.num_scheduled_tokens.get("f", 1) > 1
        drafted.append((reads, len(step.scheduled.scheduled_spec_decode_tokens.get("a", ()))))

    stepped.seen = see
    add(stepped, "a", "forced")
    for _ in range(4):
        stepped.step()
    answer = free(stepped, "f", prompt="Tell a story. " * 40)
    assert written(stepped.run())["f"] == answer
    reading = [count for reads, count in drafted if reads]
    assert len(reading) >= 3 and not any(reading)
    assert any(count for reads, count in drafted if not reads)


def test_a_step_without_a_draft_leaves_none_that_the_next_could_build_on() -> None:
    stepped = engine(budget=64)
    schedule = stepped.scheduler.schedule
    emptied = []

    def scheduled() -> Any:
        answers = [(request, drafting) for request in stepped.scheduler.running if (drafting := drafting_of(request))]
        before = {request.request_id for request, drafting in answers if drafting.ahead}
        step = schedule()
        for request, drafting in answers:
            if request.request_id not in step.scheduled_spec_decode_tokens:
                assert not drafting.ahead
                emptied.append(request.request_id in before)
        return step

    stepped.scheduler.schedule = scheduled
    for number, name in enumerate("abcdefgh"):
        add(stepped, name, "forced")
        for _ in range(number + 2):
            stepped.step()
        free(stepped, name.upper(), prompt="Tell a story. " * 40)
        stepped.run()
    assert any(emptied)


def test_each_token_has_its_source() -> None:
    stepped = engine()
    add(stepped, "a", "auto", extra={WANTS_SOURCES: True})
    outputs = stepped.run()
    sources, saved = reports(outputs)["a"][SOURCES], reports(outputs)["a"][SAVED]
    assert (sources.count("f"), sources.count("c")) == saved


@pytest.mark.parametrize("seed", range(6))
def test_answers_come_and_go_at_random(seed: int) -> None:
    """Whatever is added, aborted and preempted when: no answer has other tokens than its own."""
    drawn = random.Random(seed)
    stepped = engine(blocks=drawn.choice((8, 12, 64)), budget=drawn.choice((512, 600, 8192)))
    stepped.seen = refuse_hidden
    names = [chr(ord("a") + number) for number in range(12)]
    waiting, outputs, aborted = list(names), [], set()
    while waiting or stepped.busy:
        if waiting and drawn.random() < 0.3:
            add(stepped, waiting.pop(), drawn.choice(("auto", "forced")))
        if drawn.random() < 0.03:
            aborted.add(name := drawn.choice(names))
            stepped.abort([name])
        outputs += stepped.step()
    texts = written(outputs)
    for name in set(names) - aborted:
        assert texts[name] == ANSWER
    for name in aborted & texts.keys():
        assert texts[name] == ANSWER[: len(texts[name])]
