"""The pool of compile processes. One thread manages each, kills it at its task's deadline and starts its successor."""

# Why not pebble (5.1) or loky (3.6), by their sources: neither limits the memory of a task.
# pebble: no memory limit at all; a future does not name the process that runs its task, so that the server can't poll
# that process on macOS and Windows either. All processes read tasks from one pipe: a vocabulary of megabytes that is
# loaded after the pool has started would travel with every task. Under "spawn" each process imports the host
# application's __main__, and a process that dies between tasks can break the pool.
# loky: its memory check runs between tasks, once a second, for 300 MB. It has no deadline for a task, and one process
# that dies fails all tasks of the pool.

from __future__ import annotations

import logging
import pickle
import threading
import time
import weakref
from collections.abc import Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field

from latticework.compiling import (
    CompileBug,
    LoadVocabulary,
    LoadWriter,
    NeverBegun,
    Task,
    WorkerDied,
    WorkerError,
    WorkersBusy,
)
from latticework.compiling.child import Child, CompileResult
from latticework.compiling.fair import FairQueue
from latticework.engines.vocabulary import Vocabulary
from latticework.prompt.writer import PromptWriter

logger = logging.getLogger(__name__)

# Processes that start before there is work, so that a slow compile does not delay a fast one.
INITIAL_PROCESSES = 2


@dataclass
class _Job:
    task: Task
    caller: Hashable
    future: Future[CompileResult] = field(default_factory=Future)
    submitted: float = field(default_factory=time.monotonic)


class WorkerPool:
    """Up to `size` processes, started on demand. Safe to use from many threads.

    Callers take turns, and none has more than `size - 1` of several processes: one stays free for the others.

    The processes end with `stop`, with this object, and with the server process however that ends.
    """

    def __init__(self, size: int, memory: int) -> None:
        """`memory`: bytes that one compile may take."""
        self._state = _PoolState(size, memory)
        weakref.finalize(self, _PoolState.stop, self._state)

    def start(self) -> None:
        """Starts the first processes and waits until one is ready."""
        self._state.start()
        self._state.ready.wait()

    def stop(self) -> None:
        """Kills all processes and waits until they are gone. The pool can be started again."""
        self._state.stop()
        self._state.join()

    def load(self, digest: str, vocabulary: Vocabulary) -> None:
        """A vocabulary that tasks may name."""
        if digest not in self._state.loads:
            self._state.loads[digest] = pickle.dumps(LoadVocabulary(digest, vocabulary), 5)
            self._state.vocabularies.append(digest)

    def load_writer(self, digest: str, writer: PromptWriter) -> None:
        """The same for a writer, which a process gets with its first task for it: few prompts are so long."""
        if digest not in self._state.loads:
            self._state.loads[digest] = pickle.dumps(LoadWriter(digest, writer), 5)

    def submit(self, task: Task, caller: Hashable = None) -> Future[CompileResult]:
        """The future raises WorkerError. Cancelled before a process is free, the task never starts.

        `caller`: whose task it is; None: unknown.
        """
        job = _Job(task, caller)
        self._state.put(job)
        return job.future


