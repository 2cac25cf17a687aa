"""Limits of several front ends together."""

from __future__ import annotations

import pytest

from latticework.concurrency import ConcurrencyLimit
from latticework.errors import BadRequest, Overloaded, RateLimited
from latticework.fronts.limits import ANSWERS, REQUEST, Account, SharedLimits
from latticework.http.quota import Quotas


def accounts(answers: int, quotas: Quotas) -> tuple[Account, Account]:
    limits = SharedLimits({"m": ConcurrencyLimit(answers)}, quotas)
    return Account(limits), Account(limits)


def test_answers_are_counted_together() -> None:
    first, second = accounts(3, Quotas(None, None))
    first.take(1, ANSWERS, "m", 2)
    second.take(1, ANSWERS, "m", 1)
    with pytest.raises(Overloaded):
        second.take(2, ANSWERS, "m", 1)
    second.give_back(2)  # it was refused: nothing comes back
    with pytest.raises(Overloaded):
        second.take(3, ANSWERS, "m", 1)
    first.give_back(1)
    second.take(4, ANSWERS, "m", 2)
    with pytest.raises(BadRequest):
        first.take(2, ANSWERS, "m", 4)


def test_requests_of_a_caller_are_counted_together() -> None:
    first, second = accounts(1, Quotas(2, 1))
    first.take(1, REQUEST, b"a")
    with pytest.raises(RateLimited, match="concurrent"):
        second.take(1, REQUEST, b"a")
    second.take(2, REQUEST, b"b")
    first.give_back(1)
    second.take(3, REQUEST, b"a")
    second.give_back(3)
    with pytest.raises(RateLimited, match="per min"):
        first.take(2, REQUEST, b"a")


def test_what_a_front_end_held_comes_back_when_it_ends() -> None:
    first, second = accounts(2, Quotas(None, 1))
    first.take(1, ANSWERS, "m", 2)
    first.take(2, REQUEST, b"a")
    first.close()
    second.take(1, ANSWERS, "m", 2)
    second.take(2, REQUEST, b"a")
    first.give_back(1)  # arrives late
    with pytest.raises(Overloaded):
        first.take(3, ANSWERS, "m", 1)
