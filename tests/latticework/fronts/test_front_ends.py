"""A server with two front ends, from outside: one set of limits, counts and kept responses, and what a kill costs."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from latticework.telemetry.totals import families_of
from tests.fronts import COUNTED, MORTAL, FrontsServer, fronts_server
from tests.serving import PATIENCE

CHAT = "/v1/chat/completions"
LONG = 50_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontsServer]:
    with fronts_server(tmp_path_factory.mktemp("fronts") / "log", "--max-queue", "0") as server:
        yield server


def body(most: int = 2, model: str = COUNTED, text: str = "hi", **others: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], "max_tokens": most, **others}


class Stream:
    """A streamed answer on a connection of its own."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self._port = response.extensions["network_stream"].get_extra_info("client_addr")[1]
        self._lines = (line for line in response.iter_lines() if line)
        self.first = next(self._lines)

    def next(self) -> str:
        return next(self._lines)

    def last(self) -> str:
        """The last line of the stream."""
        return list(self._lines)[-1]

    def is_served_by(self, front: psutil.Process) -> bool:
        return any(connection.raddr and connection.raddr.port == self._port for connection in front.net_connections())

    def goes_on(self) -> bool:
        return all(self.next().startswith("data: ") for _ in range(20))

    def breaks(self) -> bool:
        try:
            self.last()
        except httpx.TransportError:
            return True
        return False


@contextmanager
def streaming(server: FrontsServer, most: int = LONG, model: str = COUNTED) -> Iterator[Stream]:
    with server.client() as http, http.stream("POST", CHAT, json=body(most, model, stream=True)) as response:
        yield Stream(response)


def health(server: FrontsServer) -> dict[str, Any]:
    with server.client() as http:
        return dict(http.get("/health").json())


def until_running(server: FrontsServer, answers: int) -> None:
    """An answer ends some milliseconds after its client has left, and each question takes as long."""
    while health(server)["running"][COUNTED] != answers:
        pass


def outcomes(server: FrontsServer) -> dict[str, float]:
    with server.client() as http:
        families = families_of(http.get("/metrics").content)
    return families["latticework_requests_total"].samples


def test_answers_are_limited_together(served: FrontsServer) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(streaming(served)) for _ in range(2)]
        assert [stream.status for stream in both] == [200, 200]
        assert health(served)["running"][COUNTED] == 2
        for _ in range(2):  # one for each front end
            with served.client() as http:
                refused = http.post(CHAT, json=body())
                assert (refused.status_code, refused.json()["error"]["code"]) == (503, "overloaded")
    until_running(served, 0)
    with served.client() as http:
        assert http.post(CHAT, json=body()).status_code == 200
        assert http.post(CHAT, json=body(n=3)).json()["error"]["param"] == "n"


def test_connections_are_shared_evenly(served: FrontsServer) -> None:
    with ExitStack() as stack:
        for _ in range(10):
            stack.enter_context(served.client()).get("/")
        counts = [sum(one.status == "ESTABLISHED" for one in front.net_connections("tcp")) for front in served.fronts()]
        assert counts == [5, 5]


def test_a_response_is_found_by_the_other_front_end(served: FrontsServer) -> None:
    with served.client() as one, served.client() as other, served.client() as third:
        kept = [
            http.post("/v1/responses", json={"model": MORTAL, "input": "hello", "max_output_tokens": 1}).json()
            for http in (one, other)
        ]
        for http in (one, other, third):
            for response in kept:
                assert http.get(f"/v1/responses/{response['id']}").json()["id"] == response["id"]
                follow = {"model": MORTAL, "input": "more", "max_output_tokens": 1}
                further = http.post("/v1/responses", json={**follow, "previous_response_id": response["id"]})
                assert further.status_code == 200, further.text
        assert one.delete(f"/v1/responses/{kept[0]['id']}").status_code == 200
        assert other.get(f"/v1/responses/{kept[0]['id']}").status_code == 404


def test_both_count_together_and_list_the_same(served: FrontsServer) -> None:
    before = sum(outcomes(served).values())
    with served.client() as one, served.client() as other:
        for http in (one, other):
            assert http.post(CHAT, json=body()).status_code == 200
        assert sum(outcomes(served).values()) == before + 2
        assert one.get("/v1/models").json() == other.get("/v1/models").json()
        text = one.get("/metrics").text
        assert text.count("\nscript_open 0") == 1  # the engine's, once
        assert 'latticework_model_up{model="counted"} 1.0' in text
        reported = one.get("/health").json()
        assert reported["settings"]["api_servers"] == 2
        assert reported["models"][COUNTED]["engine"] == {"engine": "a script"}