class _PoolState:
    """What the threads share. It has no reference to its WorkerPool, which may be collected while they wait."""

    def __init__(self, size: int, memory: int) -> None:
        self._size = size
        self._memory = memory
        self.loads: dict[str, bytes] = {}
        self.vocabularies: list[str] = []
        self.children: set[Child] = set()
        self.ready = threading.Event()
        self.threads: set[threading.Thread] = set()
        self._jobs: FairQueue[_Job] = FairQueue(max(1, size - 1))
        self._changed = threading.Condition()
        self._idle: list[threading.Thread] = []  # those that wait for a job, the one that has worked last at the end
        self._free = 0
        self.running = False

    def start(self) -> None:
        with self._changed:
            self.running = True
            while len(self.threads) < min(INITIAL_PROCESSES, self._size):
                self._start_thread()

    def put(self, job: _Job) -> None:
        with self._changed:
            self.running = True
            self._jobs.put(job, job.caller)
            self._changed.notify_all()  # some of those that wait may have found their process dead
            if self._jobs.ready() >= self._free and len(self.threads) < self._size:
                self._start_thread()

    def _start_thread(self) -> None:
        thread = threading.Thread(target=_Manager(self).run, name="compile", daemon=True)
        self.threads.add(thread)
        self._free += 1
        thread.start()

    def take(self, child: Child | None) -> _Job | None:
        """The next job; None once the pool is stopped, or once the process that waits for it has died.

        The process that has worked last goes first: it has compiled most of the tools that come next.
        """
        me = threading.current_thread()
        with self._changed:
            self._idle.append(me)
            try:
                while self.running:
                    if self._has_turn(me) and (job := self._jobs.take()) is not None:
                        self._free -= 1
                        return job
                    if child is not None and not child.usable:
                        return None
                    self._changed.wait()
            finally:
                self._idle.remove(me)
                self._changed.notify_all()  # another may go first now
        return None

    def _has_turn(self, thread: threading.Thread) -> bool:
        """Whether there are more jobs than threads that go before this one."""
        return self._jobs.ready() > len(self._idle) - 1 - self._idle.index(thread)

    def release(self, job: _Job) -> None:
        """The calling thread is free for another job."""
        with self._changed:
            self._free += 1
            self._jobs.release(job.caller)
            self._changed.notify_all()

    def look(self) -> None:
        """Whoever waits looks at its process."""
        with self._changed:
            self._changed.notify_all()

    def leave(self) -> None:
        """The calling thread ends."""
        with self._changed:
            self.threads.discard(threading.current_thread())
            self._free -= 1

    def stop(self) -> None:
        with self._changed:
            self.running = False
            jobs, children = self._jobs.clear(), tuple(self.children)
            self.ready.clear()
            self._changed.notify_all()
        for job in jobs:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(WorkerDied("the server is stopping"))
        for child in children:
            child.kill()

    def join(self) -> None:
        for thread in tuple(self.threads):
            thread.join()

    def start_child(self) -> Child | None:
        """A process that is ready; None where none can be started, which the next job tries again."""
        child = None
        try:
            child = Child(self._memory, ended=self.look)
            with self._changed:
                self.children.add(child)
                self._changed.notify_all()
            child.wait_until_ready()
            for digest in tuple(self.vocabularies):
                child.load(digest, self.loads[digest])
        except WorkerError as error:
            if self.running:
                logger.error("A compile process failed to start: %s: %s", type(error).__name__, error)
            self.close_child(child)
            return None
        finally:
            self.ready.set()
        return child

    def close_child(self, child: Child | None) -> None:
        if child:
            with self._changed:
                self.children.discard(child)
                self._changed.notify_all()
            child.close()

    def compile(self, job: _Job, child: Child | None) -> CompileResult:
        """Raises WorkerError."""
        if child is None:
            raise WorkerDied("no compile process can be started")
        digest = job.task.needs
        child.load(digest, self.loads[digest])
        return child.compile(job.task)


class _Manager:
    """A thread: keeps one process running, and gives it one job after the other."""

    def __init__(self, pool: _PoolState) -> None:
        self._pool = pool
        self._child: Child | None = None
        self._worked = True  # since the process was replaced without a job

    def run(self) -> None:
        pool = self._pool
        self._child = pool.start_child()
        while pool.running:
            if (job := pool.take(self._child)) is not None:
                self._worked = True
                if job.future.set_running_or_notify_cancel():
                    self._resolve(job)
                pool.release(job)
            if self._child and not self._child.usable and pool.running:
                self._replace()
        pool.close_child(self._child)
        pool.leave()

    def _replace(self) -> None:
        """At once, so that no request has to wait for it. If it dies again before its first job, with the next job."""
        self._pool.close_child(self._child)
        self._child = self._pool.start_child() if self._worked else None
        self._worked = False

    def _resolve(self, job: _Job) -> None:
        """Resolves the job's future."""
        try:
            if time.monotonic() - job.submitted > job.task.seconds:
                raise WorkersBusy
            job.future.set_result(self._result(job))
        except WorkerError as error:
            job.future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - or the future would never be resolved
            job.future.set_exception(CompileBug(repr(error)))

    def _result(self, job: _Job) -> CompileResult:
        """Of another process, once, if this one has died before it began. Raises WorkerError."""
        pool = self._pool
        self._child = self._child or pool.start_child()
        try:
            return pool.compile(job, self._child)
        except NeverBegun:
            pool.close_child(self._child)
            self._child = pool.start_child()
            return pool.compile(job, self._child)
