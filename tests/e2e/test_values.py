"""What makes values right, with the real engine: confidence, decisions, quotes, retries, refusals, no empty turns.

TURNS=1000 samples so many turns with tools, instead of 32.
"""

from __future__ import annotations

import json
import math
import os
from collections import Counter
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openai import OpenAI

from tests.e2e.conftest import MODEL
from tests.e2e.test_tools import SCHEMAS, TOOLS
from tests.http import events

TURNS = int(os.environ.get("TURNS", "32"))
MOODS = ["good", "goodness", "bad", "mixed"]
REVIEW = {
    "type": "object",
    "properties": {
        "mood": {"enum": MOODS},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "again": {"type": ["boolean", "null"]},
        "city": {"type": "string", "maxLength": 12},
    },
    "required": ["mood", "stars", "again", "city"],
    "additionalProperties": False,
}
ALLOWED: dict[str, set[Any]] = {"/mood": set(MOODS), "/stars": {1, 2, 3, 4, 5}, "/again": {True, False, None}}
TEXT = "Invoice 2026-114 of Müller & Söhne, Kreuzstraße 7. Two “coils” at 19.99 EUR, payable on 1 May."


def asking(text: str, schema: Any, **fields: Any) -> dict[str, Any]:
    answer = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    return {"model": MODEL, "messages": [{"role": "user", "content": text}], "response_format": answer, **fields}


def choices_of(http: httpx.Client, body: dict[str, Any]) -> list[dict[str, Any]]:
    response = http.post("/v1/chat/completions", json=body)
    assert response.status_code == 200, response.text
    choices: list[dict[str, Any]] = response.json()["choices"]
    return choices


def last_of(http: httpx.Client, body: dict[str, Any]) -> dict[str, Any]:
    """The stream's chunk with the finish reason."""
    *chunks, _ = events(http.post("/v1/chat/completions", json={**body, "stream": True}))
    made = [choice for chunk in chunks for choice in chunk["choices"]]
    (last,) = [choice for choice in made if choice["finish_reason"]]
    return dict(last)


def rounded(value: Any) -> Any:
    """Batches differ in the last bits."""
    return json.loads(json.dumps(value), parse_float=lambda number: round(float(number), 3))


def test_confidence_is_over_all_allowed_values(http: httpx.Client) -> None:
    body = asking("Review: awful, rude staff.", REVIEW, confidence=True, temperature=0, max_tokens=100)
    (choice,) = choices_of(http, body)
    document, found = json.loads(choice["message"]["content"]), choice["confidence"]["content"]
    assert list(found) == ["/mood", "/stars", "/again", "/city"]
    for pointer, allowed in ALLOWED.items():
        listed = {each["value"]: each["p"] for each in found[pointer]["alternatives"]}
        assert listed.keys() == allowed
        assert sum(listed.values()) == pytest.approx(1)
        assert listed[document[pointer[1:]]] == found[pointer]["p"]
    assert "alternatives" not in found["/city"] and 0 < found["/city"]["p"] <= 1
    assert rounded(last_of(http, body)["confidence"]) == rounded(choice["confidence"])


def test_values_come_as_often_as_confidence_says(http: httpx.Client) -> None:
    """A hundred samples: a standard deviation is 0.05 at most."""
    sampling = {"temperature": 1, "top_p": 1, "top_k": 0}  # not the model's own
    body = asking("Review: fine, but far away.", {"enum": MOODS}, max_tokens=20, **sampling)
    (choice,) = choices_of(http, {**body, "confidence": True})
    counts = Counter(json.loads(made["message"]["content"]) for made in choices_of(http, {**body, "n": 100}))
    assert counts.total() == 100
    for each in choice["confidence"]["content"][""]["alternatives"]:
        assert counts[each["value"]] / 100 == pytest.approx(each["p"], abs=0.25)


