"""What an app counts of its own work, in Prometheus' terms: for `/metrics`, and some of it for `/health`."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Seconds. Answers of small models on GPUs begin within milliseconds, those of busy servers after minutes.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


class Metrics:
    """A registry of its own, so that apps in one process do not mix. None of it holds what clients wrote.

    `broken_guarantees` counts finished answers that broke their own grammar, none of which was passed on: each is a
    bug. An `outcome` is the finish_reason, an error's code or else type, or "aborted": the client went away.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()

        def counter(name: str, told: str, *labels: str) -> Counter:
            return Counter(f"latticework_{name}", told, labels, registry=registry)

        def histogram(name: str, told: str, *labels: str) -> Histogram:
            return Histogram(f"latticework_{name}_seconds", told, labels, buckets=SECONDS, registry=registry)

        self.requests = counter("requests", "Chat completions that have ended, by how.", "model", "outcome")
        self.in_progress = Gauge(
            "latticework_requests_in_progress", "Chat completions that are being worked on.", registry=registry
        )
        self.first_token = histogram("time_to_first_token", "From the request's head to its first token.", "model")
        self.duration = histogram("request_duration", "From the request's head to its end, whichever.", "model")
        self.prompt_tokens = counter("prompt_tokens", "Tokens of prompts whose answers were begun.", "model")
        self.completion_tokens = counter("completion_tokens", "Tokens of answers, all attempts included.", "model")
        self.forced_tokens = counter(
            "forced_tokens", "Tokens that the grammar forced, and that took no forward pass of their own.", "model"
        )
        self.copied_tokens = counter(
            "copied_tokens", "Tokens that were guessed rightly, and took no forward pass of their own.", "model"
        )
        self.compile_time = histogram("compile", "What a compile took, the wait for a process included.")
        self.compile_hits = counter("compile_cache_hits", "Turns that had been compiled before.")
        self.compile_misses = counter("compile_cache_misses", "Turns that were compiled.")
        self.checked_keywords = counter(
            "checked_keywords", "Keywords of schemas that no grammar enforces, so that the answer was checked."
        )
        self.violations = counter("violations", "Answers that broke such a keyword, and were not passed on.")
        self.regenerations = counter("regenerations", "Attempts beyond the first that were made for that reason.")
        self.malformed = counter("malformed_events", "Places where an answer left its wire format.")
        self.broken_guarantees = counter(
            "broken_guarantees", "Finished answers that broke their own grammar, and were not passed on."
        )

        self.restarts = counter("engine_restarts", "Engines that had died and run again.")

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return bytes(generate_latest(self._registry))

    @property
    def warnings(self) -> dict[str, int]:
        """What should be nothing, or nearly."""
        told = (
            ("broken_guarantees", self.broken_guarantees),
            ("malformed", self.malformed),
            ("regenerations", self.regenerations),
            ("engine_restarts", self.restarts),
        )
        return {name: int(next(iter(counter.collect())).samples[0].value) for name, counter in told}
