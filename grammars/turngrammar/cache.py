"""A thread-safe LRU cache, bounded by weight, that makes each value once for all threads that wait for it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Cache(Generic[K, V]):
    """Evicts the least recently used values. Safe to use from many threads.

    Attributes:
        weight: of all cached values, in the unit of `weigh`.
        hits: lookups that found a value.
        misses: calls of `get` that had to wait for one.
    """

    def __init__(self, max_weight: int, weigh: Callable[[K, V], int]) -> None:
        """`max_weight` bounds the weight of all values together. A heavier value is returned and not cached."""
        self._max_weight = max_weight
        self._weigh = weigh
        self._lock = threading.Lock()
        self._values: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._making: dict[K, Future[V]] = {}
        self.weight = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._values)

    def get(self, key: K, make: Callable[[], V]) -> V:
        """The value of `key`, from `make` where none is cached. An error of `make` is raised in all waiting threads."""
        with self._lock:
            if key in self._values:
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
        """The cached value of `key`, or None."""
        with self._lock:
            return self._used(key) if key in self._values else None

    def put(self, key: K, value: V) -> None:
        """Caches a value that was made elsewhere."""
        weight = self._weigh(key, value)
        with self._lock:
            self._store(key, value, weight)

    def reweigh(self, key: K, value: V) -> None:
        """Notes what a value weighs by now, if it is still cached."""
        weight = self._weigh(key, value)
        with self._lock:
            if self._is_cached(key, value):
                self._store(key, value, weight)

    def drop(self, key: K, value: V) -> None:
        """Forgets a value, if it is still cached."""
        with self._lock:
            if self._is_cached(key, value):
                self.weight -= self._values.pop(key)[1]

    def clear(self) -> None:
        """Drops all values."""
        with self._lock:
            self._values.clear()
            self.weight = 0

    def _is_cached(self, key: K, value: V) -> bool:
        return key in self._values and self._values[key][0] is value

    def _used(self, key: K) -> V:
        self._values.move_to_end(key)
        self.hits += 1
        return self._values[key][0]

    def _forget(self, key: K) -> None:
        with self._lock:
            del self._making[key]

    def _keep(self, key: K, value: V) -> None:
        weight = self._weigh(key, value)
        with self._lock:
            del self._making[key]
            self._store(key, value, weight)

    def _store(self, key: K, value: V, weight: int) -> None:
        if key in self._values:
            self.weight -= self._values.pop(key)[1]
        if weight <= self._max_weight:
            self._values[key] = value, weight
            self.weight += weight
        while self.weight > self._max_weight:
            self.weight -= self._values.popitem(last=False)[1][1]
