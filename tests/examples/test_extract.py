"""200 documents, whatever becomes of the server and of the program meanwhile. The real server's are tests/e2e/."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from examples import extract
from examples.extract import Order
from examples.letters import letters
from latticework import Settings, create_app
from tests.examples.faults import Cut, Faulty
from tests.free import free_engine
from tests.serving import served

ROOT = Path(__file__).parents[2]
IDS = [name for name, _ in letters()]
KEY = "a-key"
PATIENCE = 300  # seconds

Run = Callable[..., tuple[int, str]]


@contextmanager
def serving(app: Faulty) -> Iterator[str]:
    with served(app, Settings()) as server:
        yield "http://{}:{}/v1".format(*server.address)


def faulty(**options: Any) -> Faulty:
    return Faulty(create_app(free_engine()), **options)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The program in this process: its exit status, and what it says on standard error."""

    def once(*arguments: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["extract", *map(str, arguments)])
        return extract.main(), capsys.readouterr().err

    return once


@contextmanager
def started(out: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """The program in a process of its own, which can be killed, and is at the latest at the end.

    It heeds Ctrl-C as in a terminal, also where whoever runs the tests ignores it, which processes inherit.
    """
    command = [sys.executable, "-m", "examples.extract", str(out), "--url", url]
    heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, preexec_fn=heed) as process:
        try:
            yield process
        finally:
            process.kill()


def orders(out: Path) -> dict[str, Order]:
    """What the file has, each line of which must be whole."""
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len(rows)
    return {row["id"]: Order.model_validate(row["order"]) for row in rows}


def test_the_letters_are_always_the_same() -> None:
    assert list(letters(3)) == list(letters())[:3]
    assert len(set(IDS)) == 200


FAULTS: Mapping[int, int | type[Cut]] = {2: 503, 3: 429, 5: Cut, 50: 503, 51: 503, 120: Cut, 199: 429, 203: 503}


def test_what_may_be_asked_again_is(tmp_path: Path, run: Run) -> None:
    out, app = tmp_path / "orders.jsonl", faulty(faults=FAULTS)
    with serving(app) as url:
        status, err = run(out, "--url", url)
    assert (status, err) == (0, f"200 of 200 documents are in {out}\n")
    assert sorted(orders(out)) == IDS
    assert app.requests == 200 + len(FAULTS)


STOPS = [(signal.SIGINT, 130, "Stopped."), (signal.SIGKILL, -signal.SIGKILL, "")]


@pytest.mark.parametrize(("stop", "status", "err"), STOPS)
def test_it_goes_on_where_it_was_stopped(stop: signal.Signals, status: int, err: str, tmp_path: Path, run: Run) -> None:
    out, first, second = tmp_path / "orders.jsonl", faulty(holds=60), faulty()
    with serving(first) as url, started(out, url) as process:
        assert first.held.wait(PATIENCE)
        process.send_signal(stop)
        assert err in process.communicate(timeout=PATIENCE)[1]
        assert process.returncode == status
    written = out.read_bytes()
    assert 60 - 16 <= len(orders(out)) < 60
    out.write_bytes(written + b'{"id": "letter-0')  # what a kill in the middle of a line leaves

    with serving(second) as url:
        assert run(out, "--url", url)[0] == 0
    assert out.read_bytes().startswith(written)
    assert sorted(orders(out)) == IDS
    assert second.requests == 200 - written.count(b"\n")


def test_a_full_disk_ends_it_and_once_there_is_room_it_goes_on(tmp_path: Path, run: Run) -> None:
    out = tmp_path / "orders.jsonl"
    with serving(faulty()) as url:
        command = [sys.executable, "-m", "examples.extract", str(out), "--url", url]
        full = ["bash", "-c", 'ulimit -f 4 && exec "$@"', "-", *command]  # KiB
        done = subprocess.run(full, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)
        assert done.returncode == 2 and "File too large" in done.stderr
        assert out.stat().st_size == 4096
        assert run(out, "--url", url)[0] == 0
    assert sorted(orders(out)) == IDS


