from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from turngrammar.cache import Cache


def by_length(most: int) -> Cache[str, str]:
    return Cache(most, lambda key, value: len(value))


def test_what_was_made_is_kept() -> None:
    cache = by_length(10)
    assert [cache.get("a", lambda: "one"), cache.get("a", lambda: "two")] == ["one", "one"]
    assert (cache.hits, cache.misses, cache.weight, len(cache)) == (1, 1, 3, 1)


def test_the_least_recently_used_goes_first() -> None:
    cache = by_length(6)
    cache.get("a", lambda: "one")
    cache.get("b", lambda: "two")
    cache.get("a", lambda: "")
    cache.get("c", lambda: "six")
    assert cache.get("a", lambda: "new") == "one"
    assert cache.get("b", lambda: "new") == "new"
    assert cache.weight <= 6


def test_what_is_too_heavy_is_not_kept() -> None:
    cache = by_length(2)
    assert cache.get("a", lambda: "one") == "one"
    assert (len(cache), cache.weight) == (0, 0)


def test_many_that_ask_at_once_wait_for_one() -> None:
    cache = by_length(10)
    begun, go_on = threading.Event(), threading.Event()

    def make() -> str:
        begun.set()
        go_on.wait()
        return "one"

    with ThreadPoolExecutor() as pool:
        first = pool.submit(cache.get, "a", make)
        begun.wait()
        others = [pool.submit(cache.get, "a", lambda: "another") for _ in range(3)]
        go_on.set()
        assert [waiting.result() for waiting in (first, *others)] == ["one"] * 4


def test_what_could_not_be_made_is_tried_again() -> None:
    cache = by_length(10)

    def fail() -> str:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get("a", fail)
    assert cache.get("a", lambda: "one") == "one"


def test_what_was_made_elsewhere_is_kept_too() -> None:
    cache = by_length(6)
    cache.put("a", "one")
    cache.put("b", "two")
    assert cache.find("a") == "one"
    cache.put("c", "six")
    assert [cache.find(key) for key in "abc"] == ["one", None, "six"]
    cache.put("a", "other")
    assert (cache.find("a"), cache.find("c"), cache.weight) == ("other", None, 5)


def test_what_becomes_too_heavy_is_forgotten() -> None:
    cache = by_length(3)
    cache.put("a", "one")
    cache.put("a", "three")
    assert (cache.find("a"), cache.weight) == (None, 0)


def test_all_can_be_forgotten() -> None:
    cache = by_length(3)
    cache.put("a", "one")
    cache.clear()
    assert (cache.find("a"), cache.weight, len(cache)) == (None, 0, 0)
