"""Everything that a process writes is JSON, a line each: also what children write, and what a crash wrote last."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from latticework.serving.json_lines import LONGEST, as_json

START = "from latticework.serving.json_lines import write_json_lines; write_json_lines()\n"


def written(script: str) -> tuple[int, list[dict[str, Any]], list[dict[str, Any]]]:
    """The exit status, and what came on standard output and on standard error."""
    ran = subprocess.run([sys.executable, "-c", START + script], capture_output=True, text=True, timeout=60)
    out, err = ([json.loads(line) for line in text.splitlines()] for text in (ran.stdout, ran.stderr))
    return ran.returncode, out, err


def messages(lines: list[dict[str, Any]]) -> list[str]:
    return [line["message"] for line in lines]


def test_prints_warnings_and_tracebacks_are_json() -> None:
    status, out, err = written("import warnings; print('a', 'b'); warnings.warn('c'); raise ValueError('d')")
    assert status == 1
    assert messages(out) == ["a b"]
    assert any("UserWarning: c" in line for line in messages(err))
    assert messages(err)[-1] == "ValueError: d"
    assert {line["logger"] for line in err} == {"stderr"}


def test_children_and_native_code_write_json_too() -> None:
    _, out, err = written(
        "import os, subprocess, sys; os.write(2, b'native\\n');"
        "subprocess.run([sys.executable, '-c', 'print(1); import sys; print(2, file=sys.stderr)'])"
    )
    assert (messages(out), messages(err)) == (["1"], ["native", "2"])


def test_the_last_words_of_a_crash_are_there() -> None:
    status, _, err = written("import faulthandler, os; faulthandler.enable(); os.abort()")
    assert status != 0
    assert any("Fatal Python error" in line for line in messages(err))


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        (b'{"time":"now","message":"m"}', b'{"time":"now","message":"m"}'),
        (b'{"a": 1}', b'{"a": 1}'),
        (b'(EngineCore pid=7) {"time":"now"}', b'{"time":"now"}'),
    ],
)
def test_json_stays_as_it_is(line: bytes, kept: bytes) -> None:
    assert as_json(line, "stderr") == kept


@pytest.mark.parametrize("line", [b"text", b"{", b"{'a': 1}", b"[1]", b'"a"', b"\xff\x00", "é".encode(), b'{"time": '])
def test_all_else_becomes_its_message(line: bytes) -> None:
    told = json.loads(as_json(line, "stdout"))
    assert told["logger"] == "stdout"
    assert told["message"] == line.decode(errors="backslashreplace")
    assert b"\n" not in as_json(line, "stdout")


def test_a_line_without_end_is_split() -> None:
    _, out, _ = written(f"import sys; sys.stdout.write('x' * {3 * LONGEST})")
    assert "".join(messages(out)) == "x" * 3 * LONGEST
    assert len(out) == 3
