"""Compile processes: each ends with its pool, and none fails another's task."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from latticework.compiling import (
    CompileBug,
    CompileCrash,
    CompiledTurn,
    CompileOutOfMemory,
    CompileTimeout,
    LoadVocabulary,
    NeverBegun,
    WorkerDied,
    WorkerError,
    WorkersBusy,
)
from latticework.compiling.child import Child, CompileResult
from latticework.compiling.workers import WorkerPool, _Job, _PoolState
from tests.latticework.compiling.faults import FAULTY, ROOMY, faulty_task, process_ids
from turngrammar.errors import BeyondLimit, GrammarError
from turngrammar.limits import Limits

SOON = 0.3
LONG = 60.0


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    pool = WorkerPool(2, 2**28)
    pool.load("faulty", FAULTY)
    pool.start()
    yield pool
    pool.stop()


def submit(
    workers: WorkerPool, name: str, seconds: float = LONG, limits: Limits | None = None
) -> Future[CompileResult]:
    return workers.submit(faulty_task(name, seconds, limits or ROOMY))


def grammar(future: Future[CompileResult]) -> str:
    outcome = future.result(LONG).outcome
    assert isinstance(outcome, CompiledTurn)
    return outcome.plan.grammar or ""


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_plan_comes_back_as_it_was_made(workers: WorkerPool) -> None:
    result = submit(workers, "plain").result(LONG)
    assert isinstance(result.outcome, CompiledTurn)
    assert result.weight > 0
    assert result.outcome.plan.violations('"plain"', []) == ()
    assert result.outcome.plan.violations('"other"', [])[0].keyword == "const"
    assert [finding.keyword for finding in result.outcome.plan.report] == ["const"]
    assert bytes(result.outcome.trial.opening) == b'"plain"'


def test_what_is_refused_comes_back_as_an_answer(workers: WorkerPool) -> None:
    refused = submit(workers, "plain", limits=replace(ROOMY, max_schema_depth=0)).result(LONG).outcome
    assert isinstance(refused, BeyondLimit)
    assert refused.pointer == "/schema"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("hang", CompileTimeout),
        ("grow", CompileOutOfMemory),
        ("abort", CompileOutOfMemory),
        ("overflow", CompileCrash),
        ("die", WorkerDied),
        ("break", CompileBug),
    ],
)
def test_what_goes_wrong_touches_nobody_else(workers: WorkerPool, fault: str, error: type[WorkerError]) -> None:
    before = submit(workers, f"before {fault}"[:8])
    with pytest.raises(error):
        submit(workers, fault, SOON if fault == "hang" else LONG).result(LONG)
    assert grammar(before)
    assert grammar(submit(workers, "after"))


def test_where_the_system_limits_no_memory_the_server_polls_it() -> None:
    """As on macOS and Windows."""
    child = Child(2**28, lambda pid: int(psutil.Process(pid).memory_info().rss))
    child.wait_until_ready()
    child.load("faulty", pickle.dumps(LoadVocabulary("faulty", FAULTY), 5))
    assert child.compile(faulty_task("plain", LONG)).weight
    with pytest.raises(CompileOutOfMemory):
        child.compile(faulty_task("swell", LONG))
    assert not child.usable
    child.close()
    assert not is_running(child.pid)


def killed(pids: Iterable[int]) -> None:
    """Returns once they are gone."""
    ends = {pid: os.pidfd_open(pid) for pid in pids}
    for pid in ends:
        os.kill(pid, signal.SIGKILL)
    for end in ends.values():
        assert _has_ended(end)
        os.close(end)


def test_processes_that_die_while_idle_are_replaced_and_no_request_notices(workers: WorkerPool) -> None:
    for _ in range(2):
        assert grammar(submit(workers, "plain"))
        before = process_ids(workers)
        killed(before)
        for future in [submit(workers, name) for name in "abc"]:
            assert grammar(future)
        assert not set(process_ids(workers)) & set(before)


def test_one_that_dies_idle_has_a_successor_before_it_is_needed() -> None:
    """Whose own successor comes with the next task: whatever kills it may go on."""
    own = WorkerPool(1, 2**28)
    own.load("faulty", FAULTY)
    own.start()
    state = own._state
    seen: list[int] = []

    def successor() -> bool:
        return bool(process_ids(own)) and process_ids(own)[0] not in seen

    for alive in (True, False):
        seen += process_ids(own)
        killed(process_ids(own))
        with state._changed:
            assert state._changed.wait_for(successor if alive else lambda: not process_ids(own), LONG)
    assert grammar(submit(own, "plain"))
    own.stop()


def ready_child(kind: type[Child] = Child) -> Child:
    child = kind(2**28)
    child.wait_until_ready()
    child.load("faulty", pickle.dumps(LoadVocabulary("faulty", FAULTY), 5))
    return child


class DeadAtHandOver(Child):
    """It is killed when it has been sent a task, which it has not read."""

    def _send(self, message: bytes) -> None:
        if self._loaded:
            os.kill(self.pid, signal.SIGSTOP)
        super()._send(message)
        if self._loaded:
            os.kill(self.pid, signal.SIGKILL)


def test_a_task_whose_process_died_before_it_is_known_not_to_have_begun() -> None:
    gone = ready_child()
    killed([gone.pid])
    for child in (gone, ready_child(DeadAtHandOver)):
        with pytest.raises(NeverBegun):
            child.compile(faulty_task("plain", LONG))
        assert not child.usable
        child.close()


def test_a_task_that_killed_its_process_is_not_repeated() -> None:
    child = ready_child()
    with pytest.raises(WorkerDied) as died:
        child.compile(faulty_task("die", LONG))
    assert not isinstance(died.value, NeverBegun)
    child.close()


def test_slow_tasks_of_one_caller_leave_a_process_to_the_others() -> None:
    own = WorkerPool(2, 2**28)
    own.load("faulty", FAULTY)
    own.start()
    slow = [own.submit(faulty_task("hang", LONG), "hog") for _ in range(12)]
    for name in "abc":
        assert grammar(own.submit(faulty_task(name, LONG), "other"))
    assert [future.running() for future in slow] == [True] + [False] * 11
    own.stop()


def test_a_process_that_failed_is_gone_and_has_a_successor(workers: WorkerPool) -> None:
    grammar(submit(workers, "plain"))
    for _ in range(3):
        with pytest.raises(CompileTimeout):
            submit(workers, "hang", SOON).result(LONG)
        grammar(submit(workers, "plain"))
    assert 1 <= len(process_ids(workers)) <= 2
    assert all(map(is_running, process_ids(workers)))


def test_the_process_that_worked_last_goes_first_and_the_others_only_where_there_are_more_tasks() -> None:
    state = _PoolState(2, 2**28)
    first, last = threading.Thread(), threading.Thread()
    state._idle += [first, last]
    turns = []
    for _ in range(3):
        turns.append([state._has_turn(thread) for thread in (first, last)])
        state._jobs.put(_Job(faulty_task("plain", LONG), None), None)
    assert turns == [[False, False], [False, True], [True, True]]


def test_a_slow_compile_holds_up_no_other_and_stop_ends_it() -> None:
    own = WorkerPool(2, 2**28)
    own.load("faulty", FAULTY)
    own.start()
    slow = submit(own, "hang")
    for name in "abc":
        assert grammar(submit(own, name))
    assert slow.running()
    pids = process_ids(own)
    own.stop()
    with pytest.raises(WorkerDied):
        slow.result(LONG)
    assert process_ids(own) == ()
    assert not any(map(is_running, pids))


def test_a_task_that_waits_longer_than_a_compile_may_take_fails_as_busy() -> None:
    own = WorkerPool(1, 2**28)
    own.load("faulty", FAULTY)
    own.start()
    slow, waiting = submit(own, "hang", 2 * SOON), submit(own, "plain", SOON)
    with pytest.raises(CompileTimeout):
        slow.result(LONG)
    with pytest.raises(WorkersBusy):
        waiting.result(LONG)
    assert grammar(submit(own, "plain"))
    own.stop()


def test_what_is_cancelled_before_its_turn_is_never_begun() -> None:
    own = WorkerPool(1, 2**28)
    own.load("faulty", FAULTY)
    own.start()
    (pid,) = process_ids(own)
    slow, fatal = submit(own, "plain"), submit(own, "die")
    assert fatal.cancel() or fatal.running()
    assert grammar(slow)
    assert grammar(submit(own, "after"))
    assert fatal.cancelled() == (process_ids(own) == (pid,))
    own.stop()


def test_processes_end_with_the_object_that_has_them() -> None:
    own = WorkerPool(1, 2**28)
    own.load("faulty", FAULTY)
    grammar(submit(own, "plain"))
    threads, pids = tuple(own._state.threads), process_ids(own)
    del own
    for thread in threads:
        thread.join(LONG)
    assert pids and not any(map(is_running, pids))


ORPHANS = """
from latticework.compiling.workers import WorkerPool, _Job, _PoolState
from tests.latticework.compiling.faults import FAULTY, faulty_task, process_ids
import sys
import threading
workers = WorkerPool(2, 2**28)
workers.load("faulty", FAULTY)
workers.start()
workers.submit(faulty_task("plain", 60)).result()
workers.submit(faulty_task("hang", 60))
print(*process_ids(workers), flush=True)
sys.stdin.read()
"""


def test_no_process_outlives_its_parent_however_that_ends() -> None:
    """The one that has no work sees the socket close; the one that hangs could not."""
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
    assert (again.message, again.pointer, again.keyword) == ("/a: too large", "/a", "enum")
