"""Remotes as one engine: what is passed on, what is tried elsewhere, what is ended, and who comes back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from latticework import Settings, create_app
from latticework.engines.base import (
    EngineBusy,
    EngineDead,
    EngineError,
    EngineFailed,
    Piece,
    PromptRefused,
    Sampling,
)
from latticework.engines.remote.engine import RUNNING, RemoteEngine, preferences
from latticework.engines.remote.remote import MOST_TIMEOUTS, PROBE_INTERVAL
from tests.http import USER
from tests.remote import END, START, Fake, Running, byte_tokenizer, running

FREE = Sampling(max_tokens=100)
PROMPT = [1, 2, 3]


async def never(seconds: float) -> None:
    """Nobody looks at the remotes."""
    await asyncio.Event().wait()


async def soon(seconds: float) -> None:
    """Somebody always looks at them."""
    await asyncio.sleep(0)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - nothing tells it but what it looks at
            await asyncio.sleep(0)


@dataclass
class Set:
    """An engine, and its remotes in the order of their addresses."""

    engine: RemoteEngine
    remotes: Sequence[Running]

    def by_order(self, prompt: Sequence[int] = PROMPT) -> list[Running]:
        """The remotes, the one that such prompts belong to first."""
        return [self.remotes[place] for place in preferences(prompt, [one.address for one in self.remotes])]


@asynccontextmanager
async def engine(
    *fakes: Fake, sleep: Callable[[float], Awaitable[object]] = never, **options: Any
) -> AsyncIterator[Set]:
    async with AsyncExitStack() as stack:
        remotes = [await stack.enter_async_context(running(fake)) for fake in fakes]
        made = RemoteEngine([one.address for one in remotes], lambda source: byte_tokenizer(), sleep=sleep, **options)
        await made.start()
        stack.push_async_callback(made.stop)
        yield Set(made, remotes)


async def answer(made: RemoteEngine, sampling: Sampling = FREE, prompt: Sequence[int] = PROMPT) -> list[Piece]:
    async with aclosing(made.generate(prompt, sampling, "r")) as pieces:
        return [piece async for piece in pieces]


def test_what_its_connector_says_is_passed_on() -> None:
    async def handed_over(scale_out: bool) -> None:
        async with engine(Fake(transfer={"remote_port": 7}, scale_out=scale_out)) as made:
            last = (await answer(made.engine, Sampling(1, transfer={"do_remote_decode": True})))[-1]
            assert (last.text, last.finish, last.transfer) == ("h", "length", {"remote_port": 7})
            last = (await answer(made.engine, Sampling(100, transfer={"do_remote_prefill": True})))[-1]
            assert (last.finish, last.transfer) == ("stop", None)

    for scale_out in (False, True):
        run(handed_over(scale_out))


def run(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


@pytest.mark.parametrize("scale_out", [True, False])
def test_an_answer_comes_as_it_is_written(scale_out: bool) -> None:
    async def test() -> None:
        fake = Fake(scale_out=scale_out, text=f"Grüße{START}!", event_tokens=1)
        async with engine(fake) as made:
            pieces = await answer(made.engine)
            assert "".join(piece.text for piece in pieces) == f"Grüße{START}!"
            assert [token_id for piece in pieces for token_id in piece.token_ids] == fake.tokenizer.encode(
                fake.text + END
            )
            assert [piece.finish for piece in pieces if piece.finish] == ["stop"]
            hidden = await answer(made.engine, Sampling(max_tokens=100, special_tokens=False))
            assert "".join(piece.text for piece in hidden) == "Grüße!"
            cut = await answer(made.engine, Sampling(max_tokens=3))
            assert ("".join(piece.text for piece in cut), cut[-1].finish) == ("Gr", "length")

    run(test())


@pytest.mark.parametrize("scale_out", [True, False])
def test_log_probabilities_are_those_that_are_asked_for(scale_out: bool) -> None:
    async def test() -> None:
        async with engine(Fake(scale_out=scale_out, text="ab")) as made:
            pieces = await answer(made.engine, Sampling(max_tokens=100, logprobs=2))
            told = [one for piece in pieces for one in piece.logprobs]
            assert [(one.token, one.logprob) for one in told] == [("a", -9.0), ("b", -9.0), (END, -9.0)]
            spelled = byte_tokenizer().token_bytes
            assert [[bytes(top.bytes) for top in one.top] for one in told] == [[spelled[0], spelled[1]]] * 3
            none = await answer(made.engine, Sampling(max_tokens=100, logprobs=0))
            assert [one.top for piece in none for one in piece.logprobs] == [()] * 3

    run(test())


def test_what_a_remote_gives_less_of_is_refused_by_name() -> None:
    async def test() -> None:
        async with engine(Fake(), Fake(max_logprobs=6)) as made:
            assert await made.engine.refusal(Sampling(1, logprobs=5)) is None
            refused = await made.engine.refusal(Sampling(1, logprobs=6))
            assert refused == ("top_logprobs", "This server gives at most 5 top_logprobs.")

    run(test())


def test_names_and_context_are_the_remotes_own() -> None:
    async def test() -> None:
        async with engine(Fake(max_model_len=2048), Fake()) as made:
            assert made.engine.model_ids == ("m",)
            assert made.engine.max_model_len == 2048
            assert made.engine.max_running == 2 * RUNNING

    run(test())


@pytest.mark.parametrize("scale_out", [True, False])
def test_closing_an_answer_ends_it_there(scale_out: bool) -> None:
    async def test() -> None:
        fake = Fake(scale_out=scale_out, hold=asyncio.Event())
        async with engine(fake) as made:
            fake.closed.clear()
            pieces = made.engine.generate(PROMPT, FREE, "r")
            await anext(pieces)
            assert (fake.open, made.engine.running()) == (1, 1)
            await pieces.aclose()
            assert made.engine.running() == 0
            await asyncio.wait_for(fake.closed.wait(), 30)
            assert fake.open == 0

    run(test())


def test_a_request_that_is_cancelled_before_its_first_token_ends_there() -> None:
    async def test() -> None:
        fake = Fake(hold=asyncio.Event(), text="", event_tokens=1)
        async with engine(fake) as made:
            fake.text = "x"
            fake.closed.clear()
            waiting = asyncio.create_task(answer(made.engine))
            await until(lambda: fake.open == 1)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            await asyncio.wait_for(fake.closed.wait(), 30)
            assert made.engine.running() == 0

    run(test())


def test_a_connection_serves_one_answer_after_the_other() -> None:
    async def test() -> None:
        fake = Fake()
        async with engine(fake) as made:
            await answer(made.engine)
            before = fake.connections
            for _ in range(5):
                await answer(made.engine)
            assert fake.connections == before

    run(test())


def fault(**faults: Any) -> dict[str, Any]:
    return faults


ELSEWHERE = [
    fault(refuses=503),
    fault(refuses=429),
    fault(refuses=500),
    fault(fails=503),
    fault(fails=500),
    fault(cuts=0),
]


@pytest.mark.parametrize("wrong", ELSEWHERE, ids=str)
def test_another_remote_answers_where_the_first_fails_before_its_first_token(wrong: dict[str, Any]) -> None:
    async def test() -> None:
        async with engine(Fake(), Fake(), Fake()) as made:
            first, second, third = made.by_order()
            vars(first.fake).update(wrong)
            assert "".join(piece.text for piece in await answer(made.engine)) == "hello there"
            assert [len(one.fake.bodies) for one in (first, second, third)] == [1, 1, 0]
            assert b"latticework_remote_retries_total 1.0" in made.engine.metrics()

    run(test())


def test_it_is_tried_once_more_and_no_oftener() -> None:
    async def test() -> None:
        async with engine(Fake(refuses=503), Fake(refuses=503), Fake(refuses=503)) as made:
            with pytest.raises(EngineBusy):
                await answer(made.engine)
            assert sum(len(one.fake.bodies) for one in made.remotes) == 2

    run(test())


def test_a_remote_that_refuses_connections_is_left_at_once() -> None:
    async def test() -> None:
        async with engine(Fake(), Fake()) as made:
            first, second = made.by_order()
            await first.down()
            for _ in range(3):
                await answer(made.engine)
            assert len(second.fake.bodies) == 3
            assert b"latticework_remote_retries_total 1.0" in made.engine.metrics()
            await made.engine.check_health()

    run(test())


ALONE: list[tuple[dict[str, Any], type[EngineError]]] = [
    (fault(refuses=503), EngineBusy),
    (fault(refuses=429), EngineBusy),
    (fault(refuses=500), EngineFailed),
    (fault(refuses=404), EngineFailed),
    (fault(refuses=400), PromptRefused),
    (fault(fails=400), PromptRefused),
    (fault(cuts=0), EngineDead),
    (fault(cuts=1), EngineDead),
    (fault(garbles=True), EngineDead),
]


@pytest.mark.parametrize(("wrong", "raised"), ALONE, ids=str)
def test_what_one_alone_fails_at_is_told(wrong: dict[str, Any], raised: type[EngineError]) -> None:
    async def test() -> None:
        async with engine(Fake()) as made:
            vars(made.remotes[0].fake).update(wrong)
            with pytest.raises(raised) as told:
                await answer(made.engine)
            assert made.remotes[0].address not in str(told.value)
            assert made.engine.running() == 0

    run(test())


@pytest.mark.parametrize("wrong", [fault(cuts=1), fault(cuts=2)], ids=str)
def test_an_answer_that_has_begun_is_begun_nowhere_else(wrong: dict[str, Any]) -> None:
    async def test() -> None:
        async with engine(Fake(), Fake()) as made:
            first, second = made.by_order()
            vars(first.fake).update(wrong)
            texts: list[str] = []
            with pytest.raises(EngineDead):
                async for piece in made.engine.generate(PROMPT, FREE, "r"):
                    texts += [piece.text]
            assert "hello there".startswith("".join(texts)) and texts
            assert second.fake.bodies == []

    run(test())


def test_a_busy_remote_is_spared_also_by_what_others_ask_of_it() -> None:
    async def test() -> None:
        async with engine(Fake(), Fake(), sleep=soon) as made:
            first, second = made.by_order()
            await answer(made.engine)
            assert len(first.fake.bodies) == 1
            first.fake.elsewhere = 50
            loads = made.engine._remotes
            await until(lambda: max(one.load for one in loads) == 50)
            await answer(made.engine)
            assert len(second.fake.bodies) == 1

    run(test())


def test_a_remote_that_comes_back_is_used_again_once_it_has_been_probed() -> None:
    async def test() -> None:
        async with engine(Fake(), Fake(), sleep=soon) as made:
            first, second = made.by_order()
            probes = first.fake.probes
            await first.down()
            await until(lambda: up(made) == 1)
            await answer(made.engine)
            assert len(second.fake.bodies) == 1
            await first.up()
            await until(lambda: up(made) == 2)
            assert first.fake.probes > probes
            await answer(made.engine)
            assert len(first.fake.bodies) == 1

    run(test())


def up(made: Set) -> int:
    return sum(one.info is not None for one in made.engine._remotes)


def test_the_engine_is_dead_only_while_all_remotes_are(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        async with engine(Fake(), Fake(), sleep=soon) as made:
            for one in made.remotes:
                one.fake.health = 503
            await until(lambda: up(made) == 0)
            with pytest.raises(EngineDead):
                await made.engine.check_health()
            with pytest.raises(EngineDead):
                await answer(made.engine)
            made.remotes[1].fake.health = 200
            await until(lambda: up(made) == 1)
            await made.engine.check_health()
            assert "".join(piece.text for piece in await answer(made.engine)) == "hello there"

    with caplog.at_level(logging.INFO, "latticework"):
        run(test())
    assert "is not used: 503" in caplog.text
    assert "is used: /inference/v1/generate" in caplog.text


def test_one_that_comes_back_as_another_is_not_used(caplog: pytest.LogCaptureFixture) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        await asyncio.sleep(0)

    async def test() -> None:
        async with engine(Fake(), sleep=sleep) as made:
            (only,) = made.remotes
            only.fake.health = 503
            await until(lambda: up(made) == 0)
            only.fake.backend = "auto"
            await until(lambda: PROBE_INTERVAL in slept)
            with pytest.raises(EngineDead):
                await made.engine.check_health()

    run(test())
    assert "its grammar backend is 'auto'" in caplog.text


def test_a_late_answer_is_forgiven_some_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latticework.engines.remote.remote.CHECK_TIMEOUT", 0.05)

    async def test() -> None:
        async with engine(Fake()) as made:
            (remote,) = made.engine._remotes
            made.remotes[0].fake.slow = True
            for late in range(1, MOST_TIMEOUTS + 1):
                assert remote.info is not None
                await remote.check(made.engine._known)
                assert (remote.info is None) == (late == MOST_TIMEOUTS)

    run(test())


@pytest.mark.parametrize("wrong", [fault(backend="auto"), fault(key="secret"), fault(name="other")], ids=str)
def test_it_does_not_start_on_a_remote_that_would_break_answers(wrong: dict[str, Any]) -> None:
    async def test() -> None:
        with pytest.raises(EngineDead, match=r"http://127.0.0.1:\d+: "):
            async with engine(Fake(), Fake(**wrong), names=["m"]):
                pass

    run(test())


def test_it_waits_for_its_first_remote_and_goes_without_the_others() -> None:
    async def test() -> None:
        async with running(Fake()) as late, running(Fake()) as gone:
            await late.down()
            await gone.down()
            made = RemoteEngine([gone.address, late.address], lambda source: byte_tokenizer(), sleep=soon)
            starting = asyncio.create_task(made.start())
            await until(lambda: all(one.reason for one in made._remotes))
            assert not starting.done()
            await late.up()
            await starting
            assert len(await answer(made)) > 0
            await made.stop()

    run(test())


def test_a_tokenizer_that_is_not_there_is_named() -> None:
    def load(source: str) -> Any:
        raise OSError(f"no {source}")

    async def test() -> None:
        async with running(Fake()) as here:
            made = RemoteEngine([here.address], load)
            with pytest.raises(EngineDead, match="no tokenizer in '/files/of/m'; name it with --tokenizer"):
                await made.start()
            elsewhere = RemoteEngine([here.address], load, tokenizer="mine")
            with pytest.raises(EngineDead, match="no mine"):
                await elsewhere.start()

    run(test())


def test_an_app_serves_it_and_no_supervisor_starts_it_again() -> None:
    async def test() -> None:
        async with running(Fake(text='<tool_call>\n{"name": "f", "arguments": {}}\n</tool_call>')) as here:
            made = RemoteEngine([here.address], lambda source: byte_tokenizer(), sleep=soon)
            app = create_app(made, settings=Settings())
            transport = httpx.ASGITransport(app)
            async with (
                app.router.lifespan_context(app),
                httpx.AsyncClient(transport=transport, base_url="http://t") as ask,
            ):
                body = {"model": "m", "messages": [USER]}
                tools = [{"type": "function", "function": {"name": "f"}}]
                told = (
                    await ask.post("/v1/chat/completions", json={**body, "tools": tools, "tool_choice": "required"})
                ).json()
                assert told["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "f"
                assert (await ask.get("/health")).status_code == 200
                here.fake.health = 503
                await until(lambda: not any(one.info for one in made._remotes))
                assert (await ask.get("/health")).status_code == 503
                response = await ask.post("/v1/chat/completions", json=body)
                assert (response.status_code, response.headers["retry-after"]) == (503, "5")
                here.fake.health = 200
                await until(lambda: any(one.info for one in made._remotes))
                assert (await ask.post("/v1/chat/completions", json=body)).status_code == 200
                here.fake.refuses = 429
                busy = (await ask.post("/v1/chat/completions", json=body)).json()
                assert busy["error"]["code"] == "overloaded"
                assert b"latticework_remote_up" in (await ask.get("/metrics")).content

    run(test())
