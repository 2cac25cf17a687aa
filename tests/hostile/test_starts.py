"""A start that fails exits with a status, and its last line has what is wrong, where, and the fix. No tracebacks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from latticework import cli
from latticework.config import CONFIG
from latticework.settings import OPTIONS
from tests.hostile.starts import STARTS, Start

pytest.importorskip("latticework.engines.vllm")


@pytest.mark.parametrize("start", STARTS, ids=[start.name for start in STARTS])
def test_a_start_that_fails(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [*(option.variable for option in OPTIONS), CONFIG, "XDG_CACHE_HOME"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in start.environ.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    start.made(tmp_path)
    arguments = [word.format(tmp_path) for word in start.arguments.split()]
    if "--port" not in arguments and "LATTICEWORK_PORT" not in os.environ:
        arguments += ["--port", "0"]
    try:
        status: object = cli.main(["serve", *arguments])
    except SystemExit as exit_:
        status = exit_.code
    told = capfd.readouterr().err.strip()
    assert "Traceback" not in told
    last = told.splitlines()[-1]
    assert [word for word in start.words if word.format(tmp_path) not in last] == []
    assert last.startswith("latticework serve: ")
    assert len(last) < 800
    assert status == start.status
