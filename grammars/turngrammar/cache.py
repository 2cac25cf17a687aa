"""What was made once and may be asked for again: bounded by weight, and made once however many ask at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Least recently used values go first. Safe to use from many threads.

    `most` is the weight of all values together, in whatever unit `weigh` counts; a value heavier than that is handed
    out and not kept. `hits` counts what was there when it was asked for, `misses` what `get` had to wait for.
    """

    def __init__(self, most: int, weigh: Callable[[K, V], int]) -> None:
        self._most = most
        self._weigh = weigh
        self._lock = threading.Lock()
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._making: dict[K, Future[V]] = {}
        self.weight = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, from `make` where there is none. What `make` raises is raised to all who wait for it."""
        with self._lock:
            if key in self._kept:
                return self._used(key)
            self.misses += 1
            promised = self._making.get(key)
            if promised is None:
                mine = self._making[key] = Future()
        if promised is not None:
            return promised.result()
        try:
            value = make()
        except BaseException as error:
            self._forget(key)
            mine.set_exception(error)
            raise
        self._keep(key, value)
        mine.set_result(value)
        return value

    def find(self, key: K) -> V | None:
        """The value of `key`; None where none is kept."""
        with self._lock:
            return self._used(key) if key in self._kept else None

    def put(self, key: K, value: V) -> None:
        """Keeps a value that was made elsewhere."""
        weight = self._weigh(key, value)
        with self._lock:
            self._store(key, value, weight)

    def clear(self) -> None:
        """Keeps nothing of what there is."""
        with self._lock:
            self._kept.clear()
            self.weight = 0

    def _used(self, key: K) -> V:
        self._kept.move_to_end(key)
        self.hits += 1
        return self._kept[key][0]

    def _forget(self, key: K) -> None:
        with self._lock:
            del self._making[key]

    def _keep(self, key: K, value: V) -> None:
        weight = self._weigh(key, value)
        with self._lock:
            del self._making[key]
            self._store(key, value, weight)

    def _store(self, key: K, value: V, weight: int) -> None:
        if key in self._kept:
            self.weight -= self._kept.pop(key)[1]
        if weight <= self._most:
            self._kept[key] = value, weight
            self.weight += weight
        while self.weight > self._most:
            self.weight -= self._kept.popitem(last=False)[1][1]
