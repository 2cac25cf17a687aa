"""`latticework batch` as a process: it is killed twice, and as a command: its statuses and what it says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator, Sequence
from pathlib import Path
from typing import Any

import pytest

from latticework import Settings, create_app
from latticework.cli import main
from latticework.commands import engines
from latticework.config import CONFIG
from latticework.engines.base import Piece, Sampling
from latticework.served import Served
from latticework.settings import OPTIONS
from tests.latticework.batch.files import CHAT, COMPLETIONS, MESSAGES, RESPONSES, ids, request, write_lines
from tests.scripted import ScriptedEngine, says
from tests.serving import served

URLS = (CHAT, RESPONSES, COMPLETIONS, MESSAGES)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [CONFIG, "LATTICEWORK_API_KEY", *(option.variable for option in OPTIONS)]:
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def requests(tmp_path: Path) -> Path:
    return write_lines(tmp_path / "in.jsonl", (request(f"id-{number}.", URLS[number % 4]) for number in range(60)))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_batch_that_is_ended_twice_goes_on_from_there(number: signal.Signals, requests: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    asked: list[str] = []
    running: list[subprocess.Popen[str]] = []

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        asked.extend(re.findall(r"id-\d+", bytes(prompt).decode()))
        if len(asked) in (17, 38):  # in the middle of others
            running[-1].send_signal(number)
        yield Piece("x", (0,), finish="stop")

    app = create_app(ScriptedEngine(script), settings=Settings(api_keys=("k",)))
    statuses = []
    with served(app, Settings()) as server:
        for _ in range(3):
            before = set(ids(out))
            first = len(asked)
            process = _batch(requests, out, f"http://127.0.0.1:{server.address[1]}")
            running.append(process)
            _, log = process.communicate(timeout=120)
            statuses.append(process.returncode)
            # Nothing is asked again that has a line.
            assert not {name + "." for name in asked[first:]} & before, log
            if process.returncode == -signal.SIGKILL:
                with out.open("ab") as file:
                    file.write(b'{"id":"batch_req_0","custom_id":"id-59."')
    assert statuses == [{signal.SIGKILL: -9, signal.SIGTERM: 143}[number]] * 2 + [0]
    assert sorted(ids(out)) == sorted(f"id-{number}." for number in range(60))


def _batch(file: Path, out: Path, server: str) -> subprocess.Popen[str]:
    code = "import sys; from latticework.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "batch", str(file), "-o", str(out), "--server", server, "--concurrency", "5"]
    environ = {**os.environ, "LATTICEWORK_API_KEY": "k"}
    return subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """What the command starts, instead of vLLM."""
    scripted = ScriptedEngine(says("x"), max_running=7)

    def models(arguments: Sequence[str], settings: Settings, config: object) -> list[Served]:
        assert list(arguments) == ["--model", "m"]
        return [Served(scripted)]

    monkeypatch.setattr(engines, "served_models", models)
    return scripted


def run(capfd: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, dict[str, Any]]:
    status = main(["batch", *map(str, arguments), "--json"])
    return status, json.loads(capfd.readouterr().out)


def test_in_process_with_the_settings_of_a_server(
    engine: ScriptedEngine,
    requests: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("LATTICEWORK_API_KEYS", "of-the-server")
    monkeypatch.setenv("LATTICEWORK_API_SERVERS", "4")
    monkeypatch.setenv("LATTICEWORK_REQUESTS_PER_MINUTE", "1")
    out = tmp_path / "out.jsonl"
    arguments = (requests, "-o", out, "--model", "m", "--attempts", 2)
    status, first = run(capfd, *arguments)
    assert (status, first["finished"], first["earlier"], engine.starts) == (0, 60, 0, 0)
    status, second = run(capfd, *arguments)
    assert (status, second["requests"], second["earlier"], len(engine.asked)) == (0, 0, 60, 60)
    assert len(set(ids(out))) == len(ids(out)) == 60


def test_failed_requests_are_status_3_then_and_later(
    engine: ScriptedEngine, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = write_lines(tmp_path / "in.jsonl", [request("a"), request("b", model="other")])
    arguments = (file, "-o", tmp_path / "out.jsonl", "--model", "m")
    status, first = run(capfd, *arguments)
    assert (status, first["failed"]) == (3, {"404 model_not_found": 1})
    assert run(capfd, *arguments)[0] == 3


WRONG: list[tuple[list[str], str]] = [
    (["/nowhere", "-o", "OUT"], "/nowhere: No such file or directory. FILE comes before all options"),
    (["BAD", "-o", "OUT"], "BAD has lines that are not requests of a batch:\nline 1: Object missing required field"),
    (["IN", "-o", "IN"], "IN: must be another file than that of the requests"),
    (["IN", "-o", "/nowhere/out"], "/nowhere/out: No such file"),
    (["IN", "-o", "OTHER"], "1 answers to requests that are not in this file, such as custom_id 'z'"),
    (["IN", "-o", "OUT", "--server", "http://x", "--model", "m", "--attempts", "2"], "--attempts --model m: can't be"),
    (["IN", "-o", "OUT", "--server", "example.com"], "--server: must be an address of the form http://HOST:PORT"),
    (["IN", "-o", "OUT", "--server", "http://k:s@x"], "--server: .*: set LATTICEWORK_API_KEY"),
    (["IN", "-o", "OUT", "--concurrency", "0"], "--concurrency: must be an integer from 1 to 10000, not '0'"),
    (["IN"], "arguments are required: -o/--out"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_wrong_usage_exits_with_2_and_asks_nothing(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(engines, "served_models", None)
    write_lines(Path("IN"), [request("a")])
    write_lines(Path("BAD"), [{"custom_id": "a"}])
    write_lines(Path("OTHER"), [{"id": "1", "custom_id": "z", "response": None, "error": None}])
    with pytest.raises(SystemExit) as exit_:
        main(["batch", *arguments])
    assert exit_.value.code == 2
    assert re.search(message, capfd.readouterr().err)


def test_a_server_that_does_not_answer_is_status_1(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = write_lines(tmp_path / "in.jsonl", [request("a")])
    out = tmp_path / "out.jsonl"
    assert main(["batch", str(file), "-o", str(out), "--server", "http://127.0.0.1:9"]) == 1
    assert "the server does not answer" in capfd.readouterr().err
    assert ids(out) == []
