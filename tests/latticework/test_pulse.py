"""Engines that hang: what counts as a sign of life, and what happens without one. No time passes here."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from functools import partial

import httpx
import pytest

from latticework import Settings, create_app, lifespan, models
from latticework.engines.base import EngineDead, Heartbeat, Piece, Sampling
from latticework.pulse import INTERVAL, PATIENCE, SHARE, Pulse
from latticework.supervisor import HEALTH_CHECK_INTERVAL, Backoff, Supervisor
from latticework.telemetry import Metrics
from tests.http import USER
from tests.scripted import ScriptedEngine, says

TICK = HEALTH_CHECK_INTERVAL


class Asked(ScriptedEngine):
    """Answers each question as `answer` does; `questions` counts them."""

    def __init__(
        self, answer: Callable[[], Awaitable[object]], allowance: float = 0.0, starved: Callable[[], float] = float
    ) -> None:
        super().__init__(says("hello"))
        self.answer = answer
        self.allowance = allowance
        self.starved = starved
        self.questions = 0
        self.stopped = 0

    def heartbeat(self) -> Heartbeat | None:
        self.questions += 1
        return Heartbeat(self.answer(), self.allowance, self.starved)

    async def stop(self) -> None:
        self.stopped += 1


async def at_once() -> None: ...


async def failing() -> None:
    raise RuntimeError("not this method")


async def never() -> None:
    await asyncio.Event().wait()


async def until_hung(pulse: Pulse, ticks: int, tick: float = TICK) -> float | None:
    """The seconds after which it counts as hung."""
    for number in range(1, ticks + 1):
        if pulse.tick(tick) is not None:
            return number * tick
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    return None


# The answer, the allowance, the timeout, and when the engine counts as hung.
ROWS: list[tuple[Callable[[], Awaitable[object]], float, float, float | None]] = [
    (never, 0, 30, 30),
    (never, 0, 3, 3),
    (never, 0, 0, None),
    (never, 12.5, 30, 42.5),
    (at_once, 0, 30, None),
    (at_once, 0, 1, None),
    (failing, 0, 30, None),
]


@pytest.mark.parametrize(("answer", "allowance", "timeout", "hung"), ROWS)
def test_when_an_engine_counts_as_hung(
    answer: Callable[[], Awaitable[object]], allowance: float, timeout: float, hung: float | None
) -> None:
    async def run() -> float | None:
        pulse = Pulse(Asked(answer, allowance), timeout)
        found = await until_hung(pulse, 1000)
        pulse.close()
        return found

    assert asyncio.run(run()) == hung


# Of each tick, the seconds in which a process waited for a processor, and when the engine counts as hung.
# The first 5 seconds pass before it is queried.
STARVED = [(0.0, 30.0), (TICK / 2, 5 + 2 * 25), (TICK, 30 * PATIENCE), (10 * TICK, 30 * PATIENCE)]


@pytest.mark.parametrize(("starved", "hung"), STARVED)
def test_a_machine_that_is_too_busy_is_no_hang(starved: float, hung: float) -> None:
    async def run() -> float | None:
        pulse = Pulse(Asked(never, starved=lambda: starved), 30)
        found = await until_hung(pulse, 1000)
        pulse.close()
        return found

    assert asyncio.run(run()) == hung


def test_waiting_for_a_processor_before_a_question_excuses_nothing_after_it() -> None:
    async def run() -> float | None:
        past = [1000 * TICK]
        pulse = Pulse(Asked(never, starved=lambda: past.pop() if past else 0.0), 30)
        found = await until_hung(pulse, 1000)
        pulse.close()
        return found

    assert asyncio.run(run()) == 30


def test_the_time_without_an_answer_begins_with_the_last_one() -> None:
    async def run() -> None:
        engine = Asked(at_once)
        pulse = Pulse(engine, 30)
        assert await until_hung(pulse, 400) is None
        while pulse._silent:
            await until_hung(pulse, 1)
        engine.answer = never
        assert await until_hung(pulse, 1000) == 30
        pulse.close()

    asyncio.run(run())


@pytest.mark.parametrize(("timeout", "interval"), [(30, INTERVAL), (3, 3 * SHARE), (3600, INTERVAL)])
def test_one_question_at_a_time_and_not_too_often(timeout: float, interval: float) -> None:
    async def run() -> tuple[int, int]:
        answers, hangs = Asked(at_once), Asked(never)
        for engine in (answers, hangs):
            pulse = Pulse(engine, timeout)
            await until_hung(pulse, 100)
            pulse.close()
        return answers.questions, hangs.questions

    questions = 100 * TICK / (max(interval, TICK) + TICK)
    asked, unanswered = asyncio.run(run())
    assert questions - 1 <= asked <= questions + 1
    assert unanswered == 1


def test_an_engine_that_cannot_be_asked_never_counts_as_hung() -> None:
    async def run() -> None:
        assert await until_hung(Pulse(ScriptedEngine(says("a")), 30), 1000) is None

    asyncio.run(run())


def test_what_was_asked_is_taken_back_when_the_engine_is_stopped() -> None:
    async def run() -> None:
        supervisor = Supervisor(Asked(never), Backoff(), Metrics(), hang_timeout=30, sleep=lambda _: asyncio.sleep(0))
        await supervisor.start()
        for _ in range(2 * round(INTERVAL / TICK)):
            await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 3
        await supervisor.stop()
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


class Hanging(Asked):
    """Hangs in the middle of its first answer, until it is stopped, as a process that is killed ends its answers."""

    def __init__(self) -> None:
        super().__init__(never)
        self.script = self.hang
        self.ended = asyncio.Event()
        self.again = asyncio.Event()
        self.back = asyncio.Event()

    async def start(self) -> None:
        if self.ended.is_set():
            self.answer, self.script = at_once, says("hello")
            await self.again.wait()
            asyncio.get_running_loop().call_soon(self.back.set)

    async def stop(self) -> None:
        await super().stop()
        self.ended.set()

    async def hang(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("hel", (0,))
        await self.ended.wait()
        raise EngineDead("The engine has died.")


def test_a_hang_is_a_death(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red, with the reason; what runs ends with an error, what comes is refused; then all is as before."""
    monkeypatch.setattr("latticework.supervisor.HEALTH_CHECK_INTERVAL", 0.001)
    monkeypatch.setattr(models, "Backoff", partial(Backoff, first=0))

    async def run() -> None:
        engine = Hanging()
        app = create_app(engine, settings=Settings(engine_hang_timeout=0.05))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        ask = {"model": "scripted", "messages": [USER]}
        async with lifespan(app)(None), client:
            stream = await client.post("/v1/chat/completions", json={**ask, "stream": True})
            last = [line for line in stream.text.split("\n\n") if line][-1]
            assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_unavailable"
            assert engine.stopped == 1
            for refused in (await client.get("/health"), await client.post("/v1/chat/completions", json=ask)):
                assert refused.status_code == 503
                said = refused.json()["error"]["message"]
                assert said.startswith("The engine hangs: it has answered nothing for 0 s (engine_hang_timeout: 0.05).")
                assert said.endswith("It is being restarted (attempt 1 of 5).")
            engine.again.set()
            async with asyncio.timeout(30):
                await engine.back.wait()
            assert (await client.get("/health")).json()["counters"]["engine_restarts"] == 1
            assert (await client.post("/v1/chat/completions", json=ask)).status_code == 200

    asyncio.run(run())
