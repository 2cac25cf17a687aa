"""The tested clients with their versions, from docs/clients.json."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from tests.clients.table import CLIENTS
from tests.docs.made import ROOT, table


def part() -> str:
    rows = json.loads((ROOT / "docs" / "clients.json").read_text(encoding="utf-8"))
    languages = dict.fromkeys(client.language for client in CLIENTS)
    return table(
        (
            "",
            "tested with what each supports of structured output, tool loops, streams, errors, completions, cut calls, "
            "open schemas, 26 tools and histories",
        ),
        [
            (
                language.capitalize(),
                ", ".join(_tested(language, rows)),
            )
            for language in languages
        ],
    )


def _tested(language: str, rows: Mapping[str, Any]) -> Iterable[str]:
    """Each package once, though many are tested with several APIs."""
    return dict.fromkeys(_version(rows[client.name]) for client in CLIENTS if client.language == language)


def _version(row: Mapping[str, Any]) -> str:
    """Name and version, and the scenarios that failed."""
    name, version = next(iter(row["versions"].items()))
    failed = [outcome["scenario"].replace("_", " ") for outcome in row["outcomes"] if outcome["failure"]]
    return f"{name} {version}" + (f" (not its {', '.join(failed)})" if failed else "")
