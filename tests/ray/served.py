"""What test_ray.py deploys: a model that obeys commands in its prompt, and the free one."""

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


class CommandedEngine(ScriptedEngine):
    """Obeys the command in its prompt: `pid`, `die`, `wait FILE` or `hold FILE`."""

    def __init__(self) -> None:
        super().__init__(self._obey, ("commanded",))

    async def _obey(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        command, _, file = bytes(prompt).decode().rpartition("user\n")[2].partition("<")[0].partition(" ")
        async for text in COMMANDS[command](self, Path(file)):
            yield Piece(text, (0,))
        yield Piece("", (0,), finish="stop")


async def _pid(engine: CommandedEngine, file: Path) -> AsyncGenerator[str, None]:
    yield str(os.getpid())


async def _die(engine: CommandedEngine, file: Path) -> AsyncGenerator[str, None]:
    engine.dead = True
    yield str(os.getpid())


async def _wait(engine: CommandedEngine, file: Path) -> AsyncGenerator[str, None]:
    """Yields its process id, and the rest once the file exists."""
    yield f"{os.getpid()} "
    while not await asyncio.to_thread(file.exists):  # noqa: ASYNC110 - another process creates it
        await asyncio.sleep(LOOK)
    yield "done"


async def _hold(engine: CommandedEngine, file: Path) -> AsyncGenerator[str, None]:
    """Never ends by itself. Creates the file when its client disconnects."""
    try:
        yield "on and on"
        await asyncio.Event().wait()
    finally:
        file.touch()  # noqa: ASYNC240 - a cancelled task must not wait


COMMANDS: Mapping[str, Callable[[CommandedEngine, Path], AsyncGenerator[str, None]]] = {
    "pid": _pid,
    "die": _die,
    "wait": _wait,
    "hold": _hold,
}


def models() -> list[Engine]:
    free = free_engine()
    free.model_ids = ("free",)
    return [CommandedEngine(), free]


def app(options: Mapping[str, str]) -> Application:
    settings = Settings(engine_restarts=0, drain_timeout=60)
    return deployment(models, settings, num_replicas=2, ray_actor_options={"num_cpus": 0.1})
