"""Documents that `max_tokens` cuts and that are closed: a real model writes them, and a real tokenizer counts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from tests.e2e.conftest import MODEL
from tests.e2e.test_stream import streamed

INVOICE: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "string"},
        "date": {"type": "string", "format": "date"},
        "currency": {"enum": ["EUR", "NOK", "USD"]},
        "items": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"text": {"type": "string"}, "price": {"type": "number", "minimum": 0}},
                "required": ["text", "price"],
                "additionalProperties": False,
            },
        },
        "paid": {"type": "boolean"},
    },
    "required": ["number", "items", "paid"],
    "additionalProperties": False,
}
TOLD = (
    "Invoice INV-2041 of 2024-03-05, in EUR, paid: 2 boxes of blue pens 12.50, a desk lamp 49.90, an office chair 189."
)
ASK: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": f"Extract the invoice as JSON. {TOLD}"}],
    "temperature": 0,
    "response_format": {"type": "json_schema", "json_schema": {"name": "invoice", "schema": INVOICE}},
    "truncation": "close",
}


def answered(http: httpx.Client, **fields: Any) -> dict[str, Any]:
    response = http.post("/v1/chat/completions", json={**ASK, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def resolved(document: Any, pointer: str) -> Any:
    """The value that a JSON pointer points at. Raises LookupError for none."""
    for part in pointer.split("/")[1:]:
        document = document[int(part) if isinstance(document, list) else part]
    return document


def pointers(document: Any, path: str = "") -> Iterator[str]:
    yield path
    inner = (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    )
    for name, value in inner:
        yield from pointers(value, f"{path}/{name}")


@pytest.mark.parametrize("most", [20, 25, 30, 36, 43, 51, 60])
def test_a_document_that_is_cut_fits_its_schema(http: httpx.Client, most: int) -> None:
    body = answered(http, max_tokens=most)
    choice = body["choices"][0]
    document = json.loads(choice["message"]["content"])
    Draft202012Validator(INVOICE).validate(document)
    assert choice["finish_reason"] == "length"
    assert body["usage"]["completion_tokens"] <= most
    told = choice["truncation"]
    for pointer in [told["cut"], *told["filled"]]:
        resolved(document, pointer)
    free = answered(http, max_tokens=most, truncation=None)["choices"][0]["message"]["content"]
    for pointer in told["filled"]:
        assert resolved(document, pointer) in ("", 0, False, [], "EUR", "1111-11-11")
    kept = set(pointers(document)) - {inner for top in told["filled"] for inner in _below(document, top)}
    for pointer in kept - {told["cut"]}:
        value = resolved(document, pointer)
        assert isinstance(value, dict | list) or json.dumps(value, ensure_ascii=False) in free


def _below(document: Any, pointer: str) -> Iterator[str]:
    return pointers(resolved(document, pointer), pointer)


@pytest.mark.parametrize("most", [21, 40, 60])
def test_the_stream_is_the_same(http: httpx.Client, most: int) -> None:
    choice = answered(http, max_tokens=most)["choices"][0]
    *chunks, last = streamed(http, {**ASK, "max_tokens": most})
    pieces = [chunk["choices"][0] for chunk in chunks]
    assert "".join(piece["delta"].get("content", "") for piece in pieces) == choice["message"]["content"]
    assert (pieces[-1]["finish_reason"], pieces[-1]["truncation"]) == ("length", choice["truncation"])
    assert last["usage"]["completion_tokens"] <= most


def test_several_at_a_temperature(http: httpx.Client) -> None:
    body = answered(http, max_tokens=33, n=8, temperature=1, seed=3)
    for choice in body["choices"]:
        Draft202012Validator(INVOICE).validate(json.loads(choice["message"]["content"]))
    assert body["usage"]["completion_tokens"] <= 8 * 33


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_needed_at_least_is_told_and_enough(http: httpx.Client, stream: bool) -> None:
    response = http.post("/v1/chat/completions", json={**ASK, "max_tokens": 3, "stream": stream})
    assert response.status_code == 400
    error = response.json()["error"]
    assert error["param"] == "max_tokens"
    needed = re.search(r"(\d+) tokens", error["message"])
    assert needed is not None
    body = answered(http, max_tokens=int(needed[1]))
    Draft202012Validator(INVOICE).validate(json.loads(body["choices"][0]["message"]["content"]))
    assert body["usage"]["completion_tokens"] <= int(needed[1])
    assert http.post("/v1/chat/completions", json={**ASK, "max_tokens": int(needed[1]) - 1}).status_code == 400


def test_a_document_that_ends_in_time_is_the_models_own(http: httpx.Client) -> None:
    body = answered(http, max_tokens=400)
    assert body == {**answered(http, max_tokens=400, truncation="cut"), "id": body["id"], "created": body["created"]}
    assert body["choices"][0]["finish_reason"] == "stop"
