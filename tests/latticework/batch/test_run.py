"""A running batch: what is sent again and what is not, when it gives up, how it stops, and what it counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from latticework import create_app
from latticework.batch import run
from latticework.batch.requests import check_requests, requests_without
from latticework.batch.results import OutputFile
from latticework.batch.run import Batch, CannotGoOn, pause
from latticework.batch.senders import AppSender, HttpReply, Lost, Outcome
from latticework.batch.tally import BatchTally, Summary
from latticework.engines.base import EngineFailed, Piece, Sampling, Saved
from tests.latticework.batch.files import COMPLETIONS, MESSAGES, RESPONSES, ids, request, whole_lines, write_lines
from tests.scripted import ScriptedEngine

OK = HttpReply(200, {}, b'{"choices": [{"finish_reason": "stop"}]}')
GONE = Lost("gone")


def failing(status: int, **headers: str) -> HttpReply:
    return HttpReply(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


PAUSES: list[tuple[Outcome, int, float | None]] = [
    (failing(429, retry_after="7"), 1, 7.0),
    (failing(503, retry_after="0"), 9, 0.0),
    (failing(429, retry_after="86400"), 1, 600.0),
    (failing(503, retry_after="Wed, 21 Oct 2026 07:28:00 GMT"), 2, 2.0),
    (failing(502), 1, 1.0),
    (failing(504), 3, 4.0),
    (failing(504, x_should_retry="false"), 1, None),
    (GONE, 4, 8.0),
    (GONE, 2000, 30.0),
    (failing(200), 1, None),
    *((failing(status, retry_after="1"), 1, None) for status in (400, 401, 404, 408, 409, 413, 422, 500)),
]


@pytest.mark.parametrize(("outcome", "tried", "seconds"), PAUSES)
def test_the_pause_before_the_next_try(
    outcome: Outcome, tried: int, seconds: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: high)
    assert pause(outcome, tried) == seconds


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failures that pass are over at once."""
    real = pause
    monkeypatch.setattr(run, "pause", lambda outcome, tried: None if real(outcome, tried) is None else 0.0)


class Scripted:
    """Sends nothing: the outcomes of each path follow each other, the last for ever."""

    def __init__(
        self, models: Sequence[Outcome] = (OK,), others: Sequence[Outcome] = (OK,), health: Sequence[Outcome] = (OK,)
    ) -> None:
        self._left = {run.MODELS: list(models), run.HEALTH: list(health)}
        self._others = list(others)
        self.sent: list[str] = []

    async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
        self.sent.append(path)
        left = self._left.get(path, self._others)
        return left.pop(0) if len(left) > 1 else left[0]


@pytest.fixture
def batch(tmp_path: Path) -> Iterator[Callable[..., Batch]]:
    out = OutputFile(tmp_path / "out.jsonl")

    def made(sender: Any, *requests: Any, concurrency: int = 1) -> Batch:
        file = write_lines(tmp_path / "requests.jsonl", requests or [request("a")])
        check_requests(file)
        return Batch(sender, out, requests_without(file, ()), concurrency, tries=3)

    with out:
        yield made


ENDINGS: list[tuple[list[Outcome], list[Outcome], int, str]] = [
    # What the server says of its models, and to requests; how many are sent; and the error, or the cause of a failure.
    ([OK], [failing(503), failing(429), OK], 3, ""),
    ([OK], [failing(503)], 3, "503"),
    ([OK], [GONE, OK], 2, ""),
    ([OK], [failing(500)], 1, "500"),
    ([OK], [failing(404)], 1, "404"),
    ([OK], [GONE], 3, "connection lost"),
    ([OK, GONE], [GONE], 3, "CannotGoOn: the server does not answer: gone"),
    ([OK, failing(401)], [failing(503), failing(401)], 2, "CannotGoOn: the server refuses the API key: 401"),
    ([GONE], [OK], 0, "CannotGoOn: the server does not answer: gone"),
    ([failing(403)], [OK], 0, "CannotGoOn: the server refuses the API key: 403"),
    ([failing(404)], [OK], 1, ""),
    ([failing(404)], [failing(404)], 1, "CannotGoOn: the server fails for /v1/models too: 404"),
    ([failing(502)], [OK], 0, "CannotGoOn: the server fails for /v1/models too: 502"),
    ([OK, failing(502)], [failing(502)], 3, "CannotGoOn: the server fails for /v1/models too: 502"),
    ([failing(429)], [failing(429)], 3, "CannotGoOn: the server fails for /v1/models too: 429"),
    ([OK], [failing(403)], 1, "403"),
    ([OK, failing(403)], [failing(403)], 1, "CannotGoOn: the server refuses the API key: 403"),
]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("models", "others", "sent", "ending"), ENDINGS)
def test_what_is_sent_again(
    models: list[Outcome], others: list[Outcome], sent: int, ending: str, batch: Callable[..., Batch], tmp_path: Path
) -> None:
    sender = Scripted(models, others)
    running = batch(sender)
    try:
        asyncio.run(running.run())
        ended = "".join(running.tally.failed)
    except CannotGoOn as error:
        ended = f"CannotGoOn: {error}"
    assert (len([path for path in sender.sent if path not in (run.MODELS, run.HEALTH)]), ended) == (sent, ending)
    assert running.tally.retries.total() == max(0, sent - 1)
    # A request has a line, unless the next run has to send it again.
    assert len(ids(tmp_path / "out.jsonl")) == running.tally.requests == (not ended.startswith("CannotGoOn"))


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(("health", "ending"), [(failing(503), CannotGoOn), (failing(404), None), (GONE, None)])
def test_a_server_whose_engine_is_dead(
    health: Outcome, ending: type[CannotGoOn] | None, batch: Callable[..., Batch], tmp_path: Path
) -> None:
    """Not every server can tell."""
    running = batch(Scripted(others=[failing(503)], health=[OK, health]), request("a"), request("b"))
    with pytest.raises(ending, match="the server is not healthy: 503") if ending else nullcontext():
        asyncio.run(running.run())
    assert len(ids(tmp_path / "out.jsonl")) == (0 if ending else 2)


