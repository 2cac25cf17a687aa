"""The Prometheus metrics of an app, for `/metrics`, and some of them for `/health`.

record.py has the record of each request, its line in the log and its metrics; tracing.py has its span.
"""

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

from latticework.telemetry.totals import families_of

# Seconds. Small models on GPUs answer within milliseconds, busy servers after minutes.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 640)


class Metrics:
    """A registry per app, so that apps in one process don't mix; the metrics of the process itself are in each.

    No metric holds what clients wrote. An `outcome` is the finish_reason, "refusal", an error's code or else its type,
    or "aborted" where the client disconnected.
    """

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        # Counters whose series start at 0 with the model: an alert can't be set on a series that does not exist.
        self._initialized: list[Counter] = []
        self._warnings: dict[str, Counter] = {}
        for collector in (PROCESS_COLLECTOR, PLATFORM_COLLECTOR, GC_COLLECTOR):
            self._registry.register(collector)

        self._define_request_metrics()
        self._define_compile_metrics()
        self._define_answer_metrics()

    def _define_request_metrics(self) -> None:
        self.requests = self._counter("requests", "Finished requests by outcome.", "model", "outcome")
        self.in_progress = self._gauge("requests_in_progress", "Requests in progress.")
        self.first_token = self._histogram(
            "time_to_first_token", "Time from the request's headers to its first token.", "model"
        )
        self.duration = self._histogram(
            "request_duration", "Time from the request's headers to its end, with any outcome.", "model"
        )
        self.prompt_tokens = self._counter(
            "prompt_tokens", "Prompt tokens of requests that began to generate.", "model"
        )
        self.completion_tokens = self._counter("completion_tokens", "Generated tokens, all attempts included.", "model")
        self.forced_tokens = self._counter(
            "forced_tokens", "Tokens that the grammar forced, without a forward pass of their own.", "model"
        )
        self.copied_tokens = self._counter(
            "copied_tokens", "Draft tokens that the model confirmed, without a forward pass of their own.", "model"
        )

    def _define_compile_metrics(self) -> None:
        self.compile_time = self._histogram("compile", "Time to compile a request, the wait for a process included.")
        self.compile_hits = self._counter("compile_cache_hits", "Requests whose grammar was in the compile cache.")
        self.compile_misses = self._counter("compile_cache_misses", "Requests whose grammar had to be compiled.")

    def _define_answer_metrics(self) -> None:
        self.checked_keywords = self._counter(
            "checked_keywords",
            "Schema keywords that no grammar enforces, checked on the finished answer.",
            "model",
            initialized=True,
        )
        self.violations = self._counter(
            "violations", "Answers rejected because they violate a checked keyword.", "model", initialized=True
        )
        self.regenerations = self._counter(
            "regenerations", "Attempts after the first, each because of a violation.", "model", warning="regenerations"
        )
        self.malformed = self._counter(
            "malformed_events", "Deviations of answers from their wire format.", "model", warning="malformed"
        )
        self.broken_guarantees = self._counter(
            "broken_guarantees",
            "Finished answers rejected because they break their own grammar. Each is a bug of this server.",
            "model",
            warning="broken_guarantees",
        )
        self.confidence_passes = self._counter(
            "confidence_passes", "Forward passes of one token each, for the confidence of answers.", "model"
        )
        self.unstored = self._counter(
            "unstored_responses", "Responses that could not be stored.", "model", warning="unstored_responses"
        )
        self.restarts = self._counter(
            "engine_restarts", "Successful restarts of dead engines.", "model", warning="engine_restarts"
        )
        self.front_end_restarts = self._counter("front_end_restarts", "Front-end processes that were replaced.")
        self.up = self._gauge("model_up", "1 if the model can be served, otherwise 0.", "model")

    def _counter(
        self, name: str, description: str, *labels: str, initialized: bool = False, warning: str | None = None
    ) -> Counter:
        """`warning`: its name in `/health`, where it is listed among the counters that should stay near 0."""
        counter = Counter(f"latticework_{name}", description, labels, registry=self._registry)
        if warning is not None:
            self._warnings[warning] = counter
        if initialized or warning is not None:
            self._initialized.append(counter)
        return counter

    def _gauge(self, name: str, description: str, *labels: str) -> Gauge:
        return Gauge(f"latticework_{name}", description, labels, registry=self._registry)

    def _histogram(self, name: str, description: str, *labels: str) -> Histogram:
        return Histogram(f"latticework_{name}_seconds", description, labels, buckets=BUCKETS, registry=self._registry)

    def initialize(self, model: str) -> None:
        """Starts the model's series at 0, where alerts need them."""
        for counter in self._initialized:
            counter.labels(model)

    def text(self) -> bytes:
        """In Prometheus' text format."""
        return bytes(generate_latest(self._registry))

    @property
    def warnings(self) -> dict[str, int]:
        """Counters that should stay near 0, over all models."""
        return {name: _total(counter) for name, counter in self._warnings.items()}

    def warnings_in(self, text: bytes) -> dict[str, int]:
        """The same of other processes, by their metrics."""
        families = families_of(text)
        return {
            name: round(sum(families[f"{_family(counter)}_total"].samples.values()))
            for name, counter in self._warnings.items()
        }


def _total(counter: Counter) -> int:
    samples = (sample for family in counter.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


def _family(counter: Counter) -> str:
    return next(iter(counter.describe())).name


def merge_metrics(texts: Iterable[bytes]) -> bytes:
    """Several texts in Prometheus' text format as one: each family once, with all its series, each series once."""
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
