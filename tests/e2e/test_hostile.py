"""Rows of the attack whose values reach the engine; and no word of any client in what the server writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MODEL, RunningServer
from tests.hostile.all_rows import ROWS
from tests.hostile.row import CHAT, Row
from tests.hostile.sending import complaint

# An engine gets these as they are. Of the others, every eighth: their grammars are tried in full without an engine.
WHOLE = ("parameters", "limits")
AT_ONCE = 12
# What is wrong with a row for this vocabulary alone: its tokens, or how far they lead an automaton.
DECIDED_BY_VOCABULARY = ("token", "gives the grammar up")
REAL = [
    row
    for name, rows in ROWS.items()
    for number, row in enumerate(row for row in rows if row.real)
    if name in WHOLE or number % 8 == 0
]


@pytest.fixture(scope="module")
def responses(http: httpx.Client) -> Iterator[Sequence[Future[httpx.Response]]]:
    """Of all rows, some at a time: the engine generates them together."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield [pool.submit(http.post, row.path, content=row.body(MODEL)) for row in REAL]


@pytest.mark.parametrize("number", range(len(REAL)), ids=[row.label for row in REAL])
def test_no_row_hurts_the_engine(responses: Sequence[Future[httpx.Response]], number: int) -> None:
    """Its status is another where the vocabulary decides: the rows are made for one of 256 tokens."""
    row, response = REAL[number], responses[number].result()
    assert response.status_code in (200, 400), response.text
    if response.status_code != row.status:
        message = response.json()["error"]["message"]
        assert any(reason in message for reason in DECIDED_BY_VOCABULARY), message
    else:
        assert complaint(row, response) is None


def test_the_engine_is_alive_after_them(http: httpx.Client) -> None:
    assert http.post(CHAT, content=Row({}, 200).body(MODEL)).status_code == 200
    assert http.get("/health").status_code == 200


CANARY = "CaNaRy7Q"
TEXT = f"a secret of a client: {CANARY}"
CALL: dict[str, Any] = {"tool_choice": "required"}


def function(parameters: Any) -> dict[str, Any]:
    return {"type": "function", "function": {"name": f"f_{CANARY}", "description": TEXT, "parameters": parameters}}


def document(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": CANARY, "schema": schema}}}


def structured(**kind: Any) -> dict[str, Any]:
    return {"structured_outputs": kind}


# Each holds the word where a log line might quote it; half of them fail in one part of the server or another.
SECRETS: list[dict[str, Any]] = [
    {"stop": [CANARY], "user": TEXT, "metadata": {CANARY: TEXT}, CANARY: TEXT},
    {"bad_words": [f"{CANARY}{number}" for number in range(128)]},
    {"logit_bias": {CANARY: 1}},
    {"model": CANARY},
    {"messages": [{"role": CANARY, "content": TEXT}]},
    {"messages": [{"role": "user", "content": TEXT * 4000}]},
    {"chat_template_kwargs": {CANARY: TEXT}},
    document({"type": "object", "properties": {CANARY: {"const": TEXT}}, "required": [CANARY]}),
    document({"type": CANARY}),
    document({"$ref": f"#/{CANARY}"}),
    document({"type": "string", "pattern": f"({CANARY}"}),
    document({"type": "array", "items": {"enum": [TEXT, CANARY]}, "minItems": 2, "maxItems": 2, "uniqueItems": True}),
    document({"const": f"{CANARY}<|im_end|>"}),
    document({"type": "object", "properties": {CANARY: {"type": "string", "minLength": 60_000}}, "required": [CANARY]}),
    {**CALL, "tools": [function({"type": "object", "properties": {CANARY: {"const": TEXT}}, "required": [CANARY]})]},
    {**CALL, "tools": [function({"type": CANARY})]},
    {"tools": [function({})], "tool_choice": {"type": "function", "function": {"name": CANARY}}},
    structured(regex=f"({CANARY}"),
    structured(regex=f"(.{{0,30}}e.{{0,30}}){{20}}{CANARY}"),
    structured(regex=f"(x?y?z?){{0,900}}{CANARY}"),
    structured(choice=[f"{CANARY}{number}" for number in range(3000)]),
    structured(grammar=f"start: {CANARY}"),
    structured(grammar=f'start: a "{CANARY}"\na: /x{{60000}}/'),
    structured(grammar=f'start: a "z"\na[lazy]: /[^z]*?{CANARY}/'),
    structured(grammar=f'start: "{CANARY}" start'),
    structured(json=f'{{"{CANARY}'),
]


def test_what_clients_write_is_in_no_line_of_any_process(server: RunningServer) -> None:
    headers = {"user-agent": CANARY, "cookie": f"a={CANARY}", f"x-{CANARY}": CANARY, "traceparent": CANARY}
    plain = {"model": MODEL, "messages": [{"role": "user", "content": TEXT}], "max_tokens": 30, "temperature": 0}
    with server.http() as http:
        for fields in SECRETS:
            for stream in (False, True):
                body = json.dumps({**plain, **fields, "stream": stream})
                assert http.post(CHAT, content=body, headers=headers).status_code < 600
        http.post(
            "/v1/completions", content=json.dumps({"model": MODEL, "prompt": TEXT, "echo": True, "max_tokens": 2})
        )
        http.post("/tokenize", content=json.dumps({"model": MODEL, "prompt": TEXT}))
        http.post(f"/v1/{CANARY}", content=TEXT)
        http.get(f"/v1/models/{CANARY}")
        http.post(CHAT, content=f'{{"{CANARY}', headers={"authorization": f"Bearer {CANARY}"})
        http.post(CHAT, content=json.dumps(plain), headers={"x-request-id": "the-last-one"})
    server.output.until("the-last-one")
    assert [line[:500] for line in server.output.lines if CANARY.lower() in line.lower()] == []


def test_each_line_of_all_processes_is_json(server: RunningServer) -> None:
    assert all(isinstance(json.loads(line), dict) for line in server.output.lines)
    assert any("vllm" in json.loads(line)["logger"] for line in server.output.lines)
