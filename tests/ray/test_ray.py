"""Under Ray Serve: streams, request ids, replicas that are replaced and drained. `make ray` runs it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

pytest.importorskip("ray", reason="Ray is not installed here; make ray has it installed, and runs this")

PATIENCE = 120
LOOK = 0.1
ROOT = Path(__file__).parent.parent.parent
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
CONFIG = """
proxy_location: HeadOnly
http_options: {{host: 127.0.0.1, port: {port}}}
applications:
  - name: latticework
    import_path: tests.ray.served:app
"""


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def run(folder: Path) -> tuple[subprocess.Popen[bytes], str, Path]:
    """`serve run`, its address and its log."""
    port, config, log = free_port(), folder / "serve.yaml", folder / "log"
    config.write_text(CONFIG.format(port=port))
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}
    command = [str(Path(sys.executable).with_name("serve")), "run", str(config)]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=out, stderr=subprocess.STDOUT)
    return process, f"http://127.0.0.1:{port}", log


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[httpx.Client]:
    process, url, log = run(folder)
    try:
        with httpx.Client(base_url=url, timeout=PATIENCE) as client:
            until(lambda: well(client, process), log)
            yield client
    finally:
        process.terminate()
        process.wait(PATIENCE)


def well(client: httpx.Client, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        return client.get("/health").status_code == 200
    except httpx.TransportError:
        return False


def until(true: Any, log: Path | None = None) -> None:
    """Polls: other processes give no signal when they are done."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, log.read_text() if log else "too late"
        time.sleep(LOOK)


def commanded(command: str, **fields: Any) -> dict[str, Any]:
    return {"model": "commanded", "messages": [{"role": "user", "content": command}], **fields}


def answer_to(client: httpx.Client, command: str) -> str:
    answer = client.post("/v1/chat/completions", json=commanded(command)).raise_for_status().json()
    return str(answer["choices"][0]["message"]["content"])


def texts(lines: Iterator[str]) -> Iterator[str]:
    """The texts of a stream's chunks."""
    for line in lines:
        if line.startswith("data: {"):
            for choice in json.loads(line.removeprefix("data: "))["choices"]:
                if text := choice["delta"].get("content"):
                    yield text


def test_documents_and_calls_come_through(client: httpx.Client) -> None:
    as_schema = {"type": "json_schema", "json_schema": {"name": "n", "schema": SCHEMA}}
    tools = [{"type": "function", "function": {"name": "add", "parameters": SCHEMA}}]
    ask = {"model": "free", "messages": [{"role": "user", "content": "hi"}]}
    document = client.post("/v1/chat/completions", json={**ask, "response_format": as_schema}).json()
    assert isinstance(json.loads(document["choices"][0]["message"]["content"])["n"], int)
    call = client.post("/v1/chat/completions", json={**ask, "tools": tools, "tool_choice": "required"}).json()
    assert call["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "add"


def test_a_stream_streams(client: httpx.Client, tmp_path: Path) -> None:
    """The rest is not generated before the beginning has arrived."""
    file = tmp_path / "go"
    with client.stream("POST", "/v1/chat/completions", json=commanded(f"wait {file}", stream=True)) as response:
        chunks = texts(response.iter_lines())
        assert next(chunks).strip().isdigit()
        file.touch()
        assert list(chunks) == ["done"]


@pytest.mark.parametrize("path", ["/health", "/v1/chat/completions"])
def test_a_request_has_one_id(client: httpx.Client, folder: Path, path: str) -> None:
    body = commanded("pid") if path.startswith("/v1") else None
    method = "POST" if body else "GET"
    given = client.request(method, path, json=body, headers={"x-request-id": "mine"})
    made = client.request(method, path, json=body)
    assert given.headers.get_list("x-request-id") == ["mine"]
    (id,) = made.headers.get_list("x-request-id")
    if body:
        until(lambda: all(f"request_id={name} " in (folder / "log").read_text() for name in ("mine", id)))


def test_errors_keep_their_envelope(client: httpx.Client) -> None:
    response = client.post("/v1/chat/completions", json={**commanded("pid"), "model": "none"})
    assert response.status_code == 404
    assert response.json()["error"]["message"].endswith("This server has 'commanded', 'free'.")


def test_a_client_that_disconnects_ends_the_work(client: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "gone"
    with client.stream("POST", "/v1/chat/completions", json=commanded(f"hold {file}", stream=True)) as response:
        assert next(texts(response.iter_lines())) == "on and on"
        assert not file.exists()
    until(file.exists)


def replicas(client: httpx.Client, requests: int = 20) -> set[str]:
    return {answer_to(client, "pid") for _ in range(requests)}


def test_a_replica_whose_engine_has_died_is_replaced(client: httpx.Client) -> None:
    until(lambda: len(replicas(client)) == 2)
    dead = answer_to(client, "die")

    def replaced() -> bool:
        answers = [client.post("/v1/chat/completions", json=commanded("pid")) for _ in range(20)]
        assert {answer.status_code for answer in answers} <= {200, 503}
        ids = {answer.json()["choices"][0]["message"]["content"] for answer in answers if answer.status_code == 200}
        return len(ids) == 2 and dead not in ids and all(answer.status_code == 200 for answer in answers)

    until(replaced)


def statuses(client: httpx.Client, requests: int) -> Sequence[int]:
    return [client.get("/health").status_code for _ in range(requests)]


def test_a_replica_that_is_stopped_finishes_what_it_is_at(client: httpx.Client, tmp_path: Path) -> None:
    """The last test: nothing is deployed after it."""
    file = tmp_path / "go"
    with client.stream("POST", "/v1/chat/completions", json=commanded(f"wait {file}", stream=True)) as response:
        chunks = texts(response.iter_lines())
        next(chunks)
        deleting = subprocess.Popen(
            [sys.executable, "-c", "import ray; from ray import serve; ray.init('auto'); serve.delete('latticework')"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: set(statuses(client, 3)) == {404})  # no new request comes in
        file.touch()
        assert list(chunks) == ["done"]
    assert deleting.wait(PATIENCE) == 0
