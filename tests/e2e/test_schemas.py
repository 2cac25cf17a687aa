"""Real schemas, end to end: every document that is finished validates."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from jsonschema.validators import Draft202012Validator, validator_for

from tests import shared
from tests.e2e.conftest import MODEL

COUNT = 40


def spread(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Schemas from all over the file, none so large that a small model can't finish it."""
    small = [row["schema"] for row in rows if len(json.dumps(row["schema"])) < 4000]
    return small[:: len(small) // COUNT][:COUNT]


def test_forty_real_schemas(http: httpx.Client) -> None:
    schemas = spread(shared.rows("jsonschemabench_dev"))

    def outcome(schema: dict[str, Any]) -> str:
        response = http.post(
            "/v1/chat/completions",
            json={
                "model": MODEL,
                "messages": [{"role": "user", "content": "Give me a short example."}],
                "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
                "max_tokens": 250,
            },
        )
        if response.status_code == 400:
            assert response.json()["error"]["param"].startswith("response_format")
            return "refused"
        assert response.status_code == 200, response.text
        choice = response.json()["choices"][0]
        if choice["finish_reason"] == "stop":
            validator_for(schema, default=Draft202012Validator)(schema).validate(
                json.loads(choice["message"]["content"])
            )
        return str(choice["finish_reason"])

    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(outcome, schemas))
    assert outcomes.total() == COUNT
    assert outcomes["stop"] >= COUNT / 2, outcomes
