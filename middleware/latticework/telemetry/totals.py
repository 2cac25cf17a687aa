"""The metrics of several processes as one text in Prometheus' format."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import inf, isfinite

# Kinds of families whose values stay when their process has ended: what was counted has happened.
COUNTED = ("counter", "histogram", "summary")
# Families that are not summed: the least value is that of the oldest process.
_LEAST = ("process_start_time_seconds", "process_max_fds", "python_info")
_CREATED = "_created"


@dataclass
class Family:
    """A metric.

    Attributes:
        comments: its lines of HELP and TYPE, by these words.
        samples: the value of each series, which is given as written: name and labels.
    """

    comments: dict[str, str] = field(default_factory=dict)
    samples: dict[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.comments.get("TYPE", "").rpartition(" ")[2]


def families_of(text: bytes) -> dict[str, Family]:
    """The families of a text, by name."""
    families: dict[str, Family] = {}
    family = Family()
    for line in filter(None, text.decode().split("\n")):
        if line.startswith("# "):
            _, word, name, *_ = line.split(" ", 3)
            family = families.setdefault(name, Family())
            family.comments.setdefault(word, line)
        else:
            series, _, value = line.rpartition(" ")
            family.samples[series] = float(value)
    return families


def total_metrics(texts: Iterable[bytes]) -> bytes:
    """Of processes with the same families: each series with the sum of its values."""
    totals: dict[str, Family] = {}
    for text in texts:
        for name, family in families_of(text).items():
            _add(totals.setdefault(name, Family(family.comments)), family, summed=not _is_least(name))
    return _exposition(totals)


def counted_metrics(text: bytes) -> bytes:
    """What remains of a process that has ended."""
    return _exposition(
        {
            name: family
            for name, family in families_of(text).items()
            if family.kind in COUNTED or name.endswith(_CREATED)
        }
    )


def _is_least(name: str) -> bool:
    return name in _LEAST or name.endswith(_CREATED)


def _add(total: Family, family: Family, *, summed: bool) -> None:
    for series, value in family.samples.items():
        known = total.samples.get(series)
        total.samples[series] = value if known is None else known + value if summed else min(known, value)


def _value_text(value: float) -> str:
    return repr(value) if isfinite(value) else {inf: "+Inf", -inf: "-Inf"}.get(value, "NaN")


def _exposition(families: dict[str, Family]) -> bytes:
    lines = (
        line
        for family in families.values()
        for line in (
            *family.comments.values(),
            *(f"{series} {_value_text(value)}" for series, value in family.samples.items()),
        )
    )
    return "".join(f"{line}\n" for line in lines).encode()
