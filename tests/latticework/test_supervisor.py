"""Engines that die: how often they are restarted, and what is reported in the meantime. No time passes here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import httpx
import pytest

from latticework import Settings, create_app, lifespan, models
from latticework.engines.base import EngineDead
from latticework.model import Model
from latticework.supervisor import HEALTH_CHECK_INTERVAL, Backoff, Supervisor
from latticework.telemetry import Metrics
from tests.http import USER
from tests.scripted import ScriptedEngine, says

DELAYS = [
    (Backoff(), [1, 2, 4, 8, 16]),
    (Backoff(attempts=8, most=20), [1, 2, 4, 8, 16, 20, 20, 20]),
    (Backoff(attempts=3, first=0.5, factor=1), [0.5, 0.5, 0.5]),
    (Backoff(attempts=0), []),
]


@pytest.mark.parametrize(("backoff", "delays"), DELAYS)
def test_each_attempt_comes_later_and_none_after_the_last(backoff: Backoff, delays: list[float]) -> None:
    assert [backoff.delay(failed) for failed in range(len(delays) + 1)] == [*delays, None]


class Mortal(ScriptedEngine):
    """Lives through so many looks at it each time that it is started; a start with none fails."""

    def __init__(self, *lives: int) -> None:
        super().__init__(says("hello"))
        self.lives = list(lives)
        self.looks = 0
        self.log: list[str] = []

    async def start(self) -> None:
        self.looks = self.lives.pop(0) if self.lives else 10**9
        self.log.append("start" if self.looks else "no start")
        if not self.looks:
            raise RuntimeError("no memory left")

    async def stop(self) -> None:
        self.log.append("stop")

    async def check_health(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise EngineDead("killed")


class Time:
    """Sleeping takes none; `slept` has how long it would have been."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds != HEALTH_CHECK_INTERVAL:
            self.slept.append(seconds)
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.now


async def until_down(supervisor: Supervisor, reason: str) -> None:
    for _ in range(10_000):
        if reason in (supervisor.down or ""):
            return
        await asyncio.sleep(0)
    raise AssertionError(reason)


def supervised(engine: ScriptedEngine, time: Time, **backoff: float) -> Supervisor:
    policy = Backoff(**backoff)  # type: ignore[arg-type]
    return Supervisor(engine, policy, Metrics(), sleep=time.sleep, clock=time.clock)


ROWS: list[tuple[Sequence[int], list[float], list[str]]] = [
    # It dies as soon as it runs: one row, and what is down is stopped before it is started.
    ([9, 9, 9, 9], [1, 2, 4], ["start", *["stop", "start"] * 3]),
    # A start that fails is an attempt as well, and is cleared away.
    ([9, 0, 0, 9], [1, 2, 4], ["start", *["stop", "no start"] * 2, "stop", "start"]),
    ([9, 0, 0, 0], [1, 2, 4], ["start", *["stop", "no start"] * 3]),
    # After it ran for long, the next row begins.
    ([9, 9, 300, 9, 9, 9], [1, 2, 1, 2, 4], ["start", *["stop", "start"] * 5]),
]


@pytest.mark.parametrize(("lives", "slept", "log"), ROWS)
def test_rows_of_deaths(lives: Sequence[int], slept: list[float], log: list[str]) -> None:
    async def run() -> None:
        engine, time = Mortal(*lives), Time()
        supervisor = supervised(engine, time, attempts=3)
        await supervisor.start()
        await until_down(supervisor, "used all its restarts")
        assert (time.slept, engine.log) == (slept, log)
        model = Model(supervisor, Settings(), None)  # type: ignore[arg-type]
        with pytest.raises(EngineDead, match="Restart this server"):
            model.generate([], None, "1")  # type: ignore[arg-type]
        with pytest.raises(EngineDead, match="Restart this server"):
            await model.check_health()
        state = await model.state()
        assert (state.status, state.running) == ("down", 0)
        await supervisor.stop()
        assert engine.log[-1] == "stop"

    asyncio.run(run())


