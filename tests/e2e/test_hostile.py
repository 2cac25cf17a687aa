"""Rows of the attack whose values reach the engine; and no word of any client in what the server writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MODEL, RunningServer
from tests.hostile.all_rows import ROWS
from tests.hostile.row import CHAT, Row
from tests.hostile.sending import complaint

# An engine gets these as they are. Of the others, every eighth: their grammars are tried in full without an engine.
REAL = [
    row
    for name, rows in ROWS.items()
    for number, row in enumerate(row for row in rows if row.real)
    if name == "parameters" or number % 8 == 0
]
