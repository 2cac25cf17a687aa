"""What a run has measured outlives it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks.gpu.state import FILE, OtherRun, State

SETTINGS = {"scale": "tiny", "arguments": ["--dtype", "float32"]}


def test_what_was_measured_and_stopped_is_there_again(tmp_path: Path) -> None:
    state = State(tmp_path, SETTINGS)
    state.add("rates/auto/documents/8/0", {"tokens": 800})
    state.stop("answers/auto", "cut off after 10 s")
    state.stop("rates/auto", "failed")
    state.begin("rates/auto")

    again = State(tmp_path, SETTINGS)
    assert again.measured == state.measured == {"rates/auto/documents/8/0": {"tokens": 800}}
    assert again.stopped == state.stopped == {"answers/auto": "cut off after 10 s"}
    assert again.missing(["start/auto", "rates/auto/documents/8/0"]) == ["start/auto"]


@pytest.mark.parametrize("torn", ['{"key": "start/off", "val', '{"key": "start/off", "value": 3}', "{"])
def test_a_line_that_was_being_written_is_cut_off(torn: str, tmp_path: Path) -> None:
    State(tmp_path, SETTINGS).add("start/auto", 1)
    with (tmp_path / FILE).open("a") as file:
        file.write(torn)

    State(tmp_path, SETTINGS).add("start/forced", 2)
    assert State(tmp_path, SETTINGS).measured == {"start/auto": 1, "start/forced": 2}
    assert all(json.loads(line) for line in (tmp_path / FILE).read_text().splitlines())


def test_a_run_that_was_killed_before_its_first_line_is_none(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"settings": {"sc')
    assert State(tmp_path, SETTINGS).measured == {}
    assert State(tmp_path, SETTINGS).measured == {}


def test_measurements_of_another_run_are_refused(tmp_path: Path) -> None:
    State(tmp_path, SETTINGS)
    with pytest.raises(OtherRun, match=r"scale was 'tiny' and is now 'gpu'.*--into.*--fresh"):
        State(tmp_path, {**SETTINGS, "scale": "gpu"})
    with pytest.raises(OtherRun, match="arguments was"):
        State(tmp_path, {**SETTINGS, "arguments": []})
