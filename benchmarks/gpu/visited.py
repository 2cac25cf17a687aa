"""A server that was started for some steps."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from benchmarks.contestants import GIVEN, OURS, Contestant, contestant
from benchmarks.gpu.scale import Scale
from benchmarks.servers import Server
from benchmarks.targets import Target
from benchmarks.workload import Task


@dataclass(frozen=True)
class Visited:
    """`started`: seconds until it answered."""

    name: str
    server: Server
    contestant: Contestant
    scale: Scale
    started: float

    @property
    def log(self) -> str:
        return self.server.log.read_text(errors="replace")


def visited(name: str, target: Target, server: Server, scale: Scale, started: float, *, stock: bool) -> Visited:
    """`stock`: it is vLLM's own server, which gets latticework's prompts and grammars."""
    asked = contestant(target, GIVEN if stock else OURS, server)
    return Visited(name, server, replace(asked, name=name, prepare=remembered(asked.prepare)), scale, started)


def remembered(prepare: Callable[[Task], dict[str, Any]]) -> Callable[[Task], dict[str, Any]]:
    """Prepares each body once: rendering prompts and grammars for vLLM's server takes longer than some rounds."""
    bodies: dict[str, dict[str, Any]] = {}

    def prepared(task: Task) -> dict[str, Any]:
        key = json.dumps(task.body, sort_keys=True)
        if key not in bodies:
            bodies[key] = prepare(task)
        return bodies[key]

    return prepared
