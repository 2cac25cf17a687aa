"""All that a process and its children write becomes JSON, a line each: prints, warnings, tracebacks, native code.

Standard output and standard error each go through a process that runs this file. It outlives a server that crashes, and
writes what that wrote last. It ends once nobody is left to write to it.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

STREAMS = {1: "stdout", 2: "stderr"}
# Bytes of a line; a longer one is split.
LONGEST = 1 << 16
# What each line of a logger begins with, perhaps behind the name of a process.
BEGINNING = b'{"time":'
# Seconds that the last lines may take when the process ends.
LAST_LINES = 2.0


def write_json_lines() -> None:
    """From here on, in this process and in those that it starts."""
    for stream, name in STREAMS.items():
        reading, writing = os.pipe()
        # A session of its own: no signal for the server's group reaches it.
        lines = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, name],
            stdin=reading,
            stdout=stream,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(_restore, stream, os.dup(stream), lines)
        os.dup2(writing, stream)
        os.close(reading)
        os.close(writing)


def _restore(stream: int, original: int, lines: subprocess.Popen[bytes]) -> None:
    (sys.stdout if stream == 1 else sys.stderr).flush()
    os.dup2(original, stream)
    with suppress(subprocess.TimeoutExpired):  # a child still writes
        lines.wait(LAST_LINES)


def as_json(line: bytes, logger: str) -> bytes:
    """The line, if it is a JSON object already, or ends in one that a logger wrote, or else one that has it as text."""
    for candidate in (line, line[max(0, line.find(BEGINNING)) :]):
        with suppress(ValueError):
            if candidate[:1] == b"{" and isinstance(json.loads(candidate), dict):
                return candidate
    told = {
        "time": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "level": "INFO",
        "logger": logger,
        "message": line.decode(errors="backslashreplace"),
    }
    return json.dumps(told, ensure_ascii=False).encode()


def convert(name: str, reading: int = 0, writing: int = 1) -> None:
    """Until the end of its input. A reader that is gone takes nothing more, and nobody waits for it."""
    with os.fdopen(reading, "rb") as lines, suppress(OSError):
        for line in iter(lambda: lines.readline(LONGEST), b""):
            if text := line.rstrip(b"\r\n"):
                _write(writing, as_json(text, name) + b"\n")


def _write(stream: int, data: bytes) -> None:
    while data:
        data = data[os.write(stream, data) :]


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ignored, signal.SIG_IGN)
    convert(sys.argv[1])
