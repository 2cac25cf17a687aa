"""Answers of a real engine that continue the assistant's last message."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MODEL

PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
FORMAT = {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}}


def continued(http: httpx.Client, text: str, **fields: Any) -> httpx.Response:
    messages = [{"role": "user", "content": "Ada Lovelace, age 36."}, {"role": "assistant", "content": text}]
    body = {"model": MODEL, "messages": messages, "continue_final_message": True, "temperature": 0, "max_tokens": 64}
    return http.post("/v1/chat/completions", json={**body, **fields})


@pytest.mark.parametrize("begun", ["{", '{"name": "Lady A', '{"name": "Lady A", ', '{"name": "Lady A", "age": 3'])
@pytest.mark.parametrize(
    "fields", [{}, {"logprobs": True}, {"token_sources": True}, {"n": 2, "temperature": 1}], ids=str
)
def test_text_and_answer_are_a_document(http: httpx.Client, begun: str, fields: dict[str, Any]) -> None:
    response = continued(http, begun, response_format=FORMAT, truncation="close", **fields)
    assert response.status_code == 200, response.text
    for choice in response.json()["choices"]:
        document = json.loads(begun + choice["message"]["content"])
        assert list(document) == ["name", "age"]
        assert json.dumps(document, ensure_ascii=False) == begun + choice["message"]["content"]


def test_a_choice_goes_on(http: httpx.Client) -> None:
    response = continued(http, "nor", structured_outputs={"choice": ["north", "northeast", "south"]})
    assert response.json()["choices"][0]["message"]["content"] in ("th", "theast")


def test_what_can_not_begin_a_document_is_refused(http: httpx.Client) -> None:
    response = continued(http, '{"nom', response_format=FORMAT)
    assert response.status_code == 400
    assert "at character 3" in response.json()["error"]["message"]
