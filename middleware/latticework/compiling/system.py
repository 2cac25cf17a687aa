"""The operating system's part of compiling: starting a process with a socket, limiting its memory, its exit status.

Linux limits the memory of a process by itself. macOS and Windows don't: there, the server polls the memory of a
process while it compiles.
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

# Generating has precedence over compiling.
NICE = 5

if sys.platform == "win32":
    from socket import fromshare

    import psutil

    # Exit statuses: abort() in C, and a failed allocation in Rust.
    ABORTED = frozenset({3, 0xC0000409})
    # Access violation, stack overflow, illegal instruction.
    CRASHED = frozenset({0xC0000005, 0xC00000FD, 0xC000001D})

    def start_process(command: Sequence[str], theirs: socket, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process that inherits the socket. Raises OSError."""
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, env=environ, creationflags=subprocess.BELOW_NORMAL_PRIORITY_CLASS
        )
        assert process.stdin
        with process.stdin as stdin:
            stdin.write(theirs.share(process.pid))
        return process

    def inherited_connection() -> Connection:
        """The socket that this process was started with."""
        return Connection(fromshare(sys.stdin.buffer.read()).detach())

    def lower_priority() -> None:
        """Nothing: `start_process` has set it."""

    def peak_memory() -> int:
        """The most bytes that this process has had."""
        return int(psutil.Process().memory_info().peak_wset)

else:
    import resource
    import signal

    ABORTED = frozenset({-signal.SIGABRT})
    CRASHED = frozenset({-signal.SIGBUS, -signal.SIGILL, -signal.SIGSEGV})

    # Bytes in a unit of ru_maxrss.
    _MAXRSS_UNIT = 1 if sys.platform == "darwin" else 1024

    def start_process(command: Sequence[str], theirs: socket, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process that inherits the socket. Raises OSError."""
        return subprocess.Popen(
            (*command, str(theirs.fileno())), stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()], env=environ
        )

    def inherited_connection() -> Connection:
        """The socket that this process was started with."""
        return Connection(int(sys.argv[-1]))

    def lower_priority() -> None:
        """Lets the processes that generate go first."""
        os.nice(NICE)

    def peak_memory() -> int:
        """The most bytes that this process has had."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _MAXRSS_UNIT


# The resident memory of a process in bytes, by its id; None where `limit_memory` works.
MemoryProbe = Callable[[int], int] | None

if sys.platform == "linux":
    _STATM = Path("/proc/self/statm")

    memory_probe: MemoryProbe = None

    def limit_memory(additional: int | None) -> None:
        """Bounds the address space that this process takes beyond what it has, in bytes; None: no bound."""
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        taken = int(_STATM.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (hard if additional is None else taken + additional, hard))

else:
    import psutil

    def memory_probe(pid: int) -> int:
        with suppress(psutil.Error):  # it has exited, which its socket reports too
            return int(psutil.Process(pid).memory_info().rss)
        return 0

    def limit_memory(additional: int | None) -> None:
        """Nothing: this system can't."""
