"""What was freed does not stay in the process."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

# A large block is freed first, after which glibc would keep blocks of its size. Every other one of the next is freed.
LEFT = """
import sys
from pathlib import Path
from latticework import memory

def resident():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

if sys.argv[1] == "return":
    memory.return_freed()
del (block := [b"x" * 2**24])[:]
before = resident()
blocks = [b"x" * 2**20 for _ in range(100)]
del blocks[::2]
if sys.argv[1] == "trim":
    memory.trim()
print((resident() - before) / 2**20)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
@pytest.mark.parametrize(("how", "most"), [("return", 60), ("trim", 60)])
def test_what_was_freed_goes_back(how: str, most: float) -> None:
    told = subprocess.run([sys.executable, "-c", LEFT, how], capture_output=True, text=True, check=True)
    assert float(told.stdout) < most


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="of glibc")
def test_otherwise_it_stays() -> None:
    told = subprocess.run([sys.executable, "-c", LEFT, "keep"], capture_output=True, text=True, check=True)
    assert float(told.stdout) > 90
