"""Every hostile request is answered, or told what is wrong with it; and the next plain one is answered."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from latticework import create_app
from tests import described
from tests.free import free_engine
from tests.hostile.all_rows import ALL
from tests.hostile.row import CHAT, COMPLETIONS, MESSAGES, PLAIN, Row
from tests.hostile.sending import LONGEST, Target, complaint, target


@pytest.fixture(scope="module")
def attacked() -> Iterator[Target]:
    """One app for all of them: what one leaves behind, the next would meet."""
    with target(create_app(free_engine(most=200)), "scripted") as found:
        yield found


@pytest.mark.parametrize("row", ALL, ids=[row.label for row in ALL])
def test_a_hostile_request_is_answered_or_told(attacked: Target, row: Row) -> None:
    response = attacked.send(row)
    assert complaint(row, response) is None
    if row.path not in (CHAT, MESSAGES) or not row.fields.get("stream"):
        described.check(response)


@pytest.mark.parametrize("path", PLAIN)
def test_the_next_plain_request_is_answered(attacked: Target, path: str) -> None:
    assert attacked.send(Row({}, 200, path=path)).status_code == 200


def test_there_are_enough_rows() -> None:
    assert len(ALL) >= 600
    assert {row.path for row in ALL} >= {CHAT, COMPLETIONS, MESSAGES}


def refused(message: str, param: str | None) -> httpx.Response:
    return httpx.Response(400, json={"error": {"message": message, "type": "t", "param": param, "code": None}})


@pytest.mark.parametrize(
    ("response", "wrong"),
    [
        (refused("no", "seed"), False),
        (refused("no", "seed[1]"), False),
        (refused("no", None), True),
        (refused("no", "stop"), True),
        (refused("", "seed"), True),
        (refused("n" * (LONGEST + 1), "seed"), True),
        (httpx.Response(500, text="no"), True),
        (httpx.Response(200, text="{}"), True),
    ],
)
def test_what_is_wrong_is_seen(response: httpx.Response, wrong: bool) -> None:
    assert (complaint(Row({}, 400, "seed"), response) is not None) == wrong
