"""Real schemas, end to end: every document that is finished validates."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
from jsonschema.validators import Draft202012Validator, validator_for
from llguidance import LLMatcher

from tests import shared
from tests.e2e.conftest import MODEL

Schema = dict[str, Any]


def test_real_schemas(http: httpx.Client) -> None:
    """From all over the file, none so large that a small model can't finish it."""
    small = [schema for schema in _schemas() if len(json.dumps(schema)) < 4000]
    generated(http, small[:: len(small) // 20][:20])


def test_schemas_that_llguidance_alone_refuses(http: httpx.Client) -> None:
    refused = [schema for schema in _schemas() if _is_refused(schema)]
    suite = [group["schema"] for group in shared.rows("jsts_2020") if not group["optional"]]
    refused += [schema for schema in suite if isinstance(schema, dict) and "$ref" not in json.dumps(schema)]
    refused = [schema for schema in refused if _is_refused(schema) and len(json.dumps(schema)) < 2500]
    generated(http, refused[:: len(refused) // 30][:30])


def _schemas() -> Iterator[Schema]:
    return (row["schema"] for row in shared.rows("jsonschemabench_dev"))


def _is_refused(schema: Schema) -> bool:
    grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema))
    return bool(LLMatcher.validate_grammar(grammar))


def generated(http: httpx.Client, schemas: Sequence[Schema]) -> None:
    """Asks for a document of each schema; most are finished, and each that is fits."""
    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(lambda numbered: outcome(http, *numbered), enumerate(schemas)))
    assert outcomes.total() == len(schemas) >= 20
    assert outcomes["stop"] >= len(schemas) / 2, outcomes
    assert outcomes["refused"] <= len(schemas) / 10, outcomes


def outcome(http: httpx.Client, seed: int, schema: Schema) -> str:
    response = http.post(
        "/v1/chat/completions",
        json={
            "model": MODEL,
            "messages": [{"role": "user", "content": "Give me a short example."}],
            "response_format": {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}},
            "max_tokens": 200,
            "seed": seed,
        },
    )
    if response.status_code == 400:
        assert response.json()["error"]["param"].startswith("response_format")
        return "refused"
    if response.status_code == 503:
        assert response.json()["error"]["code"] == "schema_violation", response.text
        return "broken in all attempts"
    assert response.status_code == 200, response.text
    choice = response.json()["choices"][0]
    if choice["finish_reason"] == "stop":
        document = json.loads(choice["message"]["content"])
        validator_for(schema, default=Draft202012Validator)(schema).validate(document)
    return str(choice["finish_reason"])