def test_two_stops_end_a_batch_whose_server_does_not_answer(batch: Callable[..., Batch]) -> None:
    class Silent(Scripted):
        async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
            running.stop()
            running.stop()
            await asyncio.Event().wait()
            return OK

    running = batch(Silent())
    asyncio.run(running.run())
    assert running.tally.requests == 0


class Gated:
    """Answers as often as it is told to, and calls `begun` for each request."""

    def __init__(self, begun: Callable[[int], object]) -> None:
        self._begun = begun
        self.gate = asyncio.Semaphore(0)
        self.sent = 0

    async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
        if method == "POST":
            self.sent += 1
            self._begun(self.sent)
            await self.gate.acquire()
        return OK


@pytest.mark.parametrize(("signals", "lines"), [(1, 3), (2, 0)])
def test_a_stop_lets_running_requests_end_and_a_second_one_drops_them(
    signals: int, lines: int, batch: Callable[..., Batch], tmp_path: Path
) -> None:
    async def stopped() -> int:
        def begun(sent: int) -> None:
            if sent == 3:  # all that run at a time
                for _ in range(signals):
                    running.stop()
                for _ in range(10 * (signals == 1)):
                    sender.gate.release()

        sender = Gated(begun)
        running = batch(sender, *(request(f"{number}") for number in range(10)), concurrency=3)
        await running.run()
        return sender.sent

    assert asyncio.run(stopped()) == 3
    assert len(ids(tmp_path / "out.jsonl")) == lines


def test_a_stop_between_two_tries_leaves_the_request_to_the_next_run(
    batch: Callable[..., Batch], tmp_path: Path
) -> None:
    class Stopping(Scripted):
        async def send(self, method: str, path: str, body: bytes | None = None) -> Outcome:
            if method == "POST":
                running.stop()
            return await super().send(method, path, body)

    sender = Stopping(others=[failing(503, retry_after="500")])
    running = batch(sender)
    asyncio.run(running.run())
    assert (sender.sent, ids(tmp_path / "out.jsonl")) == ([run.MODELS, run.HEALTH, "/v1/chat/completions"], [])


DOCUMENT = {"type": "object", "properties": {"u": {"type": "array", "uniqueItems": True}}, "required": ["u"]}


async def answers(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """As the prompt says: `cut`, `fault`, a document that is right at the second attempt, or a text."""
    text = bytes(prompt).decode()
    if "fault" in text:
        raise EngineFailed("The engine failed.")
    if sampling.grammar is not None:
        again = bool(sampling.temperature)
        yield Piece('{"u": [1, 2]}' if again else '{"u": [1, 1]}', (0, 0), finish="stop", saved=Saved(2, 1), cached=5)
        return
    yield Piece("x", (0, 0, 0), finish="length" if "cut" in text else "stop", saved=Saved(0, 1), cached=5)


def test_what_is_counted_over_all_apis(batch: Callable[..., Batch], tmp_path: Path) -> None:
    schema = {"type": "json_schema", "json_schema": {"name": "d", "schema": DOCUMENT}}
    requests = [
        request("a"),
        request("cut b", RESPONSES),
        request("cut c", COMPLETIONS),
        request("d", MESSAGES),
        request("cut e", MESSAGES),
        request("f", response_format=schema, temperature=0, retries="resample"),
        request("fault g"),
        request("h", model="other"),
        request("i", temperature="hot"),
    ]
    engine = ScriptedEngine(answers)
    app = create_app(engine)

    async def counted() -> BatchTally:
        async with app.router.lifespan_context(app):
            running = batch(AppSender(app), *requests, concurrency=4)
            await running.run()
            return running.tally

    tally = asyncio.run(counted())
    lines = whole_lines(tmp_path / "out.jsonl")
    assert sorted(line["custom_id"] for line in lines) == sorted(one["custom_id"] for one in requests)
    assert all(line["response"]["request_id"].startswith("req_") and line["error"] is None for line in lines)
    assert (tally.finished, tally.cut) == (3, 3)
    assert tally.failed == {"500 internal_error": 1, "404 model_not_found": 1, "400 invalid_request_error": 1}
    # A prompt counts once for all attempts.
    assert tally.prompt == sum(len(prompt.encode()) for prompt in set(engine.prompts) if "fault" not in prompt)
    assert (tally.cached, tally.generated) == (6 * 5, 5 * 3 + 2 * 2)
    assert (tally.attempts, tally.regenerated) == (7, 1)
    assert (tally.forced, tally.copied) == (4, 7)
    assert dict(Summary(tally, 2, 1, 2.0).rows())["requests"] == "9 (2 before, 1 left)"
