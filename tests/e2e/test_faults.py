"""What goes wrong inside a real engine: a server of its own, for its engine is killed. The model is tiny and random."""

from __future__ import annotations

import json
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from benchmarks.targets import tiny_target
from tests.e2e.conftest import ENGINE, RunningServer, serving
from tests.e2e.faulty import REFUSED

pytestmark = pytest.mark.skipif(ENGINE != "vllm", reason="the engine is no process of its own that could be killed")

CHAT = "/v1/chat/completions"
ASK: dict[str, Any] = {"model": "tiny-llama", "messages": [{"role": "user", "content": "hi"}], "temperature": 0}
ENDLESS: dict[str, Any] = {**ASK, "max_tokens": 8000, "ignore_eos": True}
LOOK = 0.2  # seconds: a test that asks all the time would leave the engine no time to start
AS_OBJECT = {"response_format": {"type": "json_object"}}


@dataclass(frozen=True)
class Faulty:
    http: httpx.Client
    server: RunningServer
    log: Path

    def engine(self) -> psutil.Process:
        """Of the processes that the server started, the one that holds the model."""
        children = psutil.Process(self.server.process.pid).children()
        return max(children, key=lambda child: child.memory_info().rss)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    target = tiny_target()
    command = [sys.executable, "-m", "tests.e2e.faulty", "serve", "--port", "0", "--model", target.path]
    command += ["--served-model-name", target.name, *target.arguments, "--engine-restarts", "1"]
    command += ["--engine-hang-timeout", "10"]
    # Bound to a core, vLLM would wait for whoever is busy there: the other server of the suite binds itself.
    environ = {"VLLM_CPU_KVCACHE_SPACE": str(target.cache_gib), "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
    log = tmp_path_factory.mktemp("faulty") / "log"
    with serving(command, environ, log) as server, server.http() as http:
        yield Faulty(http, server, log)


def test_a_grammar_that_the_engine_refuses_ends_its_request_alone(faulty: Faulty) -> None:
    refused = {**ASK, **AS_OBJECT, "seed": REFUSED, "max_tokens": 20}
    with faulty.http.stream("POST", CHAT, json={**ENDLESS, "max_tokens": 200, "stream": True}) as other:
        lines = other.iter_lines()
        next(lines)
        response = faulty.http.post(CHAT, json=refused)
        assert response.status_code == 500
        assert response.json()["error"]["code"] == "internal_error"
        assert [line for line in lines if line][-1] == "data: [DONE]"
    assert faulty.http.post(CHAT, json={**refused, "seed": 1}).status_code == 200


def test_an_engine_that_hangs_or_is_killed_is_started_again_as_often_as_it_may(faulty: Faulty) -> None:
    hung = faulty.engine()
    die(faulty, signal.SIGSTOP)
    psutil.wait_procs([hung], timeout=10)
    assert not hung.is_running(), "it is killed though it is stopped"
    assert "it has answered nothing for" in faulty.log.read_text()
    again = until_health(faulty, 200)
    assert again["counters"]["engine_restarts"] == 1
    assert faulty.http.post(CHAT, json={**ASK, **AS_OBJECT, "max_tokens": 20}).status_code == 200
    die(faulty, signal.SIGKILL)
    gone = until_health(faulty, 503, "used all its restarts")
    assert gone["error"]["code"] == "engine_unavailable"
    assert "the engine has used all its restarts" in faulty.log.read_text()


def die(faulty: Faulty, end: signal.Signals) -> None:
    """Kills or stops the engine while it answers. Everybody is told."""
    with faulty.http.stream("POST", CHAT, json={**ENDLESS, "stream": True}) as stream:
        lines = stream.iter_lines()
        for _ in range(10):
            next(lines)
        faulty.engine().send_signal(end)
        *_, last = (line for line in lines if line)
    assert json.loads(last.removeprefix("data: "))["error"]["code"] == "engine_unavailable"
    for path, asked in (("/health", None), (CHAT, ASK)):
        refused = faulty.http.request("POST" if asked else "GET", path, json=asked)
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "engine_unavailable"
        assert int(refused.headers["retry-after"]) > 0


def until_health(faulty: Faulty, status: int, told: str = "") -> dict[str, Any]:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        health = faulty.http.get("/health")
        if health.status_code == status and told in health.text:
            return dict(health.json())
        time.sleep(LOOK)
    raise AssertionError(health.text)
