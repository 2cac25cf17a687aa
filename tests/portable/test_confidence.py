"""The confidence of values, over a real engine with a tiny model, against brute force."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch
from llguidance import LLMatcher
from transformers import LlamaForCausalLM

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.portable import PortableArgs, PortableEngine
from latticework.generate.outcomes import OTHER
from tests.described import check
from tests.portable.test_scoring import BruteForce
from tests.serving import served

NAME = "tiny"
MESSAGES = [{"role": "user", "content": "How was it?"}]


class Noting(PortableEngine):
    """Keeps the samplings of its answers."""

    def __init__(self, args: PortableArgs) -> None:
        super().__init__(args)
        self.samplings: list[Sampling] = []

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        self.samplings.append(sampling)
        async for piece in super().generate(prompt, sampling, request_id):
            yield piece


@pytest.fixture(scope="module")
def engine(tiny: Path) -> Noting:
    return Noting(PortableArgs(str(tiny), served_model_name=[NAME], device="cpu"))


@pytest.fixture(scope="module")
def http(engine: Noting) -> Iterator[httpx.Client]:
    settings = Settings()
    with served(create_app(engine, settings=settings), settings) as server:
        host, port = server.address
        with httpx.Client(base_url=f"http://{host}:{port}", timeout=300) as http:
            yield http


@pytest.fixture(scope="module")
def model(tiny: Path) -> LlamaForCausalLM:
    return LlamaForCausalLM.from_pretrained(tiny, dtype=torch.float64)


def closed(**properties: Any) -> Any:
    return {"type": "object", "properties": properties, "required": list(properties)}


def format_of(schema: Any) -> Any:
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}


def behind(lead: bytes, text: bytes, ended: bool) -> Any:
    """The JSON value behind `lead`, with its type, once nothing can be added to it."""
    if not text.startswith(lead):
        return None if lead.startswith(text) else OTHER
    rest = text[len(lead) :].decode(errors="ignore")
    try:
        value, end = json.JSONDecoder().raw_decode(rest)
    except ValueError:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return type(value), value
    settled = ended or (end < len(rest) and rest[end] not in ".0123456789")
    return (float, int(value) if value == int(value) else value) if settled else None


WORDS = {"enum": ["neg", "negative", "neutral", "positive"]}
DIGITS = {"type": "integer", "minimum": 1, "maximum": 12}
PAIR = {"type": "array", "items": WORDS, "minItems": 2, "maxItems": 2}
SCHEMAS = [
    (closed(mood=WORDS), ["/mood"]),
    (closed(n=DIGITS), ["/n"]),
    (closed(a={"type": "boolean"}, b={"type": ["boolean", "null"]}, c={"const": "c"}), ["/a", "/b", "/c"]),
    (closed(x={"anyOf": [WORDS, {"type": "null"}, {"enum": [1, 2.5, True]}]}), ["/x"]),
    (closed(x={"enum": ["é", "è", "e", 'q"', "\n"]}, y={"enum": [-1, 0, 10, 100]}), ["/x", "/y"]),
    (closed(o=closed(**{"a/b": {"type": "boolean"}}), l=PAIR), ["/o/a~1b", "/l/0", "/l/1"]),
    ({"enum": [1, 10, 100, "one"]}, [""]),
    ({"type": "boolean"}, [""]),
]  # fmt: skip


@pytest.mark.parametrize(("schema", "pointers"), SCHEMAS, ids=range(len(SCHEMAS)))
def test_the_distribution_of_a_field_is_exact(
    http: httpx.Client, engine: Noting, model: LlamaForCausalLM, schema: Any, pointers: Sequence[str]
) -> None:
    engine.samplings.clear()
    body = {"model": NAME, "messages": MESSAGES, "response_format": format_of(schema), "confidence": True, "seed": 5}
    response = http.post("/v1/chat/completions", json={**body, "return_token_ids": True, "temperature": 0.7})
    check(response)
    completion = response.json()
    (choice,) = completion["choices"]
    assert choice["logprobs"] is None
    content = json.loads(choice["message"]["content"])
    found = choice["confidence"]["content"]
    assert list(found) == pointers

    tokenizer = engine.tokenizer.vocabulary.matchable
    tokens = choice["token_ids"]
    starts = list(accumulate((len(tokenizer.decode_bytes([token])) for token in tokens), initial=0))
    text = tokenizer.decode_bytes(tokens)
    at = 0
    for pointer in pointers:
        value = value_at(content, pointer)
        at = text.index(lead_of(pointer), at) + len(lead_of(pointer))
        first = bisect_right(starts, at) - 1
        matcher = LLMatcher(tokenizer, engine.samplings[0].grammar or "", log_level=0)
        matcher.consume_tokens(tokens[:first])
        decide = partial(behind, text[starts[first] : at])
        reference = BruteForce(model, tokenizer, [*completion["prompt_token_ids"], *tokens[:first]], decide)
        reference.follow(matcher)
        compare(found[pointer], value, {key: p for key, p in reference.masses.items() if key is not OTHER})


def value_at(document: Any, pointer: str) -> Any:
    for name in pointer.split("/")[1:]:
        document = document[int(name) if isinstance(document, list) else name.replace("~1", "/")]
    return document


def lead_of(pointer: str) -> bytes:
    """What stands before a member or an item."""
    name = pointer.rpartition("/")[2].replace("~1", "/")
    if name.isdecimal():
        return b"[" if name == "0" else b", "
    return f"{json.dumps(name)}: ".encode() if pointer else b""


def compare(confidence: Mapping[str, Any], value: Any, expected: Mapping[Any, float]) -> None:
    alternatives = confidence["alternatives"]
    ps = [alternative["p"] for alternative in alternatives]
    assert ps == sorted(ps, reverse=True)
    assert sum(ps) == pytest.approx(1)
    total = sum(expected.values())
    masses = {repr(listed): p / total for (_, listed), p in expected.items()}
    assert masses.keys() <= {repr(entry["value"]) for entry in alternatives}
    for entry in alternatives:  # brute force leaves off what is negligible
        assert entry["p"] == pytest.approx(masses.get(repr(entry["value"]), 0.0), abs=1e-4), entry
    assert [confidence["p"]] == [
        entry["p"]
        for entry in alternatives
        if entry["value"] == value and isinstance(entry["value"], bool) == isinstance(value, bool)
    ]


SCHEMA = closed(mood=WORDS, n=DIGITS, s={"type": "string", "maxLength": 4})
FORMAT = {"type": "json_schema", "schema": SCHEMA}
FUNCTION = {"name": "note", "parameters": SCHEMA}
# Of each API: requests for a document and for calls.
APIS: dict[str, list[dict[str, Any]]] = {
    "/v1/chat/completions": [
        {"messages": MESSAGES, "response_format": format_of(SCHEMA)},
        {"messages": MESSAGES, "tools": [{"type": "function", "function": FUNCTION}], "tool_choice": "required"},
    ],
    "/v1/completions": [{"prompt": "Well, ", "structured_outputs": {"json": SCHEMA}, "max_tokens": 200}],
    "/v1/responses": [
        {"input": "How was it?", "text": {"format": {"name": "answer", **FORMAT}}},
        {"input": "How was it?", "tools": [{"type": "function", **FUNCTION}], "tool_choice": "required"},
    ],
    "/v1/messages": [
        {"messages": MESSAGES, "output_config": {"format": FORMAT}, "max_tokens": 200},
        {
            "messages": MESSAGES,
            "tools": [{"name": "note", "input_schema": SCHEMA}],
            "tool_choice": {"type": "any"},
            "max_tokens": 200,
        },
    ],
}


@pytest.mark.parametrize(("path", "fields"), [(path, fields) for path, asked in APIS.items() for fields in asked])
def test_a_stream_has_the_confidence_of_the_whole(http: httpx.Client, path: str, fields: dict[str, Any]) -> None:
    body = {"model": NAME, "seed": 3, "temperature": 0, "confidence": True, **fields}
    whole = http.post(path, json=body)
    assert whole.status_code == 200, whole.text
    streamed = http.post(path, json={**body, "stream": True})
    data = [line.removeprefix("data: ") for line in streamed.text.splitlines() if line.startswith("data: {")]
    (found,) = [places for event in data for places in confidences(rounded(event))]
    assert [found] == list(confidences(rounded(whole.text)))
    parts = [found["content"]] if "content" in found else found["calls"]
    assert parts and all(list(part) == ["/mood", "/n", "/s"] for part in parts)
    assert all("alternatives" in part["/mood"] and "alternatives" not in part["/s"] for part in parts)


def rounded(text: str) -> Any:
    """The engine computes in 32 bits, and its batches differ."""
    return json.loads(text, parse_float=lambda number: round(float(number), 4))


def confidences(value: Any) -> Iterator[Any]:
    """Wherever a body or an event has one."""
    if isinstance(value, dict):
        if isinstance(value.get("confidence"), dict):
            yield value["confidence"]
        for inner in value.values():
            yield from confidences(inner)
    elif isinstance(value, list):
        for item in value:
            yield from confidences(item)