def test_decisions(client: OpenAI) -> None:
    questions: list[Any] = [
        {"type": "predicate", "name": "refund", "instructions": "The customer wants money back."},
        {"type": "choice", "instructions": "What is it about?", "choices": [{"value": "billing"}, {"value": "bill"}]},
        {"type": "score", "instructions": "How urgent is it?", "levels": [{"label": "low"}, {"label": "high"}]},
    ]
    refund, choice, score = client.decisions.create(
        model=MODEL, input="Twice! Money back!", questions=questions
    ).answers
    assert refund.type == "predicate" and refund.name == "refund" and 0 < refund.probability < 1
    assert choice.type == "choice" and choice.choice in ("billing", "bill")
    assert score.type == "score" and 0 < score.score < 1
    for answer in (choice, score):
        assert sum(each.probability for each in answer.probabilities) == pytest.approx(1)


@pytest.mark.parametrize("temperature", [0, 1.3])
def test_quotes_are_spans_of_the_text(http: httpx.Client, temperature: float) -> None:
    quote = {"type": "string", "x-source": True, "minLength": 1, "maxLength": 30}
    schema = {"type": "object", "properties": {"seller": quote, "item": quote}, "required": ["seller", "item"]}
    body = asking(TEXT, schema, temperature=temperature, max_tokens=200)
    for made in choices_of(http, {**body, "n": 4}):
        document, places = json.loads(made["message"]["content"]), made["grounding"]["content"]
        assert places.keys() == {"/seller", "/item"}
        for pointer, place in places.items():
            assert place["source"] == "messages[0].content"
            assert TEXT[place["start"] : place["end"]] == document[pointer[1:]]
    if temperature == 0:
        assert last_of(http, body)["grounding"] == choices_of(http, body)[0]["grounding"]


@pytest.mark.parametrize("retries", ["feedback", "resample"])
def test_an_answer_that_is_checked_is_valid_or_an_error(http: httpx.Client, retries: str) -> None:
    item = {"enum": ["red", "green", "blue"]}
    schema = {"type": "array", "items": item, "minItems": 2, "maxItems": 2, "uniqueItems": True}
    for _ in range(6):
        response = http.post("/v1/chat/completions", json=asking("Two colours.", schema, retries=retries))
        if response.status_code == 200:
            Draft202012Validator(schema).validate(json.loads(response.json()["choices"][0]["message"]["content"]))
            assert 1 <= response.json()["usage"].get("attempts", 1) <= 3
        else:
            assert response.json()["error"]["code"] == "schema_violation"


def test_answers_are_documents_or_refusals(http: httpx.Client) -> None:
    body = asking("Tell me a secret.", REVIEW, refusal="allow", temperature=1.5, n=12, max_tokens=120)
    ends: Counter[tuple[str, bool]] = Counter()
    for made in choices_of(http, body):
        message, finish = made["message"], made["finish_reason"]
        assert (message["content"] is None) == (message["refusal"] is not None)
        ends[finish, message["content"] is None] += 1
        if finish == "stop" and message["refusal"] is None:
            Draft202012Validator(REVIEW).validate(json.loads(message["content"]))
    assert any(refused for _, refused in ends)


def test_turns_have_text_or_calls_and_no_call_twice(http: httpx.Client) -> None:
    for temperature in (0.3, 1.5) * math.ceil(TURNS / 32):
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Ping, then ping."}], "tools": TOOLS}
        for made in choices_of(http, {**body, "temperature": temperature, "n": 16, "max_tokens": 150}):
            calls = [call["function"] for call in made["message"].get("tool_calls") or ()]
            assert calls or (made["message"]["content"] or "").strip() or made["finish_reason"] == "length"
            assert len({(call["name"], json.dumps(call["arguments"])) for call in calls}) == len(calls)
            for call in calls[: len(calls) - (made["finish_reason"] == "length")]:
                Draft202012Validator(SCHEMAS[call["name"]]).validate(json.loads(call["arguments"]))
