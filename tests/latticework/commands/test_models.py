"""`latticework models` against real servers."""

from __future__ import annotations

import json
import socket
import threading
from typing import Any

import pytest

from latticework import Settings, __version__, create_app
from latticework.cli import main
from latticework.commands.models import KEY, URL
from latticework.conformance import checks
from tests.scripted import ScriptedEngine, says
from tests.serving import served


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in (KEY, URL):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # none for this machine's own addresses


def run_models(address: tuple[str, int], *options: str) -> int:
    return main(["models", "--url", f"http://{address[0]}:{address[1]}", *options])


def test_models_and_health(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    with served(create_app(ScriptedEngine(says("hi"))), Settings()) as server:
        assert run_models(server.address) == 0
        out, err = capsys.readouterr()
        assert out.startswith("scripted  ")
        assert f"is healthy (latticework {__version__})" in err
        monkeypatch.setenv(URL, "http://{}:{}/v1/".format(*server.address))
        assert main(["models", "--json"]) == 0
        result = json.loads(capsys.readouterr().out)
    assert result["healthy"]
    assert result["health"]["status"] == "ok"
    assert [card["id"] for card in result["models"]] == ["scripted"]


def test_each_models_format_and_self_test_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(create_app(ScriptedEngine(says("hi"))), Settings()) as server:
        assert run_models(server.address) == 0
    assert ", format hermes (self-test: held)\n" in capsys.readouterr().out
    monkeypatch.setitem(checks.CHECKS, "a check", lambda turn: "so" if turn.case.name == "a document" else "")
    with served(create_app(ScriptedEngine(says("hi"))), Settings()) as server:
        assert run_models(server.address, "--json") == 0
        state = json.loads(capsys.readouterr().out)["health"]["models"]["scripted"]
        assert run_models(server.address) == 0
    assert (state["format"], state["self_test"]) == ("hermes", ["a document (auto): a check"])
    assert state["why"] == "its chat template has '<tool_call>'"
    assert ", format hermes (self-test: a document (auto): a check)\n" in capsys.readouterr().out


def test_a_server_that_is_not_well_is_status_3(capsys: pytest.CaptureFixture[str]) -> None:
    engine = ScriptedEngine(says("hi"))
    with served(create_app(engine), Settings()) as server:
        engine.dead = True
        assert run_models(server.address, "--json") == 3
    out, err = capsys.readouterr()
    assert "is unhealthy: " in err
    result = json.loads(out)
    assert (result["healthy"], result["models"]) == (False, [])
    assert result["health"]["error"]["code"] == "engine_unavailable"


def test_a_model_that_is_down_beside_others_is_status_3_and_named(capsys: pytest.CaptureFixture[str]) -> None:
    first, other = (ScriptedEngine(says("hi"), (name, f"{name}-alias")) for name in ("one", "other"))
    with served(create_app(first, other), Settings()) as server:
        other.dead = True
        assert run_models(server.address) == 3
        out, err = capsys.readouterr()
        assert run_models(server.address, "--json") == 3
    assert [line.split()[0] for line in out.splitlines()] == ["one", "one-alias", "other", "other-alias"]
    assert [", down: The engine has died" in line for line in out.splitlines()] == [False, False, True, False]
    assert err.endswith("is healthy except for other\n")
    result = json.loads(capsys.readouterr().out)
    assert (result["healthy"], result["health"]["status"], len(result["models"])) == (False, "degraded", 4)


def test_the_key_is_sent(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    settings = Settings(api_keys=("sk-one",))
    with served(create_app(ScriptedEngine(says("hi")), settings=settings), settings) as server:
        assert run_models(server.address) == 1
        assert "Set LATTICEWORK_API_KEY" in capsys.readouterr().err
        monkeypatch.setenv(KEY, "sk-one")
        assert run_models(server.address) == 0


def answers(listener: socket.socket, answer: bytes) -> None:
    with listener.accept()[0] as connection:
        connection.recv(4096)
        connection.sendall(answer)


ODD: list[tuple[bytes, str]] = [
    (b"", "no HTTP response from"),
    (b"SSH-2.0-x\r\n", "no HTTP response from"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "is it a latticework server?"),
    (b"HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone", "is it a latticework server?"),
]


@pytest.mark.parametrize(("answer", "message"), ODD)
def test_what_is_not_a_latticework_server_is_reported(
    answer: bytes, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=answers, args=(listener, answer))
        thread.start()
        assert run_models(listener.getsockname()) == 1
        thread.join()
    assert message in capsys.readouterr().err


def test_nobody_there(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as held:  # bound, and not listening
        held.bind(("127.0.0.1", 0))
        assert run_models(held.getsockname()) == 1
    assert "no HTTP response from" in capsys.readouterr().err


def test_an_address_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    wrong: Any = ["models", "--url", "localhost"]
    with pytest.raises(SystemExit) as exit_:
        main(wrong)
    assert exit_.value.code == 2
    assert "unknown url type" in capsys.readouterr().err
