"""The real server, as a user starts it: `latticework serve`, a real engine, a real model, a process of its own.

LATTICEWORK_TEST_ENGINE=portable runs the suite over the portable engine instead of vLLM.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
from openai import OpenAI

MODEL = "HuggingFaceTB/SmolLM2-135M-Instruct"
KEY = "a-key-of-the-tests"
ENGINE = os.environ.get("LATTICEWORK_TEST_ENGINE", "vllm")
# Seconds that a client waits. The portable engine does not batch: the last of sixteen waits for the fifteen before it.
PATIENCE = {"portable": 1800}.get(ENGINE, 300)


@dataclass(frozen=True)
class RunningServer:
    """Where the server is, and its process."""

    url: str
    process: subprocess.Popen[str]

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE)


def until_served(output: IO[str]) -> str:
    """The server's address, once it says that it serves."""
    told = []
    for line in output:
        told.append(line)
        if found := re.search(r"(?:is|are) served at (\S+)/v1", line):
            return found[1]
    raise RuntimeError("the server did not start:\n" + "".join(told))


@contextmanager
def serving(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[RunningServer]:
    """A server, once it serves. At the end it is told to stop, and must do so with exit status 0."""
    environ = {**os.environ, **environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        url = until_served(process.stdout)
        keeping = threading.Thread(target=_keep, args=(process.stdout, log))
        keeping.start()
        yield RunningServer(url, process)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    keeping.join()
    process.stdout.close()
    assert status == 0, log.read_text()[-3000:]


@contextmanager
def serving_embedded(log: Path) -> Iterator[RunningServer]:
    """A server with the embedded model, and KEY for its only key."""
    command = [str(Path(sys.executable).with_name("latticework")), "serve", "--port", "0", "--engine", ENGINE]
    with serving(command, {"LATTICEWORK_API_KEYS": KEY}, log) as server:
        yield server


def _keep(output: IO[str], log: Path) -> None:
    """A pipe that nobody reads would stop the server."""
    with log.open("w") as file:
        for line in output:
            file.write(line)
            file.flush()
