"""Memory: what a server holds, and the peak of a piece of work."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

MIB = 2**20
STATUS, CLEAR_REFS = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Linux: the peak of resident memory starts anew.
RESET_PEAK = "5"


def memory_of(pid: int) -> dict[str, float]:
    """MiB in use and in all: of the first GPU where there is one, else of a process with its children."""
    if (listed := _listed("memory.used,memory.total")) is not None:
        used, total = listed.split(",")
        return {"used_mib": float(used), "total_mib": float(total)}
    return {"used_mib": _resident(pid) / MIB, "total_mib": psutil.virtual_memory().total / MIB}


def cuda_device() -> str | None:
    """The name of the first GPU, where this build of PyTorch can use one. PyTorch itself would keep memory of it."""
    import torch

    return _listed("name") if torch.version.cuda is not None else None


def _listed(fields: str) -> str | None:
    """Of the first GPU, as nvidia-smi has it."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, f"--query-gpu={fields}", "--format=csv,noheader,nounits"]
    listed = subprocess.run(command, capture_output=True, text=True, timeout=20)
    lines = listed.stdout.splitlines() if listed.returncode == 0 else []
    return lines[0].strip() if lines else None


def _resident(pid: int) -> int:
    try:
        process = psutil.Process(pid)
        return sum(int(each.memory_info().rss) for each in [process, *process.children(recursive=True)])
    except psutil.Error:
        return 0


def peak_mib(work: Callable[[], Any], device: str) -> float:
    """MiB that some work needs at most, beyond what is there before."""
    import torch

    if device != "cuda":
        return _resident_peak(work)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    work()
    torch.cuda.synchronize()
    return float(torch.cuda.max_memory_allocated() - before) / MIB


def _resident_peak(work: Callable[[], Any]) -> float:
    """Raises OSError where this system has no such count."""
    CLEAR_REFS.write_text(RESET_PEAK)
    before = _status_kib("VmRSS")
    work()
    return max(0.0, (_status_kib("VmHWM") - before) / 1024)


def _status_kib(name: str) -> int:
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))
