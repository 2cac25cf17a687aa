"""A plan is done once, whatever ends a run of it: with servers and measurements that are made up."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.plan import Step, Visit
from benchmarks.gpu.run import Run
from benchmarks.gpu.state import Key, State
from benchmarks.servers import NotStarted

ROOT = Path(__file__).parents[3]
SERVERS = ("off", "auto")
KEYS = {server: (f"rates/{server}/0", f"rates/{server}/1") for server in SERVERS}


class Machine:
    """Counts what is started and measured. `fails`: what is raised where this key is measured."""

    def __init__(self, fails: dict[Key, BaseException] | None = None, hangs: Key | None = None) -> None:
        self.started: Counter[str] = Counter()
        self.measured: Counter[Key] = Counter()
        self.prepared: Counter[str] = Counter()
        self._fails = fails or {}
        self._hangs = hangs

    @contextmanager
    def open(self, name: str, seconds: float) -> Iterator[Any]:
        assert seconds > 0
        self.started[name] += 1
        if (failure := self._fails.get(f"start/{name}")) is not None:
            raise failure
        yield name

    async def measure(self, server: Any, key: Key) -> Any:
        if key == self._hangs:
            await asyncio.Event().wait()
        if (failure := self._fails.get(key)) is not None:
            raise failure
        self.measured[key] += 1
        return key

    async def prepare(self, server: Any) -> None:
        self.prepared[server] += 1

    def plan(self) -> list[Visit]:
        return [
            Visit(
                server,
                (
                    Step("start", server, 10, (f"start/{server}",), self.measure),
                    Step("rates", server, 0.01 if self._hangs else 10, KEYS[server], self.measure, self.prepare),
                    Step("last", server, 10, (f"last/{server}",), self.measure),
                ),
            )
            for server in SERVERS
        ]

    def run(self, folder: Path, *, seconds: float = 900) -> State:
        state = State(folder, {})
        Run(state, self.open, seconds, clock=lambda: 0).do(self.plan())
        return state


ALL = {key: 1 for server in SERVERS for key in (f"start/{server}", *KEYS[server], f"last/{server}")}


def test_a_plan_is_done_once(tmp_path: Path) -> None:
    machine = Machine()
    state = machine.run(tmp_path)
    assert machine.measured == ALL
    assert machine.started == {"off": 1, "auto": 1}

    again = machine.run(tmp_path)
    assert machine.measured == ALL
    assert machine.started == {"off": 1, "auto": 1}  # nothing is missing there
    assert list(again.measured) == list(state.measured) == list(ALL)
    assert not again.stopped


@pytest.mark.parametrize("key", list(ALL))
def test_an_interrupted_run_goes_on_with_what_is_missing(key: Key, tmp_path: Path) -> None:
    machine = Machine({key: KeyboardInterrupt()})
    with pytest.raises(KeyboardInterrupt):
        machine.run(tmp_path)

    machine._fails.clear()
    state = machine.run(tmp_path)
    assert machine.measured == ALL
    assert list(state.measured) == list(ALL)


KILLED = """
import asyncio, sys
from pathlib import Path
from tests.benchmarks.gpu.test_run import Machine

class Killed(Machine):
    async def measure(self, server, key):
        if key == sys.argv[2]:
            print(key, flush=True)
            sys.stdin.read()
        return await super().measure(server, key)

Killed().run(Path(sys.argv[1]))
"""


def test_a_killed_run_goes_on_with_what_is_missing(tmp_path: Path) -> None:
    key = KEYS["auto"][0]
    command = [sys.executable, "-c", KILLED, str(tmp_path), key]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{key}\n".encode()
        process.kill()

    machine = Machine()
    state = machine.run(tmp_path)
    assert set(machine.measured) == {*KEYS["auto"], "last/auto"}
    assert machine.started == {"auto": 1}
    assert list(state.measured) == list(ALL)


def test_a_part_is_cut_off_at_its_limit_with_what_it_has(tmp_path: Path) -> None:
    machine = Machine(hangs=KEYS["off"][1])
    state = machine.run(tmp_path)
    assert state.missing(ALL) == [KEYS["off"][1]]
    assert state.stopped == {"rates/off": "cut off after 0 s"}


def test_a_part_that_fails_leaves_the_others(tmp_path: Path) -> None:
    machine = Machine({KEYS["off"][0]: ValueError("no such thing")})
    state = machine.run(tmp_path)
    assert state.missing(ALL) == list(KEYS["off"])
    assert state.stopped == {"rates/off": "failed: ValueError: no such thing"}

    machine._fails.clear()
    state = machine.run(tmp_path)
    assert machine.measured == ALL
    assert state.stopped == {}


def test_a_server_that_does_not_start_leaves_the_others(tmp_path: Path) -> None:
    machine = Machine({"start/off": NotStarted("the server did not start:\n... CUDA out of memory")})
    state = machine.run(tmp_path)
    assert state.missing(ALL) == ["start/off", *KEYS["off"], "last/off"]
    assert state.stopped == {"start/off": "not started: the server did not start: ... CUDA out of memory"}


def test_no_server_is_started_after_the_time_of_the_run(tmp_path: Path) -> None:
    machine = Machine()
    state = machine.run(tmp_path, seconds=5)
    assert not machine.started
    assert set(state.stopped) == {"start/off", "start/auto"}


def test_a_step_is_prepared_where_something_is_missing(tmp_path: Path) -> None:
    machine = Machine({"last/off": ValueError()})
    machine.run(tmp_path)
    machine._fails.clear()
    machine.run(tmp_path)
    assert machine.prepared == {"off": 1, "auto": 1}
