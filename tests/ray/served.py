"""What test_ray.py has Serve deploy: a model that a test can tell what to do, and the free one beside it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from pathlib import Path

from ray.serve import Application

from latticework import Settings
from latticework.deployments.ray import deployment
from latticework.engines.base import Engine, Piece, Sampling
from tests.free import free_engine
from tests.scripted import ScriptedEngine

LOOK = 0.02


class Told(ScriptedEngine):
    """Does what the prompt says: `pid`, `die`, `wait FILE` or `hold FILE`."""

    def __init__(self) -> None:
        super().__init__(self._does, ("told",))

    async def _does(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        what, _, file = bytes(prompt).decode().rpartition("user\n")[2].partition("<")[0].partition(" ")
        async for text in DOES[what](self, Path(file)):
            yield Piece(text, (0,))
        yield Piece("", (0,), finish="stop")


async def _pid(engine: Told, file: Path) -> AsyncGenerator[str, None]:
    yield str(os.getpid())


async def _die(engine: Told, file: Path) -> AsyncGenerator[str, None]:
    engine.dead = True
    yield str(os.getpid())


async def _wait(engine: Told, file: Path) -> AsyncGenerator[str, None]:
    """Says who it is, and the rest once the file is there."""
    yield f"{os.getpid()} "
    while not await asyncio.to_thread(file.exists):  # noqa: ASYNC110 - another process makes it
        await asyncio.sleep(LOOK)
    yield "done"


async def _hold(engine: Told, file: Path) -> AsyncGenerator[str, None]:
    """Never ends by itself; where its client goes away, the file tells so."""
    try:
        yield "on and on"
        await asyncio.Event().wait()
    finally:
        file.touch()  # noqa: ASYNC240 - who is cancelled must not wait


DOES: Mapping[str, Callable[[Told, Path], AsyncGenerator[str, None]]] = {
    "pid": _pid,
    "die": _die,
    "wait": _wait,
    "hold": _hold,
}


def models() -> list[Engine]:
    free = free_engine()
    free.model_ids = ("free",)
    return [Told(), free]


def app(told: Mapping[str, str]) -> Application:
    settings = Settings(engine_restarts=0, drain_timeout=60)
    return deployment(models, settings, num_replicas=2, ray_actor_options={"num_cpus": 0.1})