def test_a_killed_front_end_loses_its_own_streams(served: FrontsServer) -> None:
    before = health(served)["front_ends"]["restarts"]
    with served.client() as http:
        http.post(CHAT, json=body())
    counted = outcomes(served)
    with streaming(served) as one, streaming(served) as other:
        assert health(served)["running"][COUNTED] == 2
        killed, kept = served.fronts()
        ending, going = (one, other) if one.is_served_by(killed) else (other, one)
        assert (ending.is_served_by(killed), going.is_served_by(kept)) == (True, True)
        killed.kill()
        assert ending.breaks()
        assert going.goes_on()
        until_running(served, 1)  # the engine has aborted the other one
        with streaming(served) as third:  # and its place is free
            assert third.goes_on()
        assert going.goes_on()
        served.running.output.until(rf"has replaced {killed.pid}")
    assert health(served)["front_ends"] == {"configured": 2, "running": 2, "restarts": before + 1}
    assert kept in served.fronts()
    assert killed not in served.fronts()
    until_running(served, 0)
    after = outcomes(served)
    assert all(after[series] >= count for series, count in counted.items())
    with served.client() as one, served.client() as other:
        assert [http.post(CHAT, json=body()).status_code for http in (one, other)] == [200, 200]


def test_a_front_end_that_is_told_to_stop_ends_its_answers_and_is_replaced(served: FrontsServer) -> None:
    before = health(served)["front_ends"]["restarts"]
    stopped = served.fronts()[0]
    with streaming(served, 200) as one, streaming(served, 200) as other:
        stopped.terminate()
        assert [stream.last() for stream in (one, other)] == ["data: [DONE]"] * 2
    served.running.output.until(rf"has replaced {stopped.pid}")
    assert health(served)["front_ends"] == {"configured": 2, "running": 2, "restarts": before + 1}


def test_the_death_of_an_engine_is_seen_by_all_and_ends_once(served: FrontsServer) -> None:
    with streaming(served, model=MORTAL) as one, streaming(served, model=MORTAL) as other:
        with served.client() as http:
            assert http.post(CHAT, json=body(model=MORTAL, text="die")).status_code == 503
        for stream in (one, other):
            assert "error" in stream.last()
    assert health(served)["status"] == "degraded"
    with served.client() as http, served.client() as another:
        assert [each.post(CHAT, json=body(model=MORTAL)).status_code for each in (http, another)] == [503, 503]
    served.running.output.until(f"{MORTAL}: the engine is running again")
    assert health(served)["status"] == "ok"
    with served.client() as http, served.client() as another:
        assert [each.post(CHAT, json=body(1, MORTAL)).status_code for each in (http, another)] == [200, 200]
        assert http.get("/health").json()["counters"]["engine_restarts"] == 1


def test_quotas_hold_over_all_front_ends_and_a_stop_drains_them(tmp_path: Path) -> None:
    options = ("--requests-per-minute", "5", "--concurrent-requests", "2")
    with fronts_server(tmp_path / "log", *options) as server, ExitStack() as stack:
        streams = [stack.enter_context(streaming(server, 100)) for _ in range(2)]
        with server.client() as http:
            refused = http.post(CHAT, json=body())
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        assert [stream.last() for stream in streams] == ["data: [DONE]"] * 2
        with server.client() as one, server.client() as other:
            assert [http.post(CHAT, json=body()).status_code for http in (one, other)] == [200, 200]
            last = stack.enter_context(streaming(server, 100))
            refused = one.post(CHAT, json=body())
            assert (refused.status_code, int(refused.headers["retry-after"]) > 1) == (429, True)
            server.running.process.send_signal(signal.SIGTERM)
            assert last.last() == "data: [DONE]"


def test_nothing_is_left_of_an_owner_that_is_killed(tmp_path: Path) -> None:
    with pytest.raises(AssertionError), fronts_server(tmp_path / "log") as server:  # no orderly end
        family = server.owner.children(recursive=True)
        assert len(server.fronts()) == 2
        assert len(family) > 2  # the compile processes too
        ends = [os.pidfd_open(one.pid) for one in family]
        server.owner.kill()
        for end in ends:
            assert select.select([end], [], [], PATIENCE)[0]
            os.close(end)
