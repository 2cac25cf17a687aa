"""What an app counts of its own work, in Prometheus' terms: for `/metrics`, and some of it for `/health`."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import (
    GC_COLLECTOR,
    PLATFORM_COLLECTOR,
    PROCESS_COLLECTOR,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

# Seconds. Answers of small models on GPUs begin within milliseconds, those of busy servers after minutes.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


class Metrics:
    """A registry of its own, so that apps in one process do not mix. None of it holds what clients wrote.

    What is told of the process itself, they all tell.

    `broken_guarantees` counts finished answers that broke their own grammar, none of which was passed on: each is a
    bug. An `outcome` is the finish_reason, an error's code or else type, or "aborted": the client went away.
    """

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        for of_the_process in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            registry.register(of_the_process)

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
            "checked_keywords", "Keywords of schemas that no grammar enforces, so that the answer was checked.", "model"
        )
        self.violations = counter("violations", "Answers that broke such a keyword, and were not passed on.", "model")
        self.regenerations = counter(
            "regenerations", "Attempts beyond the first that were made for that reason.", "model"
        )
        self.malformed = counter("malformed_events", "Places where an answer left its wire format.", "model")
        self.broken_guarantees = counter(
            "broken_guarantees", "Finished answers that broke their own grammar, and were not passed on.", "model"
        )

        self.restarts = counter("engine_restarts", "Engines that had died and run again.", "model")
        self.up = Gauge("latticework_model_up", "Whether the model can be served.", ["model"], registry=registry)

    def expect(self, model: str) -> None:
        """Tells of what has not happened yet too: an alert can't be set on a series that is not there."""
        for counter in (
            self.checked_keywords,
            self.violations,
            self.regenerations,
            self.malformed,
            self.broken_guarantees,
            self.restarts,
        ):
            counter.labels(model)

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
        return {name: _total(counter) for name, counter in told}


def _total(counter: Counter) -> int:
    """Of all models."""
    samples = (sample for family in counter.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def merged(texts: Iterable[bytes]) -> bytes:
    """Several texts in Prometheus' text format as one: each family once, with the series of all, each series once."""
    families: dict[str, dict[str, str]] = {}
    family: dict[str, str] = {}
    for line in (line for text in texts for line in text.decode().split("\n") if line):
        if line.startswith("# "):
            _, kind, name, *_ = line.split(" ", 3)
            family = families.setdefault(name, {})
            family.setdefault(kind, line)
        else:
            family.setdefault(line.rpartition(" ")[0], line)
    return "".join(f"{line}\n" for lines in families.values() for line in lines.values()).encode()
