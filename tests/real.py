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


class Output:
    """What a server writes, in a thread that keeps it in a file too: a pipe that nobody reads would stop the server."""

    def __init__(self, stream: IO[str], log: Path) -> None:
        self.lines: list[str] = []
        self._stream = stream
        self._ended = False
        self._more = threading.Condition()
        self._thread = threading.Thread(target=self._keep, args=(log,))
        self._thread.start()

    def _keep(self, log: Path) -> None:
        with log.open("w") as file:
            for line in self._stream:
                file.write(line)
                file.flush()
                with self._more:
                    self.lines.append(line)
                    self._more.notify_all()
        with self._more:
            self._ended = True
            self._more.notify_all()

    def until(self, pattern: str) -> re.Match[str]:
        """The first match in any line, once there is one. Raises RuntimeError at the end of the output."""
        with self._more:
            seen = 0
            while True:
                for line in self.lines[seen:]:
                    if found := re.search(pattern, line):
                        return found
                seen = len(self.lines)
                if self._ended or not self._more.wait(PATIENCE):
                    raise RuntimeError(f"the server did not say {pattern!r}:\n" + "".join(self.lines))

    def close(self) -> None:
        self._thread.join()
        self._stream.close()


@dataclass(frozen=True)
class RunningServer:
    """Where the server is, its process, and what it writes."""

    url: str
    process: subprocess.Popen[str]
    output: Output

    def client(self) -> OpenAI:
        return OpenAI(base_url=f"{self.url}/v1", api_key=KEY, max_retries=0, timeout=PATIENCE)

    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {KEY}"}, timeout=PATIENCE)


@contextmanager
def serving(command: Sequence[str], environ: Mapping[str, str], log: Path) -> Iterator[RunningServer]:
    """A server, once it serves. At the end it is told to stop, and must do so with exit status 0."""
    environ = {**os.environ, **environ, "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    output = Output(process.stdout, log)
    try:
        yield RunningServer(output.until(r"(?:is|are) served at (\S+)/v1")[1], process, output)
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    output.close()
    assert status == 0, log.read_text()[-3000:]


@contextmanager
def serving_embedded(log: Path) -> Iterator[RunningServer]:
    """A server with the embedded model, which clients may also call claude-…, and KEY for its only key."""
    command = [
        str(Path(sys.executable).with_name("latticework")),
        "serve",
        "--port",
        "0",
        "--engine",
        ENGINE,
        "--log-format",
        "json",
        "--alias",
        f"claude-*={MODEL}",
    ]
    with serving(command, {"LATTICEWORK_API_KEYS": KEY}, log) as server:
        yield server
