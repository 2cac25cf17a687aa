"""How schemas are read that no draft allows, or only an older one: a table of docs/guarantees.md."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tests.docs.made import code, table
from tests.turngrammar.schema.dialects import SENT


def part() -> str:
    """The samples that the tests compile."""
    rows = ((code(json.dumps(sent.schema)), sent.by, _notes(sent.notes.items())) for sent in SENT if sent.notes)
    return table(("sent", "by", "read as meant"), rows)


def _notes(notes: Iterable[tuple[str, str]]) -> str:
    return "<br>".join(f"{code(at)}: {note}" for at, note in notes)
