"""What is asked in a soak: requests of every kind, the same for the same seed."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmarks import workload
from tests.e2e.test_bad_input import BAD
from tests.fuzz.compiling import real_schemas
from tests.fuzz.parsing import BODY, BYTES
from tests.latticework.test_hostile import HOSTILE
from tests.latticework.test_mutations import REQUEST
from tests.mutation import mutated

CHAT, GRAMMARS = "/v1/chat/completions", "/v1/grammars"
OVERSIZE = b'{"x": "' + b"y" * (16 * 2**20) + b'"}'
# Distinct schemas of strangers, and requests that are almost right: few enough that a server has seen them all when its
# memory is first looked at.
SCHEMAS = 40
ALMOST = 100
CODE = r"[A-Z]{2}-[0-9]{3}"
LARK = 'start: "select " NAME (", " NAME)*\nNAME: /[a-z]{1,8}/'

Body = dict[str, Any]


@dataclass(frozen=True)
class Asked:
    """`status`: the first digit of a right answer's, None where both are right. `leaves`: after so many seconds."""

    kind: str
    content: bytes
    status: int | None = 2
    path: str = CHAT
    method: str = "POST"
    leaves: float | None = None


def mix(count: int, seed: int, model: str = "scripted") -> Iterator[Asked]:
    """So many requests, of each kind by its weight."""
    rng = random.Random(seed)
    kinds = [kind for kind, weight in WEIGHTS.items() for _ in range(weight)]
    for _ in range(count):
        yield rng.choice(kinds)(rng, model)


def _chat(rng: random.Random, model: str, fields: Mapping[str, Any]) -> Body:
    body = {
        "model": model,
        "messages": [{"role": "user", "content": rng.choice(("Hi.", "Tell me more.", "An example, please: é 東京"))}],
        "max_tokens": rng.choice((8, 60, 200, 400)),
        "temperature": 1,
        "seed": rng.randrange(2**31),
        "stream": rng.random() < 0.5,
        **fields,
    }
    if body.get("tool_choice") == "required":
        body["max_tokens"] = 600  # room for the shortest call of any of the tools
    if rng.random() < 0.1:
        body |= {"logprobs": True, "top_logprobs": rng.randrange(3)}
    if rng.random() < 0.1:
        body["n"] = 2
    if body["stream"] and rng.random() < 0.3:
        body["stream_options"] = {"include_usage": True}
    return body


def _valid(kind: str, fields: Callable[[random.Random], Mapping[str, Any]]) -> Callable[[random.Random, str], Asked]:
    return lambda rng, model: Asked(kind, json.dumps(_chat(rng, model, fields(rng))).encode())


def _schema(schema: Any) -> Body:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}


def _free(rng: random.Random) -> Body:
    return {"stop": ["Bergen"]} if rng.random() < 0.3 else {}


def _document(rng: random.Random) -> Body:
    if rng.random() < 0.1:
        return {"response_format": {"type": "json_object"}}
    return {"response_format": rng.choice(EXTRACTION).body["response_format"]}


def _tools(rng: random.Random) -> Body:
    first = rng.randrange(12)
    pair = EXTRACTION[first], EXTRACTION[first - 1]
    schemas = [task.body["response_format"]["json_schema"]["schema"] for task in pair]
    tools = [
        {"type": "function", "function": {"name": f"save_{index}", "parameters": schema}}
        for index, schema in enumerate(schemas)
    ]
    beside = {"response_format": {"type": "json_object"}} if rng.random() < 0.2 else {}
    return {"tools": tools, "tool_choice": rng.choice(("auto", "required")), **beside}


def _custom(rng: random.Random) -> Body:
    syntax, definition = rng.choice((("regex", CODE), ("lark", LARK)))
    form = {"type": "grammar", "grammar": {"syntax": syntax, "definition": definition}}
    tools = [
        {"type": "custom", "custom": {"name": "plain"}},
        {"type": "custom", "custom": {"name": "c", "format": form}},
    ]
    return {"tools": tools, "tool_choice": rng.choice(("auto", "required"))}


def _structured(rng: random.Random) -> Body:
    return {
        "structured_outputs": rng.choice(
            (
                {"choice": ["yes", "no", "é"]},
                {"regex": CODE},
                {"grammar": LARK},
                {"json": {"type": "array", "items": {"type": "integer"}, "maxItems": 3}},
            )
        )
    }


def _explained(rng: random.Random, model: str) -> Asked:
    body = {"model": model, **rng.choice((_document, _tools, _custom, _structured))(rng)}
    return Asked("explained", json.dumps(body).encode(), path=GRAMMARS)


def _stranger(rng: random.Random, model: str) -> Asked:
    schema = STRANGERS[rng.randrange(len(STRANGERS))]
    return Asked("strangers' schemas", json.dumps(_chat(rng, model, _schema(schema))).encode(), None)


def _almost(rng: random.Random, model: str) -> Asked:
    few = random.Random(rng.randrange(ALMOST))
    body = {**REQUEST, "model": model, "tool_choice": few.choice(("none", "auto")), "stream": few.random() < 0.5}
    return Asked("almost right", json.dumps(mutated(body, few)).encode(), None)


def _bad(rng: random.Random, model: str) -> Asked:
    """What is too long for the small model of those tests is not so here."""
    fields, _, _ = rng.choice(list(BAD.values()))
    status = None if fields.keys() & {"max_tokens", "messages", "logit_bias"} else 4
    return Asked("bad", json.dumps({**_chat(rng, model, {}), **fields}).encode(), status)


def _broken(rng: random.Random, model: str) -> Asked:
    at = rng.randrange(len(BODY))
    return Asked("broken JSON", BODY[:at] + rng.choice(BYTES) + BODY[at + 1 :], 4)


def exclusive(groups: int, branches: int) -> Any:
    """Each group multiplies what has to be told apart."""
    return {
        "allOf": [
            {"oneOf": [{"properties": {f"k{i}{j}": {"const": j}}, "required": [f"k{i}{j}"]} for j in range(branches)]}
            for i in range(groups)
        ]
    }


def _hostile(rng: random.Random, model: str) -> Asked:
    fields = rng.choice([*(fields for fields, _, _ in HOSTILE), _schema(exclusive(9, 4))])
    return Asked("hostile", json.dumps(_chat(rng, model, fields)).encode(), None)


def _oversize(rng: random.Random, model: str) -> Asked:
    return Asked("oversize", OVERSIZE, 4)


def _lost(rng: random.Random, model: str) -> Asked:
    method, path = rng.choice((("GET", "/v1/nowhere"), ("GET", CHAT), ("DELETE", "/v1/models"), ("POST", "/health")))
    return Asked("no such route", b"", 4, path, method)


def _cancelled(rng: random.Random, model: str) -> Asked:
    asked = rng.choice((_valid("", _document), _valid("", _tools), _valid("", _free)))(rng, model)
    return replace(asked, kind="cancelled", leaves=rng.choice((0.001, 0.01, 0.05)))


EXTRACTION = workload.extraction(12)
STRANGERS = list(real_schemas()[:: max(1, len(real_schemas()) // SCHEMAS)])
WEIGHTS: Mapping[Callable[[random.Random, str], Asked], int] = {
    _valid("text", _free): 20,
    _valid("documents", _document): 36,
    _valid("tools", _tools): 24,
    _valid("custom tools", _custom): 14,
    _valid("structured outputs", _structured): 14,
    _explained: 8,
    _stranger: 16,
    _almost: 24,
    _bad: 12,
    _broken: 10,
    _hostile: 3,
    _oversize: 1,
    _lost: 4,
    _cancelled: 18,
}
