"""A soak of seconds: what `make soak` does for half an hour is there, and sees what is wrong."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping

import pytest

from tests.fuzz.target import Found
from tests.soak import __main__, report
from tests.soak.fuzzed import fuzzed
from tests.soak.hostile import Attacked, attack, requests
from tests.soak.judge import Wrong, judge
from tests.soak.load import Held, Load
from tests.soak.mix import CHAT, Asked, mix
from tests.soak.process import served

ASKED = Asked("", json.dumps({"model": "m", "structured_outputs": {"choice": ["a"]}}).encode())
ERROR = {"error": {"message": "m", "type": "t", "param": None, "code": "c"}}


def test_a_little_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(__main__, "PACE", 0.01)
    lines = [*__main__.of_load(60, 3), *__main__.of_streams(8, 3)]
    # What memory and clocks say of so short a time, on a machine that is busy, is nothing.
    judged = [line for line in lines if not line.label.startswith(("memory", "server memory", "event loop"))]
    assert [line.label for line in judged if not line.good] == [], [line.failures[:2] for line in judged]


def test_a_little_of_the_attack() -> None:
    with served(0.002) as server:
        found = asyncio.run(attack(server.url, server.process, "scripted", 2, 3))
    lines = report.of_hostile(found)
    # Not of clocks and memory, as above.
    assert [line.label for line in lines[:3] if not line.good] == [], lines[1].failures[:3]
    assert found.outcomes["200"] and found.outcomes["400"] and found.gap > 0


GROWING: list[Mapping[str, int]] = [
    {"server": 100},
    {"server": 100, "engine core": 50},
    {"server": 100, "engine core": 80},
]


def test_an_attack_that_succeeds_is_seen() -> None:
    harmed = Attacked(Counter({"500": 1}), ["500"], 41.0, 0.1, GROWING, (frozenset({1}), frozenset({2})), True)
    assert [line.good for line in report.of_hostile(harmed)] == [True, False, False, False, False]


def test_memory_that_has_grown_by_half_of_the_time_is_full_caches() -> None:
    full = Attacked(memory=[{"server": 100}, {"server": 300}, {"server": 330}])
    line = next(line for line in report.of_hostile(full) if line.label.startswith("memory"))
    assert line.good
    assert line.found == "server 0 0 0 MiB; the end is 1.10 of the half"


def test_attacks_are_the_same_for_the_same_seed() -> None:
    first, again, other = (list(requests(seed, 50)) for seed in (1, 1, 2))
    assert first == again != other


def test_requests_are_the_same_for_the_same_seed() -> None:
    assert list(mix(50, 1)) == list(mix(50, 1)) != list(mix(50, 2))


def test_a_batch_that_dies_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "false")
    found = fuzzed(1, 1, 1)
    assert all(one == Found(crashes=1, failures=one.failures) for one in found.values())
    assert not any(line.good for line in report.of_fuzz(found))


def whole(content: str, finish: str = "stop") -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None, "reasoning_content": None, "reasoning": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": finish}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    return json.dumps(
        {"id": "i", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice], "usage": usage}
    ).encode()


def test_right_answers() -> None:
    assert judge(ASKED, 200, "application/json", whole("a")) == "stop"
    assert judge(ASKED, 200, "application/json", whole("b", "length")) == "length"
    assert judge(ASKED, 503, "application/json", json.dumps(ERROR).encode()) == "503 c"
    assert judge(Asked("", b"{", 4), 400, "application/json", json.dumps(ERROR).encode()) == "400"
    assert judge(ASKED, 200, "text/event-stream", f"data: {json.dumps(ERROR)}\n\n".encode()) == "stream c"


@pytest.mark.parametrize(
    ("status", "media", "body"),
    [
        (200, "application/json", whole("b")),
        (200, "application/json", whole("a", "tool_calls")),
        (200, "application/json", b'{"choices": []}'),
        (400, "application/json", json.dumps(ERROR).encode()),
        (500, "application/json", json.dumps(ERROR).encode()),
        (503, "application/json", b'{"detail": "no"}'),
        (200, "text/event-stream", b'data: {"a"'),
        (200, "text/event-stream", b"data: [DONE]\n\n"),
    ],
)
def test_wrong_answers(status: int, media: str, body: bytes) -> None:
    with pytest.raises(Wrong):
        judge(ASKED, status, media, body)


def test_a_bad_request_that_is_answered_is_wrong() -> None:
    with pytest.raises(Wrong):
        judge(Asked("", b"{}", 4, CHAT), 200, "application/json", whole("a"))


def test_growth_and_leaks_are_seen() -> None:
    load = Load(answered=8, memory=[(1, 50), (3, 100), (5, 100), (7, 104), (8, 108)])
    assert load.growth == pytest.approx(0.06)
    assert not report.of_load(load, {"threads": 2})[2].good
    assert not report.of_load(load, {"threads": 2})[3].good
    assert Held(3, 2, 9, 1, 1).beyond(Held(3, 1, 10, 1, 0)) == {"threads": 1, "answers": 1}
