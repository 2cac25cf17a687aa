"""How long processes waited for a processor: by files as Linux has them, and by those of this system."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from latticework.engines.starvation import PROC, Starvation, members

SECOND = 10**9


def write(root: Path, process: int, thread: int, waited: float) -> None:
    folder = root / str(process) / "task" / str(thread)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schedstat").write_text(f"{7 * SECOND} {int(waited * SECOND)} 12\n")


def test_the_longest_wait_of_a_thread_since_the_last_call(tmp_path: Path) -> None:
    write(tmp_path, 1, 11, 5)
    write(tmp_path, 1, 12, 1)
    write(tmp_path, 2, 21, 0)
    write(tmp_path, 3, 31, 0)
    starvation = Starvation((1, 2), root=tmp_path)
    assert starvation.seconds() == 0
    write(tmp_path, 1, 11, 5.25)
    write(tmp_path, 2, 21, 1.5)
    write(tmp_path, 3, 31, 100)  # another process
    assert starvation.seconds() == 1.5
    assert starvation.seconds() == 0


def test_groups_wait_one_after_the_other(tmp_path: Path) -> None:
    for process in (1, 2, 3):
        write(tmp_path, process, process, 0)
    starvation = Starvation((1,), (2, 3), (), root=tmp_path)
    for process, waited in ((1, 0.5), (2, 0.25), (3, 1)):
        write(tmp_path, process, process, waited)
    assert starvation.seconds() == 1.5


def test_a_thread_that_is_new_has_not_waited(tmp_path: Path) -> None:
    write(tmp_path, 1, 1, 5)
    starvation = Starvation((1,), root=tmp_path)
    write(tmp_path, 1, 2, 50)
    assert starvation.seconds() == 0
    write(tmp_path, 1, 2, 51)
    assert starvation.seconds() == 1


@pytest.mark.parametrize("text", ["", "12", "a b c"])
def test_files_that_are_not_as_expected_count_for_nothing(tmp_path: Path, text: str) -> None:
    write(tmp_path, 1, 1, 5)
    starvation = Starvation((1, 2), root=tmp_path)
    (tmp_path / "1" / "task" / "1" / "schedstat").write_text(text)
    assert starvation.seconds() == 0
    assert Starvation((1,), root=tmp_path / "none").seconds() == 0


@pytest.mark.skipif(not PROC.exists(), reason="this system has no /proc")
def test_members_are_those_of_the_group() -> None:
    """A process of a group of its own, and a child of it."""
    child = "import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', 'print(1, flush=True); input()']))"
    leader = subprocess.Popen(
        [sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    with leader:
        assert leader.stdout is not None
        assert leader.stdout.readline()
        found = members((leader.pid,))
        assert leader.pid in found
        assert len(found) == 2
        assert os.getpid() not in found
        assert Starvation(found).seconds() >= 0
        leader.communicate(b"\n")
    assert members((leader.pid,)) == ()
