"""The server's process as the system sees it, and the server's own account of its inside."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil

from benchmarks.servers import stop

STOP_SECONDS = 30


@dataclass(frozen=True)
class Served:
    """A server that was started for a soak."""

    url: str
    process: psutil.Process

    def inside(self) -> dict[str, Any]:
        """What `tests.soak.served` tells of itself."""
        told: dict[str, Any] = httpx.get(f"{self.url}/inside", timeout=60, trust_env=False).raise_for_status().json()
        return told

    def memory(self) -> int:
        """Bytes of the process itself, without its children."""
        return int(self.process.memory_info().rss)

    def computed(self) -> float:
        """CPU seconds of the process so far."""
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def served(pace: float) -> Iterator[Served]:
    """A server with a free engine, in a process of its own. At the end it has to stop by itself."""
    command = [sys.executable, "-m", "tests.soak.served", "--pace", str(pace)]
    started = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert started.stdout is not None
    try:
        line = started.stdout.readline()
        if not line:
            raise RuntimeError("the server did not start")
        yield Served(json.loads(line)["url"], psutil.Process(started.pid))
    finally:
        stop(started, STOP_SECONDS)
        started.stdout.close()
