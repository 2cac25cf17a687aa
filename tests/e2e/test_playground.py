"""How each token came, over a real engine: told in full, by the engine itself."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import MODEL
from tests.e2e.test_drafts import EXTRACT, passes

TOOL = {
    "type": "function",
    "function": {
        "name": "find_invoices",
        "parameters": {
            "type": "object",
            "properties": {"vendor": {"type": "string", "maxLength": 30}, "unpaid_only": {"type": "boolean"}},
            "required": ["vendor", "unpaid_only"],
        },
    },
}
ASKED: dict[str, dict[str, Any]] = {
    "a document": EXTRACT,
    "a document, cut": {**EXTRACT, "max_tokens": 40},
    "a document, sampled": {**EXTRACT, "temperature": 1},
    "with log probabilities": {**EXTRACT, "logprobs": True},
    "free text": {"model": MODEL, "messages": EXTRACT["messages"], "max_tokens": 12, "temperature": 0},
}


def counted(http: httpx.Client) -> dict[str, float]:
    """Our own counts of tokens, once no request is at work: a stream's client has its end before it is counted."""
    told = http.get("/metrics").text
    while "latticework_requests_in_progress 0.0\n" not in told:
        told = http.get("/metrics").text
    found = re.findall(r"^latticework_(\w+)_tokens_total{[^}]*} (\S+)$", told, re.MULTILINE)
    return {name: float(value) for name, value in found}


def streamed(http: httpx.Client, **asked: Any) -> list[dict[str, Any]]:
    """The choices of all chunks."""
    response = http.post("/v1/chat/completions", json={**asked, "stream": True, "token_sources": True})
    assert response.status_code == 200, response.text
    lines = [line.removeprefix("data: ") for line in response.text.split("\n\n") if line]
    assert lines.pop() == "[DONE]"
    return [choice for line in lines for choice in json.loads(line)["choices"]]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_the_sources_of_all_tokens_add_up(http: httpx.Client, asked: dict[str, Any]) -> None:
    before, spent = counted(http), passes(http)
    choices = streamed(http, **asked)
    after, spent = counted(http), passes(http) - spent
    told = [one for choice in choices for one in choice.get("token_sources", ())]
    content = "".join(choice["delta"].get("content", "") for choice in choices)
    assert "".join(one["text"] for one in told) == content
    counts = Counter(one["source"] for one in told)
    counts["completion"] = len(told)
    grown = {name: after[name] - before.get(name, 0) for name in ("forced", "copied", "completion")}
    assert grown == {name: counts[name] for name in grown}
    assert counts["sampled"] == spent


def test_a_call_is_told_as_the_model_wrote_it(http: httpx.Client) -> None:
    asked = {name: value for name, value in EXTRACT.items() if name != "response_format"}
    choices = streamed(http, **asked, tools=[TOOL], tool_choice="required", parallel_tool_calls=False)
    told = [one for choice in choices for one in choice.get("token_sources", ())]
    written = "".join(one["text"] for one in told)
    calls = [call for choice in choices for call in choice["delta"].get("tool_calls", ())]
    arguments = json.loads("".join(call["function"]["arguments"] for call in calls))
    assert arguments.keys() == {"vendor", "unpaid_only"}
    assert '"find_invoices"' in written
    assert {one["source"] for one in told} >= {"forced", "sampled"}


def test_an_answer_is_the_same_whether_it_is_told_or_not(http: httpx.Client) -> None:
    told = http.post("/v1/chat/completions", json={**EXTRACT, "token_sources": True}).json()["choices"][0]
    plain = http.post("/v1/chat/completions", json=EXTRACT).json()["choices"][0]
    assert told.pop("token_sources")
    assert told == plain


def test_the_page_is_off_beside_keys(http: httpx.Client) -> None:
    assert http.get("/playground").status_code == 404
