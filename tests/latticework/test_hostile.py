"""Requests made to stall a server: each ends in an error that says what is wrong, and no other waits for it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import httpx
import pytest
from starlette.types import ASGIApp

from latticework import Settings, create_app
from latticework.engines.base import Piece, Sampling
from latticework.engines.vocabulary import Vocabulary
from tests.http import USER, chat, events, send
from tests.latticework.compiling.faults import FAULTY, schema
from tests.scripted import ByteTokenizer, ScriptedEngine, says

SCHEMA = "response_format.json_schema.schema"


def asked(schema: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": schema}}}


def regex(pattern: str) -> dict[str, Any]:
    return {"structured_outputs": {"regex": pattern}}


def custom(syntax: str, definition: str) -> dict[str, Any]:
    grammar = {"syntax": syntax, "definition": definition}
    return {"tools": [{"type": "custom", "custom": {"name": "c", "format": {"type": "grammar", "grammar": grammar}}}]}


def nested(depth: int) -> Any:
    found: Any = {}
    for _ in range(depth):
        found = {"items": found}
    return found


HOSTILE = [
    (asked({"enum": [f"{n:>30}" for n in range(60_000)]}), "max_schema_bytes", SCHEMA),
    (asked({"enum": list(range(60_000))}), "max_enum_values", f"{SCHEMA}.enum"),
    (asked({"properties": {f"p{n}": {} for n in range(10_001)}}), "max_properties", f"{SCHEMA}.properties"),
    (asked(nested(200)), "max_schema_depth", SCHEMA + ".items" * 128),
    (asked({"pattern": "(a{1,5000}){1,5000}"}), "max_repetitions", f"{SCHEMA}.pattern"),
    (asked({"pattern": "a" * 5000}), "max_pattern_length", f"{SCHEMA}.pattern"),
    (asked({"$ref": "#"}), "refers to itself", SCHEMA),
    (asked({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
     "refers to itself", f"{SCHEMA}.$defs.a"),
    (regex("(a{1,5000}){1,5000}"), "max_repetitions", "structured_outputs.regex"),
    (regex("("), "compile", "structured_outputs.regex"),
    ({"structured_outputs": {"choice": ["x"] * 60_000}}, "max_enum_values", "structured_outputs.choice"),
    ({"structured_outputs": {"grammar": "start: nowhere"}}, "nowhere", "structured_outputs.grammar"),
    (custom("regex", "(a{1,5000}){1,5000}"), "max_repetitions", "tools[0].custom.format.grammar.definition"),
    (custom("lark", "start: /a/" + "#" * 2**20), "max_schema_bytes", "tools[0].custom"),
    ({"tools": [{"type": "function", "function": {"name": f"t{n}"}} for n in range(513)]}, "max_tools", "tools"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "named", "param"), HOSTILE, ids=[str(index) for index in range(len(HOSTILE))])
def test_what_is_too_much_is_named(fields: dict[str, Any], named: str, param: str) -> None:
    engine = ScriptedEngine(says("hello"))
    response = chat(create_app(engine), **fields)
    error = response.json()["error"]
    assert response.status_code == 400
    assert named in error["message"]
    assert len(error["message"]) < 1000
    assert error["param"] == param
    assert engine.asked == []


def test_limits_are_settings() -> None:
    served = create_app(ScriptedEngine(says("{}")), settings=Settings(max_properties=1))
    one, two = ({"type": "object", "properties": dict.fromkeys(names, True)} for names in ("a", "ab"))
    assert chat(served, **asked(one)).status_code == 200
    assert "max_properties" in chat(served, **asked(two)).json()["error"]["message"]


@pytest.mark.parametrize(
    "fields", [regex("a"), {"structured_outputs": {"grammar": 'start: "a"'}}, custom("lark", 'start: "a"')]
)
def test_grammars_of_clients_can_be_switched_off(fields: dict[str, Any]) -> None:
    served = create_app(ScriptedEngine(says("a")), settings=Settings(no_client_grammars=True))
    response = chat(served, **fields)
    assert response.status_code == 400
    assert "JSON Schema" in response.json()["error"]["message"]
    assert chat(served, structured_outputs={"choice": ["a"]}).status_code == 200


def test_a_body_of_too_many_values_is_not_decoded() -> None:
    body = b'{"model": "scripted", "messages": [' + b"{}," * 200_000 + b"{}]}"
    response = send(create_app(ScriptedEngine(says("a"))), "POST", "/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] == "request_too_large"


class FaultyTokenizer(ByteTokenizer):
    vocabulary: Vocabulary = FAULTY


def faulty(answer: str, compile_timeout: float = 60) -> ASGIApp:
    return create_app(
        ScriptedEngine(says(answer), tokenizer=FaultyTokenizer()), settings=Settings(compile_timeout=compile_timeout)
    )


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("hang", 400, "compile_timeout"),
        ("grow", 400, "compile_memory"),
        ("overflow", 400, "compile_crash"),
        ("die", 503, "compile_failed"),
        ("break", 500, "internal_error"),
    ],
)
def test_a_compile_that_goes_wrong_is_told_and_the_next_request_is_served(fault: str, status: int, code: str) -> None:
    served = faulty('"fine"', compile_timeout=1 if fault == "hang" else 60)
    response = chat(served, **asked(schema(fault)))
    assert response.status_code == status
    assert response.json()["error"]["code"] == code
    assert chat(faulty('"fine"'), **asked(schema("fine"))).status_code == 200


def test_others_are_served_while_one_compiles() -> None:
    """With a schema, without, and in the middle of a stream."""

    async def once() -> None:
        engine = ScriptedEngine(says('"fine"'), tokenizer=FaultyTokenizer())
        transport = httpx.ASGITransport(create_app(engine, settings=Settings(compile_timeout=30)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None) as client:

            async def ask(**fields: Any) -> httpx.Response:
                body = {"model": "scripted", "messages": [USER], **fields}
                return await client.post("/v1/chat/completions", content=json.dumps(body))

            assert (await ask(**asked(schema("fine")))).status_code == 200
            hostile = asyncio.create_task(ask(**asked(schema("hang"))))
            for fields in ({}, asked(schema("fine")), {"stream": True}):
                assert (await ask(**fields)).status_code == 200
            assert not hostile.done()
            hostile.cancel()
            await asyncio.gather(hostile, return_exceptions=True)

    asyncio.run(once())


def test_a_schema_that_takes_too_long_times_out() -> None:
    """Within all limits, and seconds of work for any machine: nothing here is slow on purpose."""
    served = create_app(ScriptedEngine(says("hello")), settings=Settings(compile_timeout=0.2))
    optional = {f"p{n}": {"type": "string"} for n in range(8000)}
    error = chat(served, **asked({"type": "object", "properties": optional})).json()["error"]
    assert error["code"] in ("compile_timeout", "compile_busy")


def test_the_event_loop_stays_free_while_a_large_schema_compiles() -> None:
    """Generously, for machines are busy; benchmarks tell how free."""
    names = [f"property_{n}" for n in range(2000)]
    large = {"type": "object", "properties": {name: {"type": "string", "title": "x" * 400} for name in names}}
    beats: list[float] = []

    async def beat() -> None:
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.002)
            beats.append(loop.time() - before)

    async def once() -> None:
        transport = httpx.ASGITransport(create_app(ScriptedEngine(says("{}")), settings=Settings(compile_timeout=60)))
        async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None) as client:
            body = json.dumps({"model": "scripted", "messages": [USER], **asked(large)})
            heart = asyncio.create_task(beat())
            response = await client.post("/v1/chat/completions", content=body)
            heart.cancel()
            assert response.status_code == 200, response.text[:300]

    asyncio.run(once())
    # A compile on the loop, or one that holds Python's lock, would leave no room for beats.
    assert len(beats) > 20


ENDLESS, TEXT = r"^((a|aa)+)\1b$", "a" * 100 + "!"
CATASTROPHES = [
    ({"type": "string", "pattern": ENDLESS}, json.dumps(TEXT)),
    ({"patternProperties": {ENDLESS: {"type": "string"}}}, json.dumps({TEXT: 1})),
    (
        {"anyOf": [{"patternProperties": {ENDLESS: {}}}, {"minProperties": 1}], "unevaluatedProperties": False},
        json.dumps({TEXT: 1}),
    ),
]


@pytest.mark.parametrize(("schema", "answer"), CATASTROPHES)
def test_a_check_that_has_no_end_is_given_up_and_counts_as_failed(schema: Any, answer: str) -> None:
    served = create_app(ScriptedEngine(says(answer)), settings=Settings(attempts=1))
    response = chat(served, **asked(schema))
    assert response.status_code == 503
    assert response.json()["error"]["code"] == "schema_violation"
    assert "couldn't be checked" in response.json()["error"]["message"]


def test_a_special_token_that_a_client_names_stays_text() -> None:
    text = "<|im_end|></tool_call>"
    tool = {"type": "function", "function": {"name": "tool", "parameters": {"properties": {text: {"const": text}}}}}

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        assert "<[" not in (sampling.grammar or "").replace("<[1]>", "").replace("<[2]>", "")
        yield Piece("hello", (0,), finish="stop")

    class Tokenizer(ByteTokenizer):
        vocabulary = Vocabulary(
            "byte", special_tokens={"<tool_call>": 1, "</tool_call>": 2, "<|im_end|>": 3, "tool": 4}
        )

    served = create_app(ScriptedEngine(script, tokenizer=Tokenizer()))
    *_, last = events(chat(served, tools=[tool], stream=True))
    assert last == "[DONE]"
