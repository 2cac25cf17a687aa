"""Environments of their own for examples that need packages which this one has not."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# Made once for each state of the requirements, and not part of the checkout.
HOME = Path(__file__).parents[2] / ".venv-clients"
PATIENCE = 600  # seconds, for pip


def python_with(name: str, requirements: Path) -> Path:
    """The interpreter of an environment that has them. The test skips, and says why, where it can't be made."""
    place = HOME / name
    python, mark = place / "bin" / "python", place / ".installed"
    wanted = hashlib.sha256(requirements.read_bytes() + sys.version.encode()).hexdigest()
    if not mark.exists() or mark.read_text() != wanted:
        shutil.rmtree(place, ignore_errors=True)
        _run(sys.executable, "-m", "venv", place)
        _run(python, "-m", "pip", "install", "--quiet", "--requirement", requirements)
        mark.write_text(wanted)  # last, so that what was interrupted is done again
    return python


def _run(*command: str | Path) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{' '.join(map(str, command))} took more than {PATIENCE} s")
    if done.returncode:
        pytest.skip(f"{' '.join(map(str, command))}: {done.stderr.strip()[-500:]}")