def test_one_that_fails_is_told_and_tried_again_next_time(tmp_path: Path, run: Run) -> None:
    out, source = tmp_path / "orders.jsonl", tmp_path / "letters"
    source.mkdir()
    for name, text in letters(5):
        (source / f"{name}.txt").write_text(text)
    (source / "letter-003.txt").write_text("too long " * 20_000)
    app = faulty(faults={1: 500})
    with serving(app) as url:
        status, err = run(out, "--url", url, "--documents", source, "--concurrency", 1)
        assert status == 1
        assert err.startswith("letter-001: Error code: 500")
        assert "\nletter-003: Error code: 400" in err and "maximum context length" in err
        assert err.endswith(f"3 of 5 documents are in {out}\n")
        assert app.requests == 5
        (source / "letter-003.txt").write_text("Two oak chairs, please. Wei, Bergen.")
        assert run(out, "--url", url, "--documents", source, "--concurrency", 1)[0] == 0
    assert list(orders(out)) == ["letter-002", "letter-004", "letter-005", "letter-001", "letter-003"]


def test_what_is_wrong_with_all_ends_it_at_once(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "orders.jsonl"
    app = Faulty(create_app(free_engine(), settings=Settings(api_keys=(KEY,))))
    with serving(app) as url:
        status, err = run(out, "--url", url)
        assert status == 2 and "Incorrect API key" in err
        monkeypatch.setenv("LATTICEWORK_API_KEY", KEY)
        status, err = run(out, "--url", url, "--model", "another")
        assert status == 2 and "'another' does not exist" in err
        assert app.requests <= 16
    status, err = run(out, "--url", url, "--tries", 1)
    assert status == 2 and "Connection error" in err
    assert not out.exists() or orders(out) == {}


def test_a_server_that_goes_away_ends_it(tmp_path: Path, run: Run) -> None:
    out, app = tmp_path / "orders.jsonl", faulty(faults=dict.fromkeys(range(10, 300), Cut))
    with serving(app) as url:
        status, err = run(out, "--url", url, "--concurrency", 1, "--tries", 1)
    assert status == 2 and "Connection error" in err
    assert len(orders(out)) == 9
    assert app.requests == 10


@pytest.mark.parametrize("held", [b"Dear diary,\n", b"Dear diary,", b'{"name": "Ada"}\n', b"[1]\n"])
def test_the_file_of_something_else_is_left_alone(held: bytes, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "diary"
    out.write_bytes(held)
    status, err = run(out)
    assert status == 2 and "was not written by this program" in err
    assert out.read_bytes() == held


ROW = '{"id": "a", "text": "Two lamps."}\n'


@pytest.mark.parametrize("held", ["not JSON\n", '{"id": "a"}\n', "", ROW + ROW, None])
def test_documents_that_cannot_be_read_are_named(held: str | None, tmp_path: Path, run: Run) -> None:
    source = tmp_path / "letters.jsonl"
    if held is not None:
        source.write_text(held)
    status, err = run(tmp_path / "orders.jsonl", "--documents", source)
    assert status == 2 and err.startswith((f"{source} can't be read: ", f"{source} has no documents, or two with"))


def test_a_terminal_shows_how_far_it_is(tmp_path: Path) -> None:
    source = tmp_path / "letters.jsonl"
    rows = [{"id": name, "text": f"{text}\u2028P.S."} for name, text in letters(3)]
    source.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    seen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    with serving(faulty()) as url:
        command = [sys.executable, "-m", "examples.extract", str(tmp_path / "out"), "--url", url]
        process = subprocess.Popen([*command, "--documents", str(source)], cwd=ROOT, stderr=terminal)
        assert process.wait(PATIENCE) == 0
    os.close(terminal)
    shown = os.read(seen, 1 << 16).decode()
    os.close(seen)
    assert "0/3" in shown and "3/3" in shown


@pytest.mark.parametrize("option", ["--concurrency", "--tries"])
def test_nothing_at_once_is_refused(option: str, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        run("orders.jsonl", option, 0)
    assert f"argument {option}: invalid positive value: '0'" in capsys.readouterr().err
