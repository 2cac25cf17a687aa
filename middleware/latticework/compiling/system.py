"""What compiling asks of the operating system: a way to a process, a bound on what it takes, and how it ended.

Linux bounds the memory of a process by itself. macOS and Windows do not: there, whoever waits for a compile looks how
much it has taken.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socket

# Answering has precedence over compiling.
NICE = 5

if sys.platform == "win32":
    from socket import fromshare

    import psutil

    # As a process's exit status: abort() in C, and as a failed Rust allocation does it.
    REFUSED_MEMORY = frozenset({3, 0xC0000409})
    # An access violation, a stack that overflows, an illegal instruction.
    BROKE = frozenset({0xC0000005, 0xC00000FD, 0xC000001D})

    def started(command: Sequence[str], its: socket, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process that has this socket. Raises OSError."""
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=environ, creationflags=subprocess.BELOW_NORMAL_PRIORITY_CLASS
        )
        assert process.stdin
        with process.stdin as way:
            way.write(its.share(process.pid))
        return process

    def received() -> Connection:
        """The socket that this process was started with."""
        return Connection(fromshare(sys.stdin.buffer.read()).detach())

    def step_back() -> None:
        """It was started so."""

    def peak() -> int:
        """The most memory that this process has had, in bytes."""
        return int(psutil.Process().memory_info().peak_wset)

else:
    import resource
    import signal

    REFUSED_MEMORY = frozenset({-signal.SIGABRT})
    BROKE = frozenset({-signal.SIGBUS, -signal.SIGILL, -signal.SIGSEGV})

    # What a system counts memory in: macOS bytes, others kilobytes.
    _UNIT = 1 if sys.platform == "darwin" else 1024

    def started(command: Sequence[str], its: socket, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process that has this socket. Raises OSError."""
        return subprocess.Popen(
            (*command, str(its.fileno())), stdin=subprocess.DEVNULL, pass_fds=[its.fileno()], env=environ
        )

    def received() -> Connection:
        """The socket that this process was started with."""
        return Connection(int(sys.argv[-1]))

    def step_back() -> None:
        """Lets processes that answer go first."""
        os.nice(NICE)

    def peak() -> int:
        """The most memory that this process has had, in bytes."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _UNIT


# How much memory a process has, in bytes, by its number; None where the system itself keeps it from taking too much.
Look = Callable[[int], int] | None

if sys.platform == "linux":
    _STATM = Path("/proc/self/statm")

    look: Look = None

    def cap(more: int | None) -> None:
        """Bounds the address space that this process takes beyond what it has; None: no more."""
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (hard if more is None else taken + more, hard))

else:
    import psutil

    def look(pid: int) -> int:
        with suppress(psutil.Error):  # it has ended, which whoever waits for it finds out
            return int(psutil.Process(pid).memory_info().rss)
        return 0

    def cap(more: int | None) -> None:
        """Nothing here does."""
