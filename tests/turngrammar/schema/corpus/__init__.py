"""Schemas as tools emit them, with values: see README.md beside this file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "data"


def rows() -> list[dict[str, Any]]:
    """All rows, by file."""
    return [
        json.loads(line) for file in sorted(FOLDER.glob("*.jsonl")) for line in file.read_text("utf-8").splitlines()
    ]
