"""Engines that die: how often they are started again, and what is told in the meantime. No time passes here."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from functools import partial

import httpx
import pytest

from latticework import Settings, create_app, lifespan, models, supervisor
from latticework.engines.base import EngineDead
from latticework.supervisor import LOOK, Backoff, Supervised
from latticework.telemetry.metrics import Metrics
from tests.http import USER
from tests.scripted import ScriptedEngine, says

DELAYS = [
    (Backoff(), [1, 2, 4, 8, 16]),
    (Backoff(tries=8, most=20), [1, 2, 4, 8, 16, 20, 20, 20]),
    (Backoff(tries=3, first=0.5, factor=1), [0.5, 0.5, 0.5]),
    (Backoff(tries=0), []),
]


@pytest.mark.parametrize(("backoff", "delays"), DELAYS)
def test_each_try_comes_later_and_none_after_the_last(backoff: Backoff, delays: list[float]) -> None:
    assert [backoff.delay(tried) for tried in range(len(delays) + 1)] == [*delays, None]


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
    """Sleeping takes none, but it is told how long it would have been."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds != LOOK:
            self.slept.append(seconds)
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.now


async def until(engine: Supervised, told: str) -> None:
    """Until its health is red and says so."""
    for _ in range(10_000):
        try:
            await engine.check_health()
        except EngineDead as error:
            if told in str(error):
                return
        await asyncio.sleep(0)
    raise AssertionError(told)


def supervised(engine: ScriptedEngine, time: Time, **backoff: float) -> Supervised:
    policy = Backoff(**backoff)  # type: ignore[arg-type]
    return Supervised(engine, policy, Metrics(), sleep=time.sleep, clock=time.clock)


ROWS: list[tuple[Sequence[int], list[float], list[str]]] = [
    # It dies as soon as it runs: one row, and what is down is stopped before it is started.
    ([9, 9, 9, 9], [1, 2, 4], ["start", *["stop", "start"] * 3]),
    # A start that fails is a try as well, and is cleared away.
    ([9, 0, 0, 9], [1, 2, 4], ["start", *["stop", "no start"] * 2, "stop", "start"]),
    ([9, 0, 0, 0], [1, 2, 4], ["start", *["stop", "no start"] * 3]),
    # After it ran for long, the next row begins.
    ([9, 9, 300, 9, 9, 9], [1, 2, 1, 2, 4], ["start", *["stop", "start"] * 5]),
]


@pytest.mark.parametrize(("lives", "slept", "log"), ROWS)
def test_rows_of_deaths(lives: Sequence[int], slept: list[float], log: list[str]) -> None:
    async def run() -> None:
        engine, time = Mortal(*lives), Time()
        one = supervised(engine, time, tries=3)
        await one.start()
        await until(one, "is not started again")
        assert (time.slept, engine.log) == (slept, log)
        with pytest.raises(EngineDead, match="has to be restarted"):
            one.generate([], None, "1")  # type: ignore[arg-type]
        assert one.running() == 0
        await one.stop()
        assert engine.log[-1] == "stop"

    # The looks of `until` wear the engine out as well, but only while it is up.
    asyncio.run(run())


def test_an_engine_that_recovers_by_itself_is_left_alone() -> None:
    async def run() -> None:
        engine, time = Mortal(1), Time()
        engine.recovers = True
        one = supervised(engine, time)
        await one.start()
        await one.check_health()
        with pytest.raises(EngineDead):
            await one.check_health()
        await asyncio.sleep(0)
        assert (time.now, engine.log) == (0, ["start"])
        engine.looks = 1
        await one.check_health()
        await one.stop()
        assert engine.log == ["start", "stop"]

    asyncio.run(run())


def test_all_of_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        one = supervised(Mortal(9, 0, 9), Time(), tries=2)
        with caplog.at_level(logging.WARNING, "latticework"):
            await one.start()
            await until(one, "is not started again")

    asyncio.run(run())
    assert [(record.levelname, record.getMessage().removeprefix("scripted: ")) for record in caplog.records] == [
        ("ERROR", "killed"),
        ("WARNING", "the engine is started again in 1 s, try 1 of 2"),
        ("ERROR", "the engine could not be started"),
        ("WARNING", "the engine is started again in 2 s, try 2 of 2"),
        ("WARNING", "the engine runs again"),
        ("ERROR", "killed"),
        ("CRITICAL", "the engine stays down after 2 tries. Restart this server."),
    ]


def test_a_first_start_that_fails_is_not_tried_again() -> None:
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
                if seconds != LOOK:
                    down.set()
                    await waiting.wait()
                await asyncio.sleep(0)

            one = Supervised(engine, Backoff(), Metrics(), sleep=sleep)
            await one.start()
            if lives:
                await down.wait()
            await one.stop()
            assert engine.log.count("start") == 1
            assert engine.log[-1] == "stop"
            assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(run())


def test_a_mounted_app_comes_back_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Red, told with a time to come again, and no work is done for nobody; then green."""
    monkeypatch.setattr(supervisor, "LOOK", 0)
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
