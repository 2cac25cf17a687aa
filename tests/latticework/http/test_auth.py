"""API keys, from the settings and from a file that changes while the server runs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from latticework import Settings, create_app
from latticework.compiling import CompileTask, WorkersBusy
from latticework.compiling.child import CompileResult
from latticework.compiling.workers import WorkerPool
from latticework.http import auth
from latticework.http.auth import FILE_CHECK_INTERVAL, ApiKeys, key_digests
from latticework.options import InvalidSetting
from tests.http import chat, send
from tests.scripted import ScriptedEngine, says


def test_compiles_know_whose_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    callers = []

    def submit(self: WorkerPool, task: CompileTask, caller: Hashable = None) -> Future[CompileResult]:
        callers.append(caller)
        refused: Future[CompileResult] = Future()
        refused.set_exception(WorkersBusy())
        return refused

    monkeypatch.setattr(WorkerPool, "submit", submit)
    for keys, senders in ((("a", "b"), "aba"), ((), "-")):
        app = create_app(ScriptedEngine(says("hi")), settings=Settings(api_keys=keys))
        for key in senders:
            chat(app, {"authorization": f"Bearer {key}"}, response_format={"type": "json_object"})
    assert callers == [*key_digests(["a", "b", "a"]), None]


class Clock:
    """Stands still until a test sets it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("old")
    return path


def written(file: Path) -> None:
    file.write_text("new\nnewer")


def replaced(file: Path) -> None:
    other = file.with_name("other")
    other.write_text("new\nnewer")
    other.replace(file)


def linked(file: Path) -> None:
    """As Kubernetes changes a mounted secret."""
    other = file.with_name("other")
    other.write_text("new\nnewer")
    file.unlink()
    file.symlink_to(other)


@pytest.mark.parametrize("change", [written, replaced, linked])
def test_a_changed_file_is_read_again_and_the_given_keys_stay(file: Path, change: Callable[[Path], None]) -> None:
    clock = Clock()
    known = ApiKeys(["given"], str(file), clock)
    assert known.digests() == key_digests(["given", "old"])
    change(file)
    clock.now += FILE_CHECK_INTERVAL - 0.01
    assert known.digests() == key_digests(["given", "old"])  # not checked yet
    clock.now += 0.01
    assert known.digests() == key_digests(["given", "new", "newer"])


def emptied(file: Path) -> None:
    file.write_text("# nothing yet\n")


def gone(file: Path) -> None:
    file.unlink()


def a_directory(file: Path) -> None:
    file.unlink()
    file.mkdir()


def no_text(file: Path) -> None:
    file.write_bytes(b"sk-secret\xff")


@pytest.mark.parametrize("change", [emptied, gone, a_directory, no_text])
def test_an_invalid_file_changes_nothing_and_is_logged_once(
    file: Path, change: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "latticework")
    clock = Clock()
    known = ApiKeys([], str(file), clock)
    change(file)
    for _ in range(3):
        clock.now += FILE_CHECK_INTERVAL
        assert known.digests() == key_digests(["old"])
        if change is no_text:
            file.write_bytes(file.read_bytes() + b"\n")
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    if change is not a_directory:
        file.write_text("sk-new")
        clock.now += FILE_CHECK_INTERVAL
        assert known.digests() == key_digests(["sk-new"])
        assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    assert "sk-" not in caplog.text.replace("latticework", "")


def test_an_unchanged_file_is_not_read_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    known = ApiKeys([], str(file), clock)
    monkeypatch.setattr(auth, "load_api_keys", lambda path: pytest.fail("it was read"))
    clock.now += FILE_CHECK_INTERVAL
    assert known.digests() == key_digests(["old"])


@pytest.mark.parametrize(("change", "why"), [(emptied, "has no key"), (gone, "No such file"), (no_text, "not UTF-8")])
def test_no_app_is_created_with_an_invalid_file(file: Path, change: Callable[[Path], None], why: str) -> None:
    change(file)
    with pytest.raises(InvalidSetting, match=why) as raised:
        create_app(ScriptedEngine(says("hello")), settings=Settings(api_key_file=str(file)))
    assert "sk-secret" not in str(raised.value)
    assert raised.value.__cause__ is None  # a UnicodeDecodeError would hold the file


@pytest.mark.parametrize("prefix", ["", "/llm"], ids=["served", "mounted"])
def test_rotation(file: Path, prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "FILE_CHECK_INTERVAL", 0)
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("given",), api_key_file=str(file)))
    host = Starlette(routes=[Mount(prefix, app)]) if prefix else app

    def admitted() -> list[str]:
        keys = ("given", "old", "new")
        statuses = {
            key: send(host, "GET", f"{prefix}/v1/models", headers={"authorization": f"Bearer {key}"}).status_code
            for key in keys
        }
        assert set(statuses.values()) <= {200, 401}
        return [key for key in keys if statuses[key] == 200]

    assert admitted() == ["given", "old"]
    file.write_text("new")
    assert admitted() == ["given", "new"]


def test_a_key_may_be_any_text() -> None:
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(api_keys=("ключ",)))
    assert send(app, "GET", "/v1/models", headers={"authorization": "Bearer ключ".encode()}).status_code == 200
