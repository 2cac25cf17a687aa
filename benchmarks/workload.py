"""The workload: documents to extract from, and tools to call, as OpenAI chat bodies.

Extraction: 60 documents over 12 schemas, benchmarks/corpus. Tool calls: the rows of BFCL's dev file that expect a call,
../shared/data beside the checkout, with `tool_choice: "required"`, and with `parallel_tool_calls: false` if one call is
correct: otherwise a small model repeats itself up to max_tokens, which is where drafts gain most.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).parent / "corpus"
BFCL = Path(__file__).resolve().parents[2] / "shared" / "data" / "bfcl_dev.jsonl.gz"

EXTRACTION_TOKENS = 400
CALL_TOKENS = 200


class Missing(Exception):
    """The data of a workload is missing; the message names it."""


@dataclass(frozen=True)
class Task:
    """One request, without a model. `kind` is the name of its schema or category."""

    id: str
    kind: str
    body: Mapping[str, Any]

    def sampled(self, **fields: Any) -> Task:
        return replace(self, body={**self.body, **fields})


def extraction(most: int | None = None) -> list[Task]:
    """Cycles through the schemas, so that the first tasks are a mixture too."""
    cases = [(file.stem, json.loads(file.read_text())) for file in sorted(CORPUS.glob("*.json"))]
    if not cases:
        raise Missing(f"{CORPUS} has no documents")
    longest = max(len(case["documents"]) for _, case in cases)
    tasks = [
        extraction_task(f"{name}-{index}", name, case["task"], case["schema"], case["documents"][index])
        for index in range(longest)
        for name, case in cases
        if index < len(case["documents"])
    ]
    return tasks[:most]


def extraction_task(id: str, kind: str, task: str, schema: Mapping[str, Any], document: str) -> Task:
    body = {
        "messages": [{"role": "user", "content": f"{task}\n\n{document}"}],
        "response_format": {"type": "json_schema", "json_schema": {"name": kind, "schema": schema, "strict": True}},
        "max_tokens": EXTRACTION_TOKENS,
        "temperature": 0,
    }
    return Task(id, kind, body)


def bfcl_rows() -> list[dict[str, Any]]:
    """All rows. Raises Missing."""
    if not BFCL.exists():
        raise Missing(f"skipped: ../shared/data/{BFCL.name} is not beside this checkout")
    with gzip.open(BFCL, "rt") as lines:
        return [json.loads(line) for line in lines]


def tool_calls(most: int | None = None) -> list[Task]:
    """Raises Missing."""
    return [call_task(row) for row in spread([row for row in bfcl_rows() if row["expect"] != "no_call"], most)]


def call_task(row: Mapping[str, Any]) -> Task:
    body = {
        "messages": row["messages"],
        "tools": row["tools"],
        "tool_choice": "required",
        "parallel_tool_calls": len(row["ground_truth"] or ()) > 1,
        "max_tokens": CALL_TOKENS,
        "temperature": 0,
    }
    return Task(row["id"], row["category"], body)


def spread(rows: Sequence[Any], most: int | None) -> list[Any]:
    """At most that many rows, evenly spaced."""
    if most is None or most >= len(rows):
        return list(rows)
    return [rows[index * len(rows) // most] for index in range(most)]
