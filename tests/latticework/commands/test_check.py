"""`latticework check`: one line of figures at the end, each outcome counted, wrong files named by line."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main

INTEGER = {"type": "integer"}
UNIQUE = {"type": "array", "uniqueItems": True}
LISTED = {"type": "object", "properties": {"a": INTEGER}}
EMAIL = {"type": "string", "format": "email"}

ROWS: list[dict[str, Any]] = [
    {"id": "exact", "schema": INTEGER, "valid": [1], "invalid": [{"data": "1"}]},
    {"id": "checked", "schema": UNIQUE, "valid": [[1, 2]], "invalid": [{"data": [1, 1]}]},
    {"id": "over", "schema": INTEGER, "valid": ["1"], "invalid": []},
    {"id": "under", "schema": INTEGER, "valid": [1], "invalid": [{"data": 2}]},
    {"id": "refused", "schema": {"type": "strnig"}, "valid": [1], "invalid": []},
    {"id": "skipped", "schema": INTEGER, "valid": [], "invalid": []},
    {"id": "narrower", "schema": LISTED, "valid": [{"a": 1, "b": 2}], "invalid": [{"data": {"a": "1"}}]},
    # Only a format makes these invalid: one that is enforced, and one that is not.
    {"schema": EMAIL, "valid": [], "invalid": [{"data": "x", "format_only": True, "error": "'x' is not a 'email'"}]},
    {"schema": INTEGER, "valid": [], "invalid": [{"data": 1, "format_only": True, "error": "1 is not a 'colour'"}]},
]
FIGURES = {"schemas": 8, "exact": 4, "checked": 5, "narrower": 0, "under": 1, "over": 1, "refused": 1, "crashed": 0}


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_figures_are_the_last_line(pack: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows"
    file.write_bytes(pack("".join(json.dumps(row) + "\n" for row in ROWS).encode()))
    assert main(["check", str(file), "--verbose"]) == 0
    out, err = capsys.readouterr()
    figures = json.loads(out.splitlines()[-1])
    closed = figures.pop("closed")
    for times in (figures.pop("compile_ms"), closed.pop("compile_ms")):
        assert list(times) == ["p50", "p99", "max"]
    assert figures == FIGURES
    assert closed == {**FIGURES, "exact": 3, "checked": 4, "narrower": 1}
    assert [line.split("  ")[:2] for line in err.splitlines()] == [
        ["checked", "checked"],
        ["over", "over"],
        ["under", "under"],
        ["refused", "refused"],
        ["narrower closed", "narrower"],
    ]


WRONG = [
    (b"{}\n", "line 1 must be a JSON object with schema, valid and invalid"),
    (b'{"schema": {}, "valid": [1], "invalid": []}\n{\n', "line 2 must be a JSON object"),
    (b'{"schema": {}, "valid": [], "invalid": [1]}\n', "line 1 must be a JSON object"),
    (b"[]\n", "line 1 must be a JSON object"),
    (b"\xff\n", "line 1 must be a JSON object"),
    (gzip.compress(b"{}", mtime=0)[:-4], "can't decompress"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_wrong_files_exit_with_2(data: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(data)
    with pytest.raises(SystemExit) as exit_:
        main(["check", str(file)])
    assert exit_.value.code == 2
    assert re.search(f"rows.jsonl: {message}", capsys.readouterr().err)
