"""What each vLLM engine of a process counts.

vLLM counts in prometheus_client's global registry, from which every engine that is made throws the counts of those
before it. Here each keeps its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from prometheus_client import REGISTRY, CollectorRegistry

Made = TypeVar("Made")

# One engine is made at a time, in all apps of a process and also where it is made again: else nobody could tell whose a
# count is, and engines that measure how much memory a device has left would mislead each other.
_MAKING = threading.Lock()


def counting(make: Callable[[], Made]) -> tuple[Made, CollectorRegistry]:
    """What is made, and the counts that came with it."""
    with _MAKING:
        before = set(REGISTRY._collector_to_names)
        made = make()
        own = CollectorRegistry()
        for collector in REGISTRY._collector_to_names:
            if collector not in before:
                own.register(collector)
    return made, own
