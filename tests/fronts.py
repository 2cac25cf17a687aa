"""A server with several front ends over scripted engines, in a process of its own.

    python -m tests.fronts [OPTION...]

takes the options of `latticework serve`. Its models: "counted" says what it is asked for, a word a piece; "mortal" dies
of the word "die", and is alive again when it is restarted.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

import httpx
import psutil

from latticework.commands.launch import launch_of_words
from latticework.engines.base import EngineDead, Piece, Sampling
from latticework.fronts import serving
from latticework.served import Served
from latticework.serving import server
from tests.real import RunningServer
from tests.real import serving as running
from tests.scripted import Script, ScriptedEngine

COUNTED, MORTAL = "counted", "mortal"
# Seconds between two words.
PACE = 0.005


async def count(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """As many words as the request allows."""
    for number in range(sampling.max_tokens - 1):
        yield Piece(f"{number} ", (0,))
        await asyncio.sleep(PACE)
    yield Piece("", (0,), finish="length")


@dataclass
class CountedEngine(ScriptedEngine):
    """Two answers at once; it has a metric."""

    script: Script = count
    model_ids: tuple[str, ...] = (COUNTED,)
    max_running: int = 2
    details: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({"engine": "a script"}))

    def metrics(self) -> bytes:
        return f"# HELP script_open Answers.\n# TYPE script_open gauge\nscript_open {self.open}\n".encode()


@dataclass
class MortalEngine(ScriptedEngine):
    script: Script = field(init=False)
    model_ids: tuple[str, ...] = (MORTAL,)

    def __post_init__(self) -> None:
        self.script = self._live

    async def start(self) -> None:
        await super().start()
        self.dead = False

    async def _live(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        self.dead = self.dead or b"die" in bytes(prompt)
        while sampling.max_tokens > 1:
            if self.dead:
                raise EngineDead("The engine has died.")
            yield Piece("alive ", (0,))
            await asyncio.sleep(PACE)
        yield Piece("alive", (0,), finish="stop")


@dataclass(frozen=True)
class FrontsServer:
    """The server, from outside."""

    running: RunningServer

    @property
    def owner(self) -> psutil.Process:
        return psutil.Process(self.running.process.pid)

    def fronts(self) -> list[psutil.Process]:
        """Its front ends, in the order of their starts."""
        found = [child for child in self.owner.children() if "latticework.fronts.process" in child.cmdline()]
        return sorted(found, key=lambda child: child.create_time())

    def client(self) -> httpx.Client:
        """A connection of its own."""
        return httpx.Client(base_url=self.running.url, timeout=60, trust_env=False)


@contextmanager
def fronts_server(log: Path, *options: str) -> Iterator[FrontsServer]:
    """Two front ends, unless `options` say otherwise. At the end it is told to stop, and must do so."""
    command = [sys.executable, "-m", "tests.fronts", "--port", "0", "--api-servers", "2", *options]
    with running(command, {}, log) as started:
        yield FrontsServer(started)


def main() -> None:
    settings = launch_of_words(sys.argv[1:], "tests.fronts").settings
    with server.bind(settings.host, settings.port) as listener:
        url = server.base_url(listener)
        models = [Served(CountedEngine()), Served(MortalEngine())]
        serving.serve_with_fronts(
            models, listener, settings, lambda: print(f"{COUNTED} is served at {url}/v1", flush=True)
        )


if __name__ == "__main__":
    main()
