"""What a run has measured, in a file that outlives it: a line is appended for each measurement.

A run that is killed, even in the middle of a line, loses what it was measuring, and nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

FILE = "measurements.jsonl"

# A measurement's name: part, server, and what it is of, with "/" between them.
Key = str


class OtherRun(Exception):
    """The folder has another run's measurements. The message names what differs, and the fix."""


class State:
    """Attributes:

    measured: by key, JSON values.
    stopped: why a part at a server ended before all was measured, by "part/server".
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        """Reads what is there. `settings`: what makes measurements comparable. Raises OtherRun and OSError."""
        self._file = folder / FILE
        self.measured: dict[Key, Any] = {}
        self.stopped: dict[str, str] = {}
        folder.mkdir(parents=True, exist_ok=True)
        lines = self._whole_lines()
        if lines:
            self._refuse_others(json.loads(lines[0])["settings"], settings)
            for line in lines[1:]:
                self._read(json.loads(line))
        else:
            self._append({"settings": settings})

    def _whole_lines(self) -> list[bytes]:
        """What was being written when a run was killed is cut off."""
        if not self._file.exists():
            return []
        content = self._file.read_bytes()
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            os.truncate(self._file, len(whole))
        return whole.splitlines()

    def _refuse_others(self, theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
        own = json.loads(json.dumps(ours))
        for name in sorted({*theirs, *own}):
            if theirs.get(name) != own.get(name):
                raise OtherRun(
                    f"{self._file} has measurements of another run: {name} was {theirs.get(name)!r} and is now "
                    f"{own.get(name)!r}. Choose another folder with --into, or begin anew with --fresh"
                )

    def _read(self, record: Mapping[str, Any]) -> None:
        if "key" in record:
            self.measured[record["key"]] = record["value"]
        elif "begun" in record:
            self.stopped.pop(record["begun"], None)
        else:
            self.stopped[record["stopped"]] = record["why"]

    def add(self, key: Key, value: Any) -> None:
        self._write({"key": key, "value": value})

    def begin(self, part: str) -> None:
        """Why this part was stopped before does not count any more."""
        if part in self.stopped:
            self._write({"begun": part})

    def stop(self, part: str, why: str) -> None:
        self._write({"stopped": part, "why": why})

    def missing(self, keys: Iterable[Key]) -> list[Key]:
        return [key for key in keys if key not in self.measured]

    def _write(self, record: Mapping[str, Any]) -> None:
        self._append(record)
        self._read(json.loads(json.dumps(record)))

    def _append(self, record: Mapping[str, Any]) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
            file.flush()
            os.fsync(file.fileno())
