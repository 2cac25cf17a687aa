"""Real tools, end to end, in several wire formats: the grammar makes the small model speak any of them."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from jsonschema.validators import Draft202012Validator

from tests import shared
from tests.e2e.conftest import MODEL

FORMATS = ("hermes", "qwen3_coder", "pythonic", "mistral_v3", "deepseek_v31")
CHOICES = ("required", "auto", "named")
ROWS = 45


def rows() -> list[dict[str, Any]]:
    small = [row for row in shared.rows("bfcl_dev") if len(json.dumps(row["tools"])) < 3000]
    return small[:: len(small) // ROWS][:ROWS]


def tool_choice(row: dict[str, Any], choice: str) -> Any:
    name = row["tools"][0]["function"]["name"]
    return {"type": "function", "function": {"name": name}} if choice == "named" else choice


def outcome(http: httpx.Client, index: int, row: dict[str, Any]) -> str:
    """Every finished call names an offered tool and fits its schema."""
    choice = CHOICES[index % len(CHOICES)]
    response = http.post(
        "/v1/chat/completions",
        json={
            "model": MODEL,
            "messages": row["messages"],
            "tools": row["tools"],
            "tool_choice": tool_choice(row, choice),
            "tool_format": FORMATS[index % len(FORMATS)],
            "parallel_tool_calls": False,
            "max_tokens": 120,
            "seed": index,
        },
    )
    assert response.status_code == 200, response.text
    answer = response.json()["choices"][0]
    calls = answer["message"].get("tool_calls", [])
    if answer["finish_reason"] == "length":
        return "cut"
    assert (answer["finish_reason"] == "tool_calls") == bool(calls)
    parameters = {tool["function"]["name"]: tool["function"]["parameters"] for tool in row["tools"]}
    for call in calls:
        Draft202012Validator(parameters[call["function"]["name"]]).validate(json.loads(call["function"]["arguments"]))
    if choice != "auto":
        assert len(calls) == 1
    return f"{FORMATS[index % len(FORMATS)]} {'called' if calls else 'said'}"


def test_rows_of_bfcl(http: httpx.Client) -> None:
    chosen = rows()
    with ThreadPoolExecutor(16) as pool:
        outcomes = Counter(pool.map(lambda numbered: outcome(http, *numbered), enumerate(chosen)))
    assert outcomes.total() == len(chosen) == ROWS
    for format in FORMATS:
        assert outcomes[f"{format} called"] >= 3, outcomes


@pytest.mark.parametrize("format", FORMATS)
def test_a_call_is_the_same_whole_and_streamed(http: httpx.Client, format: str) -> None:
    row = rows()[3]
    ask = {"model": MODEL, "messages": row["messages"], "tools": row["tools"], "tool_choice": "required",
           "parallel_tool_calls": False, "temperature": 0, "max_tokens": 200, "tool_format": format}  # fmt: skip
    whole = http.post("/v1/chat/completions", json=ask).json()["choices"][0]
    streamed = http.post("/v1/chat/completions", json={**ask, "stream": True}).text.split("\n\n")
    chunks = [json.loads(line.removeprefix("data: "))["choices"][0] for line in streamed if line[:7] == "data: {"]
    assert chunks[-1]["finish_reason"] == whole["finish_reason"]
    if whole["finish_reason"] == "length":
        (cut,), (streamed_cut,) = (part["incomplete_tool_calls"] for part in (whole["message"], chunks[-1]["delta"]))
        assert cut.items() <= streamed_cut.items()
        return
    pieces = [call["function"] for chunk in chunks for call in chunk["delta"].get("tool_calls", ())]
    function = whole["message"]["tool_calls"][0]["function"]
    assert pieces[0]["name"] == function["name"]
    assert "".join(piece["arguments"] for piece in pieces) == function["arguments"]
