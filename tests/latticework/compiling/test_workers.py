"""Processes that compile: none outlives its welcome, and none takes another's work with it."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

import psutil
import pytest

from latticework.compiling.child import Broken, Busy, Child, Crashed, Died, Done, Late, OutOfMemory, WorkerError
from latticework.compiling.compiled import Compiled
from latticework.compiling.messages import Ask, Learn
from latticework.compiling.workers import Workers
from tests.latticework.compiling.faults import FAULTY, asking
from turngrammar.errors import BeyondLimit, GrammarError
from turngrammar.limits import Limits

SOON = 0.3
LONG = 60.0


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    found = Workers(2, 2**28)
    found.learn("faulty", FAULTY)
    found.start()
    yield found
    found.stop()


def ask(workers: Workers, name: str, seconds: float = LONG, limits: Limits | None = None) -> Future[Done]:
    return workers.submit(Ask(asking(name), "faulty", limits or Limits(), seconds))


def grammar(future: Future[Done]) -> str:
    answer = future.result(LONG).answer
    assert isinstance(answer, Compiled)
    return answer.plan.grammar or ""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_plan_comes_back_as_it_was_made(workers: Workers) -> None:
    done = ask(workers, "plain").result(LONG)
    assert isinstance(done.answer, Compiled)
    assert done.weight > 0
    assert done.answer.plan.violations('"plain"', []) == ()
    assert done.answer.plan.violations('"other"', [])[0].keyword == "const"
    assert [finding.keyword for finding in done.answer.plan.report] == ["const"]
    assert bytes(done.answer.trial.opening) == b'"plain"'


def test_what_is_refused_comes_back_as_an_answer(workers: Workers) -> None:
    refused = ask(workers, "plain", limits=Limits(schema_depth=0)).result(LONG).answer
    assert isinstance(refused, BeyondLimit)
    assert refused.pointer == "/response_format/json_schema/schema"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", Late),
        ("grow", OutOfMemory),
        ("abort", OutOfMemory),
        ("overflow", Crashed),
        ("die", Died),
        ("break", Broken),
    ],
)
def test_what_goes_wrong_touches_nobody_else(workers: Workers, fault: str, error: type[WorkerError]) -> None:
    before = ask(workers, f"before {fault}"[:8])
    with pytest.raises(error):
        ask(workers, fault, SOON if fault == "hang" else LONG).result(LONG)
    assert grammar(before)
    assert grammar(ask(workers, "after"))


def test_where_the_system_bounds_no_memory_whoever_waits_looks() -> None:
    """As on macOS and Windows."""
    child = Child(2**28, lambda pid: int(psutil.Process(pid).memory_info().rss))
    child.wait()
    child.learn("faulty", pickle.dumps(Learn("faulty", FAULTY), 5))
    assert child.ask(Ask(asking("plain"), "faulty", Limits(), LONG)).weight
    with pytest.raises(OutOfMemory):
        child.ask(Ask(asking("swell"), "faulty", Limits(), LONG))
    assert not child.of_use
    child.end()
    assert not is_running(child.pid)


def test_a_process_that_failed_is_gone_and_has_a_successor(workers: Workers) -> None:
    grammar(ask(workers, "plain"))
    for _ in range(3):
        with pytest.raises(Late):
            ask(workers, "hang", SOON).result(LONG)
        grammar(ask(workers, "plain"))
    assert 1 <= len(workers.pids) <= 2
    assert all(map(is_running, workers.pids))


def test_a_slow_compile_holds_up_no_other_and_stop_ends_it() -> None:
    own = Workers(2, 2**28)
    own.learn("faulty", FAULTY)
    own.start()
    slow = ask(own, "hang")
    for name in "abc":
        assert grammar(ask(own, name))
    assert slow.running()
    pids = own.pids
    own.stop()
    with pytest.raises(Died):
        slow.result(LONG)
    assert own.pids == ()
    assert not any(map(is_running, pids))


def test_whoever_waits_longer_than_a_compile_may_take_is_told_that_all_are_busy() -> None:
    own = Workers(1, 2**28)
    own.learn("faulty", FAULTY)
    own.start()
    slow, waiting = ask(own, "hang", 2 * SOON), ask(own, "plain", SOON)
    with pytest.raises(Late):
        slow.result(LONG)
    with pytest.raises(Busy):
        waiting.result(LONG)
    assert grammar(ask(own, "plain"))
    own.stop()


def test_what_is_cancelled_before_its_turn_is_never_begun() -> None:
    own = Workers(1, 2**28)
    own.learn("faulty", FAULTY)
    own.start()
    (pid,) = own.pids
    slow, fatal = ask(own, "plain"), ask(own, "die")
    assert fatal.cancel() or fatal.running()
    assert grammar(slow)
    assert grammar(ask(own, "after"))
    assert fatal.cancelled() == (own.pids == (pid,))
    own.stop()


def test_processes_end_with_the_object_that_has_them() -> None:
    own = Workers(1, 2**28)
    own.learn("faulty", FAULTY)
    grammar(ask(own, "plain"))
    threads, pids = tuple(own._shop._threads), own.pids
    del own
    for thread in threads:
        thread.join(LONG)
    assert pids and not any(map(is_running, pids))


ORPHANS = """
from latticework.compiling.workers import Workers
from tests.latticework.compiling.faults import FAULTY, asking
from latticework.compiling.messages import Ask
from turngrammar.limits import Limits
import sys
workers = Workers(2, 2**28)
workers.learn("faulty", FAULTY)
workers.start()
workers.submit(Ask(asking("plain"), "faulty", Limits(), 60)).result()
workers.submit(Ask(asking("hang"), "faulty", Limits(), 1))
print(*workers.pids, flush=True)
sys.stdin.read()
"""


def test_no_process_outlives_its_parent_however_that_ends() -> None:
    """The one that has no work sees the socket close; the one that hangs has a clock of its own."""
    root = Path(__file__).parents[3]
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANS], cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout
        pids = list(map(int, parent.stdout.readline().split()))
        assert pids
        ends = [os.pidfd_open(pid) for pid in pids]
        parent.send_signal(signal.SIGKILL)
    for end in ends:
        assert _has_ended(end)
        os.close(end)


def _has_ended(process: int) -> bool:
    import select

    return bool(select.select([process], [], [], LONG)[0])


def test_errors_of_grammars_cross_processes_whole() -> None:
    error = BeyondLimit("too large", pointer="/a", keyword="enum")
    again: GrammarError = pickle.loads(pickle.dumps(error))
    assert (again.message, again.pointer, again.keyword) == ("too large", "/a", "enum")