def test_an_engine_that_recovers_by_itself_is_left_alone() -> None:
    async def run() -> None:
        engine, time = Mortal(1), Time()
        engine.recovers = True
        supervisor = supervised(engine, time)
        await supervisor.start()
        model = Model(supervisor, Settings(), None)  # type: ignore[arg-type]
        await model.check_health()
        with pytest.raises(EngineDead):
            await model.check_health()
        await asyncio.sleep(0)
        assert (time.now, engine.log) == (0, ["start"])
        engine.looks = 1
        await model.check_health()
        await supervisor.stop()
        assert engine.log == ["start", "stop"]

    asyncio.run(run())


def test_all_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        supervisor = supervised(Mortal(9, 0, 9), Time(), attempts=2)
        with caplog.at_level(logging.WARNING, "latticework"):
            await supervisor.start()
            await until_down(supervisor, "used all its restarts")

    asyncio.run(run())
    assert [(record.levelname, record.getMessage().removeprefix("scripted: ")) for record in caplog.records] == [
        ("ERROR", "killed"),
        ("WARNING", "restarting the engine in 1 s (attempt 1 of 2)"),
        ("ERROR", "the engine failed to start"),
        ("WARNING", "restarting the engine in 2 s (attempt 2 of 2)"),
        ("WARNING", "the engine is running again"),
        ("ERROR", "killed"),
        ("CRITICAL", "the engine has used all its restarts (2). Restart this server."),
    ]


def test_a_first_start_that_fails_is_not_repeated() -> None:
    async def run() -> None:
        engine = Mortal(0)
        with pytest.raises(RuntimeError, match="no memory left"):
            await supervised(engine, Time()).start()
        assert engine.log == ["no start"]
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_stop_ends_the_watch_also_while_the_engine_is_down() -> None:
    async def run() -> None:
        for lives in ((), (9,)):
            engine, waiting = Mortal(*lives), asyncio.Event()
            down = asyncio.Event()

            async def sleep(seconds: float, down: asyncio.Event = down, waiting: asyncio.Event = waiting) -> None:
                if seconds != HEALTH_CHECK_INTERVAL:
                    down.set()
                    await waiting.wait()
                await asyncio.sleep(0)

            supervisor = Supervisor(engine, Backoff(), Metrics(), sleep=sleep)
            await supervisor.start()
            if lives:
                await down.wait()
            await supervisor.stop()
            assert engine.log.count("start") == 1
            assert engine.log[-1] == "stop"
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_mounted_app_comes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After, and no work is done for nobody; then 200."""
    monkeypatch.setattr("latticework.supervisor.HEALTH_CHECK_INTERVAL", 0)
    monkeypatch.setattr(models, "Backoff", partial(Backoff, first=0))
    starting, again = asyncio.Event(), asyncio.Event()

    class Slow(ScriptedEngine):
        async def start(self) -> None:
            if self.dead:
                await starting.wait()
                self.dead = False
                asyncio.get_running_loop().call_soon(again.set)

    async def run() -> None:
        engine = Slow(says("hello"))
        app = create_app(engine, settings=Settings(engine_restarts=1))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test")
        async with lifespan(app)(None), client:
            engine.dead = True
            ask = {"model": "scripted", "messages": [USER]}
            for refused in (await client.get("/health"), await client.post("/v1/chat/completions", json=ask)):
                assert refused.status_code == 503
                assert refused.json()["error"]["code"] == "engine_unavailable"
                assert int(refused.headers["retry-after"]) > 0
            assert engine.asked == []
            assert (await client.get("/v1/models")).status_code == 200
            starting.set()
            async with asyncio.timeout(30):
                await again.wait()
            health = await client.get("/health")
            assert health.json()["counters"]["engine_restarts"] == 1
            assert (await client.post("/v1/chat/completions", json=ask)).status_code == 200

    asyncio.run(run())
