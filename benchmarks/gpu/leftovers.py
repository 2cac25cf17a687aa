"""The processes of a server, remembered in a file: those that a killed run has left hold the device's memory."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import psutil

FILE = "servers.json"
END_SECONDS = 20


def remember(folder: Path, pid: int) -> None:
    """A process and its children. Each has its time of creation with it, for ids are used again."""
    process = psutil.Process(pid)
    processes = [[each.pid, each.create_time()] for each in (process, *process.children(recursive=True))]
    (folder / FILE).write_text(json.dumps(processes))


def end(folder: Path) -> None:
    """Kills those that still run."""
    file = folder / FILE
    if not file.exists():
        return
    left = []
    for pid, created in json.loads(file.read_text() or "[]"):
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if process.create_time() == created:
                process.kill()
                left.append(process)
    psutil.wait_procs(left, END_SECONDS)
    forget(folder)


def forget(folder: Path) -> None:
    (folder / FILE).unlink(missing_ok=True)
