"""Real test data that lies beside a checkout, and is not part of it."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def path(name: str) -> Path:
    """The file; the test skips where it is missing."""
    file = DATA / name
    if not file.exists():
        pytest.skip(f"{name} is not in ../shared/data")
    return file


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a compressed file of JSON lines."""
    with gzip.open(path(f"{name}.jsonl.gz"), "rt") as lines:
        return [json.loads(line) for line in lines]
