"""Processes of an engine, for real: they end with their parent, and say why they gave up."""

from __future__ import annotations

import logging
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from latticework.engines import children
from latticework.engines.children import ChildContext, ChildProcess, reasons

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no signals")

ROOT = Path(__file__).parents[3]
LONG = 60.0
# A server that is killed: an engine core and, of its own, a worker.
SERVER = """
from tests.latticework.engines.test_children import core, prepare
from latticework.engines.children import ChildContext
if __name__ == "__main__":
    ChildContext(prepare).Process(target=core).start()
    input()
"""


def prepare() -> None:
    """What is called in each process before its target."""


def core() -> None:
    worker = ChildContext(prepare).Process(target=sleep)
    worker.start()
    sleep()


def sleep() -> None:
    print(os.getpid(), os.getpgid(0), flush=True)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(LONG)


def ended(descriptors: list[int]) -> bool:
    return all(select.select([process], [], [], LONG)[0] for process in descriptors)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
def test_they_end_with_their_parent_however_that_ends(stopped: bool) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SERVER], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        pids, groups = zip(*(map(int, server.stdout.readline().split()) for _ in range(2)), strict=True)
        assert len(set(groups)) == 1 and groups[0] in pids, "they are a group of their own"
        processes = [os.pidfd_open(pid) for pid in pids]
        if stopped:
            for pid in pids:
                os.kill(pid, signal.SIGSTOP)
        server.kill()
        assert ended(processes)


def fail(message: str = "no weights") -> None:
    try:
        raise ValueError(message)
    except ValueError:
        logging.getLogger("vllm.core").exception("EngineCore failed to start.")
        raise


def give_up() -> None:
    """As vLLM's worker, which swallows its error, and the engine core, which does not know it."""
    worker = ChildContext(prepare).Process(target=swallow)
    worker.start()
    worker.join()
    fail("see above")


def swallow() -> None:
    try:
        fail("no\n  memory")
    except ValueError:
        return


def later() -> None:
    """Fails when it has long been started."""
    raise ValueError("a bug")


@pytest.mark.parametrize(
    ("target", "told", "status", "traceback"),
    [
        (fail, ["no weights"], 1, False),
        (give_up, ["no memory"], 1, False),
        (later, [], 1, True),
        (prepare, [], 0, False),
    ],
)
def test_they_say_why_they_gave_up_and_print_no_traceback(
    target: object, told: list[str], status: int, traceback: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    process = ChildContext(prepare).Process(target=target)
    process.start()
    process.join()
    assert (reasons(), process.exitcode) == (told, status)
    assert ("Traceback" in capfd.readouterr().err) == traceback
    assert reasons() == []


def test_for_more_detail_tracebacks_stay(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "debug")
    process = ChildContext(prepare).Process(target=fail)
    process.start()
    process.join()
    assert reasons() == ["no weights"]
    assert "ValueError: no weights" in capfd.readouterr().err


def test_a_group_that_has_ended_is_no_error() -> None:
    process = ChildContext(prepare).Process(target=prepare)
    process.start()
    process.join()
    children.end_group(process.pid or 0)
    assert isinstance(process, ChildProcess)
    assert reasons() == []
