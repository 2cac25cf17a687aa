"""BFCL's ground truth, read strictly."""

from __future__ import annotations

import json
from typing import Any

import pytest

from benchmarks.matching import right

CITY = {"get_weather": {"city": ["Paris", "Paris, France"], "unit": ["", "celsius"], "days": [3.0]}}


def call(name: str, /, **arguments: Any) -> tuple[str, str]:
    return name, json.dumps(arguments)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        ([call("get_weather", city="Paris", days=3)], True),
        ([call("get_weather", city="Paris, France", unit="celsius", days=3)], True),
        ([call("get_weather", city="paris", days=3)], False),
        ([call("get_weather", city="Paris", days=4)], False),
        ([call("get_weather", city="Paris", days=True)], False),
        ([call("get_weather", city="Paris")], False),
        ([call("get_weather", city="Paris", days=3, more=1)], False),
        ([call("other", city="Paris", days=3)], False),
        ([], False),
        ([call("get_weather", city="Paris", days=3)] * 2, False),
        ([("get_weather", '{"city": "Par')], False),
        ([("get_weather", "3")], False),
    ],
)
def test_one_call(calls: list[tuple[str, str]], expected: bool) -> None:
    assert right(calls, [CITY], {}) is expected


def test_calls_come_in_any_order_and_under_our_names() -> None:
    truth = [{"stocks.buy": {"name": ["A"]}}, {"stocks.buy": {"name": ["B"]}}]
    names = {"stocks.buy": "stocks_buy"}
    assert right([call("stocks_buy", name="B"), call("stocks_buy", name="A")], truth, names)
    assert not right([call("stocks_buy", name="A"), call("stocks_buy", name="A")], truth, names)
    assert not right([call("stocks.buy", name="A"), call("stocks_buy", name="B")], truth, names)


def test_values_within_values() -> None:
    truth = [{"plan": {"stops": [["A", "B"], ["B", "A"]], "hotel": [{"stars": [4, 5], "name": ["", "Ritz"]}]}}]
    assert right([call("plan", stops=["B", "A"], hotel={"stars": 5})], truth, {})
    assert not right([call("plan", stops=["A"], hotel={"stars": 5})], truth, {})
    assert not right([call("plan", stops=["A", "B"], hotel={"stars": 3})], truth, {})
    assert not right([call("plan", stops=["A", "B"], hotel={})], truth, {})
