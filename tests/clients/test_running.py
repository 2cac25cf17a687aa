"""The runner tells a client that works from one that doesn't."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.clients import environments, results
from tests.clients.environments import HERE
from tests.clients.results import render
from tests.clients.running import Outcome, Run, Server, run
from tests.clients.table import CLIENTS, SCENARIOS, Client

OPENAI = CLIENTS[0]
GOOD = [Outcome(name, 0.1, None) for name in SCENARIOS]
NOBODY = Server("http://127.0.0.1:1", "key", "model")


def scripted(folder: Path, text: str, patience: float = 60) -> Run:
    """A script of this text, run."""
    (folder / "with_test.py").write_text(text)
    code = "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); sys.argv.pop(0); "
    command = [sys.executable, "-c", f"{code}runpy.run_path(sys.argv[0], run_name='__main__')"]
    client = Client("test", "python", "with_test", None, ("pytest",))
    return run(client, [*command, str(folder), str(HERE / "python" / "run.py")], NOBODY, patience=patience)


def test_what_passes_and_what_fails_is_told(tmp_path: Path) -> None:
    text = """
import os
print("not for the runner }")
async def streaming():
    print("nor this }")
    assert os.environ["BASE_URL"] == "http://127.0.0.1:1/v1"
def tool_loop_strict():
    raise ValueError("a reason")
def helper():
    raise SystemExit
"""
    done = scripted(tmp_path, text)
    assert done.broken is None
    assert done.versions["pytest"] == pytest.__version__
    assert [(one.scenario, one.failure) for one in done.outcomes] == [
        ("streaming", None),
        ("tool_loop_strict", "ValueError: a reason"),
    ]


def test_a_script_that_dies_is_told(tmp_path: Path) -> None:
    done = scripted(tmp_path, "def streaming(): pass\ndef error(): raise SystemExit('gone')")
    assert [one.scenario for one in done.outcomes] == ["streaming"]
    assert "exit status 1: gone" in (done.broken or "")


def test_a_script_that_never_ends_is_ended(tmp_path: Path) -> None:
    text = "import threading\ndef streaming(): threading.Event().wait()"
    assert scripted(tmp_path, text, patience=2).broken == "not done within 2 s"


@pytest.mark.parametrize(
    ("outcomes", "lacks", "failure"),
    [
        ([*GOOD[:-1], Outcome("histories", 0.1, "ValueError: a reason")], {}, "histories: ValueError: a reason"),
        (GOOD[:-1], {}, "histories: the script has none"),
        (GOOD, {"error": "none"}, "error: it was run"),
    ],
)
def test_failures(outcomes: list[Outcome], lacks: dict[str, str], failure: str) -> None:
    assert Run("openai", {}, GOOD).failures(OPENAI) == []
    assert Run("openai", {}, outcomes).failures(replace(OPENAI, lacks=lacks)) == [failure]


def test_a_run_that_broke_is_a_failure_of_all() -> None:
    assert len(Run("openai", broken="it could not be installed").failures(OPENAI)) == len(SCENARIOS) + 1


def test_the_table() -> None:
    outcomes = [
        {"scenario": "structured_output_tools", "failure": None},
        {"scenario": "structured_output_json", "failure": "ValueError: a reason"},
        {"scenario": "streaming", "failure": None},
        {"scenario": "cut_streamed", "failure": None, "seen": "4 limits: complete at 1"},
    ]
    row = {
        "model": "a/model",
        "versions": {"openai": "1.0"},
        "date": "2026-01-02",
        "outcomes": outcomes,
        "broken": None,
    }
    text = render({"openai": row})
    line = "| openai (core) | openai 1.0 | 2026-01-02 | model | ✓ tools ✗ json | – | ✓ | – | ✓ | – | – |"
    assert f"{line} – | – | – | – | – |" in text
    assert "✓ tools ✗ json | ✗ | ✓ | ✗ | ✓ | ✗ | ✗ | ✗ | – | – | – | – |" in render(
        {"openai": {**row, "broken": "exit status 1"}}
    )
    assert "- openai, structured_output_json: ValueError: a reason" in text
    assert "| openai | streamed | 4 limits: complete at 1 |" in text


def test_a_run_replaces_the_row_of_its_client_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "DOCS", tmp_path)
    for client, model in (("instructor", "one"), ("openai", "one"), ("openai", "another"), ("a stranger", "one")):
        results.save(Run(client, {}, GOOD), model, "0.1.0")
    kept = json.loads((tmp_path / "clients.json").read_text())
    assert [(name, row["model"]) for name, row in kept.items()] == [("openai", "another"), ("instructor", "one")]
    assert "| another |" in (tmp_path / "clients.md").read_text()


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_the_files_of_a_client_are_there(client: Client) -> None:
    suffix, requirements = {"python": (".py", ".txt"), "node": (".mjs", ".json")}[client.language]
    assert (HERE / client.language / f"{client.script}{suffix}").exists()
    assert client.environment is None or (environments.REQUIREMENTS / f"{client.environment}{requirements}").exists()
    assert client.lacks.keys() < set(SCENARIOS)


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("ERROR: No matching distribution found for openai==0.0.0", environments.Unreachable),
        ("npm error code ENOTFOUND", environments.Unreachable),
        ("ERROR: ResolutionImpossible", environments.CannotInstall),
    ],
)
def test_why_an_installation_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, told: str, kind: type[Exception]
) -> None:
    """An installer that only complains; what it was to install is tried again the next time."""
    complaining = f"import sys; sys.exit({told!r})"
    (tmp_path / "one.txt").write_text("openai")
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "made")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    install = environments._install
    monkeypatch.setattr(environments, "_install", lambda command: install([sys.executable, "-c", complaining]))
    for _ in range(2):
        with pytest.raises(environments.CannotInstall) as caught:
            environments.ready(replace(OPENAI, environment="one"))
        assert type(caught.value) is kind


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(environments, "FOLDER", tmp_path / "made")
    monkeypatch.setattr(environments, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(environments, "_install", asked.append)
    client = replace(OPENAI, environment="one")
    for pins, installs in (("openai==1", 2), ("openai==1", 2), ("openai==2", 4)):
        (tmp_path / "one.txt").write_text(pins)
        command = environments.ready(client)
        assert len(asked) == installs
    assert command[0] == str(tmp_path / "made" / "one" / "bin" / "python")


class _Chatter(BaseHTTPRequestHandler):
    """A server that heeds nothing: whatever it is asked, it says the same few words."""

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        message = {"role": "assistant", "content": "It rains in Bergen."}
        answer = {"id": "a", "object": "chat.completion", "created": 1, "model": "m"}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        body = json.dumps({**answer, "choices": [choice]}).encode()
        if asked.get("stream"):
            event = json.dumps({**answer, "object": "chat.completion.chunk", "choices": [{**choice, "delta": message}]})
            body = f"data: {event}\n\ndata: [DONE]\n\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if asked.get("stream") else "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@contextmanager
def chatting() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Chatter) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


OWN = [client for client in CLIENTS if client.environment is None]


@pytest.mark.parametrize("client", OWN, ids=lambda client: client.name)
def test_a_server_that_heeds_nothing_passes_no_scenario(client: Client) -> None:
    with chatting() as url:
        done = run(client, environments.ready(client), Server(url, "key", "model"))
    assert len(done.outcomes) >= len(SCENARIOS)
    assert [one.scenario for one in done.outcomes if one.failure is None] == []
