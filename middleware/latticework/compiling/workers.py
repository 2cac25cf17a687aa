"""The processes that compile, each looked after by a thread, which kills it when it is late and starts another."""

from __future__ import annotations

import logging
import pickle
import threading
import time
import weakref
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field

from latticework.compiling.child import Broken, Busy, Child, Died, Done, WorkerError
from latticework.compiling.messages import Ask, Learn
from latticework.engines.vocabulary import Vocabulary

logger = logging.getLogger(__name__)

# How many processes are started before there is any work: a slow compile is not to keep a small one waiting.
READY = 2


@dataclass
class _Job:
    ask: Ask
    future: Future[Done] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)


class Workers:
    """At most so many processes, of which one more than has work is kept ready. Safe to use from many threads.

    They end with `stop`, with this object, and with this process however that ends.
    """

    def __init__(self, most: int, memory: int) -> None:
        """`memory`: bytes that one compile may take."""
        self._shop = _Shop(most, memory)
        weakref.finalize(self, _Shop.close, self._shop)

    def start(self) -> None:
        """Starts the first processes and waits until one is ready. More are started on demand."""
        self._shop.open()
        self._shop.ready.wait()

    def stop(self) -> None:
        """Ends them all, whatever they are doing, and waits until they are gone. They can be started again."""
        self._shop.close()
        self._shop.join()

    def learn(self, digest: str, vocabulary: Vocabulary) -> None:
        """A vocabulary that asks may be about."""
        if digest not in self._shop.vocabularies:
            self._shop.vocabularies[digest] = pickle.dumps(Learn(digest, vocabulary), 5)

    def submit(self, ask: Ask) -> Future[Done]:
        """Its answer; WorkerError where there is none. Cancelled in time, it is never begun."""
        job = _Job(ask)
        self._shop.put(job)
        return job.future

    @property
    def pids(self) -> tuple[int, ...]:
        """Of the processes that there are."""
        return tuple(child.pid for child in tuple(self._shop.children))


class _Shop:
    """What the threads share. It does not know its `Workers`, which may be forgotten while the threads wait."""

    def __init__(self, most: int, memory: int) -> None:
        self._most = most
        self.memory = memory
        self.vocabularies: dict[str, bytes] = {}
        self.children: set[Child] = set()
        self.ready = threading.Event()
        self._jobs: deque[_Job] = deque()
        self._changed = threading.Condition()
        self._threads: set[threading.Thread] = set()
        self._free = 0
        self.is_open = False

    def open(self) -> None:
        with self._changed:
            self.is_open = True
            while len(self._threads) < min(READY, self._most):
                self._hire()

    def put(self, job: _Job) -> None:
        with self._changed:
            self.is_open = True
            self._jobs.append(job)
            self._changed.notify()
            if len(self._jobs) >= self._free and len(self._threads) < self._most:
                self._hire()

    def _hire(self) -> None:
        thread = threading.Thread(target=_look_after, args=(self,), name="compile", daemon=True)
        self._threads.add(thread)
        self._free += 1
        thread.start()

    def take(self) -> _Job | None:
        """The next job; None once there are no more to come."""
        with self._changed:
            while self.is_open and not self._jobs:
                self._changed.wait()
            if not self.is_open:
                return None
            self._free -= 1
            return self._jobs.popleft()

    def finished(self) -> None:
        with self._changed:
            self._free += 1

    def leave(self) -> None:
        with self._changed:
            self._threads.discard(threading.current_thread())
            self._free -= 1

    def close(self) -> None:
        with self._changed:
            self.is_open = False
            jobs, children = tuple(self._jobs), tuple(self.children)
            self._jobs.clear()
            self.ready.clear()
            self._changed.notify_all()
        for job in jobs:
            if job.future.set_running_or_notify_cancel():
                job.future.set_exception(Died("the server stops"))
        for child in children:
            child.kill()

    def join(self) -> None:
        for thread in tuple(self._threads):
            thread.join()

    def start(self) -> Child | None:
        """A process that is ready; None where none can be started, which the next job tries again."""
        child = None
        try:
            child = Child(self.memory)
            self.children.add(child)
            child.wait()
            for digest, learn in tuple(self.vocabularies.items()):
                child.learn(digest, learn)
        except WorkerError as error:
            if self.is_open:
                logger.error("A process that compiles does not start: %s", error)
            self.end(child)
            return None
        finally:
            self.ready.set()
        return child

    def end(self, child: Child | None) -> None:
        if child:
            child.end()
            self.children.discard(child)

    def settle(self, job: _Job, child: Child | None) -> None:
        """Answers one job."""
        try:
            if child is None:
                raise Died("no process that compiles can be started")
            if time.monotonic() - job.since > job.ask.seconds:
                raise Busy
            child.learn(job.ask.vocabulary, self.vocabularies[job.ask.vocabulary])
            job.future.set_result(child.ask(job.ask))
        except WorkerError as error:
            job.future.set_exception(error)
        except Exception as error:  # noqa: BLE001 - whoever waits would wait for ever
            job.future.set_exception(Broken(repr(error)))


def _look_after(shop: _Shop) -> None:
    """One thread: one process, whatever becomes of it, and one job after the other."""
    child = shop.start()
    while (job := shop.take()) is not None:
        if job.future.set_running_or_notify_cancel():
            child = child or shop.start()
            shop.settle(job, child)
        shop.finished()
        if child and not child.of_use and shop.is_open:
            shop.end(child)
            child = shop.start()
    shop.end(child)
    shop.leave()
