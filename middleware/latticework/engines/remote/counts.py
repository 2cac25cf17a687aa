"""What an engine of remotes counts, in Prometheus' terms.

A remote goes by its place among the --engine options: where it is, is not for all to know who may read this.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from latticework.engines.remote.remote import Remote


class Counts:
    """A registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        self._up = Gauge("latticework_remote_up", "Whether a remote is used.", ["remote"], registry=registry)
        self._running = Gauge(
            "latticework_remote_answers", "Answers that a remote is at for this server.", ["remote"], registry=registry
        )
        self.begun = Counter(
            "latticework_remote_begun", "Answers that a remote has begun.", ["remote"], registry=registry
        )
        self.failed = Counter(
            "latticework_remote_failures",
            "Answers that a remote failed to begin or to end.",
            ["remote"],
            registry=registry,
        )
        self.retries = Counter(
            "latticework_remote_retries", "Answers that were begun elsewhere after a failure.", registry=registry
        )

    def text(self, remotes: Sequence[Remote]) -> bytes:
        """In Prometheus' text format."""
        for remote in remotes:
            self._up.labels(remote.number).set(remote.found is not None)
            self._running.labels(remote.number).set(remote.running)
        return bytes(generate_latest(self._registry))
