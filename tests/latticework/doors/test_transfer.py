"""Prefill and decode in different engines: what the connectors of engines say to each other through this server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from latticework import create_app
from latticework.engines.base import Piece, Sampling
from tests.http import USER, events, send
from tests.latticework.generate.test_generation import Thinking
from tests.scripted import ScriptedEngine, says

PREFILL = {"do_remote_decode": True, "do_remote_prefill": False, "remote_block_ids": None}
DECODE = {"do_remote_prefill": True, "remote_block_ids": [[1, 2]], "remote_host": "10.0.0.1", "remote_port": 5600}
ASKED: Mapping[str, Mapping[str, Any]] = {
    "/v1/chat/completions": {"messages": [USER]},
    "/v1/completions": {"prompt": "a"},
    "/v1/responses": {"input": "a"},
    "/v1/messages": {"messages": [USER], "max_tokens": 9},
}
HERE = ("/v1/chat/completions", "/v1/completions")
DOCUMENT = {"type": "json_schema", "json_schema": {"name": "d", "schema": {"type": "object"}}}
TOOLS = [{"type": "function", "function": {"name": "add", "parameters": {"type": "object"}}}]


async def hands_over(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
    """As a connector does for each answer that ends."""
    yield Piece("a", (0,))
    yield Piece("", (0,), finish="stop", transfer=DECODE)


def ask(engine: ScriptedEngine, path: str, **fields: Any) -> httpx.Response:
    return send(create_app(engine), "POST", path, json={"model": "scripted", **ASKED[path], **fields})


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("usage", [False, True])
def test_the_engine_gets_them_and_the_client_gets_its_answer(path: str, usage: bool) -> None:
    engine = ScriptedEngine(hands_over)
    assert ask(engine, path, kv_transfer_params=PREFILL).json()["kv_transfer_params"] == DECODE
    options = {"stream_options": {"include_usage": True}} if usage else {}
    *first, last, done = events(ask(engine, path, kv_transfer_params=PREFILL, stream=True, **options))
    assert (last["kv_transfer_params"], last["choices"], done) == (DECODE, [], "[DONE]")
    assert ("usage" in last) == usage
    assert not any("kv_transfer_params" in chunk for chunk in first)
    assert [sampling.transfer for sampling in engine.asked] == [PREFILL] * 2


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("absent", [{}, {"kv_transfer_params": None}, {"kv_transfer_params": {}}])
def test_a_request_without_them_is_as_before(path: str, absent: dict[str, Any]) -> None:
    engine = ScriptedEngine(says("a"))
    assert "kv_transfer_params" not in ask(engine, path, **absent).json()
    *_, last, done = events(ask(engine, path, stream=True, **absent))
    assert (last["choices"][0]["finish_reason"], done) == ("stop", "[DONE]")
    assert [sampling.transfer for sampling in engine.asked] == [None] * 2


class Alone(ScriptedEngine):
    """It has no connector."""

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        return None if sampling.transfer is None else ("transfer", "The engine is alone: start it with others.")


@pytest.mark.parametrize("path", HERE)
def test_an_engine_without_a_connector_refuses_them_by_their_name(path: str) -> None:
    error = ask(Alone(says("a")), path, kv_transfer_params=DECODE).json()["error"]
    assert (error["param"], error["message"]) == ("kv_transfer_params", "The engine is alone: start it with others.")


@pytest.mark.parametrize("path", ["/v1/responses", "/v1/messages"])
def test_other_apis_refuse_them_by_name(path: str) -> None:
    response = ask(ScriptedEngine(says("a")), path, kv_transfer_params=DECODE)
    assert response.status_code == 400
    assert "'kv_transfer_params' is for /v1/chat/completions" in response.json()["error"]["message"]
    assert ask(ScriptedEngine(says("a")), path, kv_transfer_params={}).status_code == 200


@pytest.mark.parametrize("path", HERE)
@pytest.mark.parametrize("value", [7, [], {"remote_port": 1 << 64}, {"a": [{"b": -1 << 70}]}])
def test_what_no_engine_core_can_be_sent_is_refused(path: str, value: Any) -> None:
    response = ask(ScriptedEngine(says("a")), path, kv_transfer_params=value)
    assert (response.status_code, response.json()["error"]["param"]) == (400, "kv_transfer_params")


def test_numbers_keep_their_type() -> None:
    engine = ScriptedEngine(says("a"))
    values = {"half": 0.5, "tenth": 0.1, "one": 1, "most": (1 << 64) - 1, "none": None}
    assert ask(engine, "/v1/completions", kv_transfer_params=values).status_code == 200
    assert engine.asked[0].transfer == values
    assert isinstance(engine.asked[0].transfer["tenth"], float)


def test_they_are_about_one_prompt_and_one_answer() -> None:
    engine = ScriptedEngine(hands_over)
    error = ask(engine, "/v1/completions", prompt=["a", "b"], kv_transfer_params=DECODE).json()["error"]
    assert error["param"] == "kv_transfer_params"
    assert not engine.asked
    ask(engine, "/v1/chat/completions", n=3, kv_transfer_params=DECODE)
    assert sorted(str(sampling.transfer) for sampling in engine.asked) == sorted([str(DECODE), "None", "None"])


def test_an_answer_that_is_tried_again_fetches_nothing_again() -> None:
    """A grammar can't forbid twins of items."""
    schema = {"type": "array", "items": {"type": "object"}, "uniqueItems": True, "maxItems": 2}
    engine = ScriptedEngine(says("[{}, {}]"))
    response = ask(engine, "/v1/completions", structured_outputs={"json": schema}, kv_transfer_params=DECODE)
    assert response.status_code == 503
    assert [sampling.transfer for sampling in engine.asked] == [DECODE, *[None] * (len(engine.asked) - 1)]
    assert len(engine.asked) > 1


def test_a_prompt_behind_the_reasoning_fetches_nothing_again() -> None:
    for budget, transfers in ((1, [DECODE, None]), (0, [DECODE])):
        engine = ScriptedEngine(says("<think>\n", "hm", "hm"), tokenizer=Thinking())
        ask(engine, "/v1/chat/completions", max_reasoning_tokens=budget, kv_transfer_params=DECODE)
        assert [sampling.transfer for sampling in engine.asked] == transfers


def test_a_prefill_of_a_required_call_needs_no_room_for_it() -> None:
    """Routers of prefills ask for one token."""
    call = {"tools": TOOLS, "tool_choice": "required", "max_tokens": 1}
    engine = ScriptedEngine(says("<", finish="length"))
    assert ask(engine, "/v1/chat/completions", **call).status_code == 400
    assert ask(engine, "/v1/chat/completions", **call, kv_transfer_params=PREFILL).status_code == 200


@pytest.mark.parametrize(
    "fields", [{"response_format": DOCUMENT}, {"tools": TOOLS}, {"response_format": DOCUMENT, "tools": TOOLS}]
)
@pytest.mark.parametrize("finish", ["stop", "length"])
def test_an_answer_that_would_be_completed_returns_them(fields: dict[str, Any], finish: Any) -> None:
    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("{}", tuple(b"{}"))
        yield Piece("", (0,), finish=finish, transfer=DECODE)

    answer = ask(ScriptedEngine(script), HERE[0], **fields, truncation="close", kv_transfer_params=PREFILL).json()
    assert answer["kv_transfer_params"] == DECODE


def test_an_answer_without_room_to_go_on_returns_them() -> None:
    """The prefill's one token ends the turn, in the reasoning."""

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        yield Piece("", (0,), finish="stop", transfer=DECODE)

    engine = ScriptedEngine(script, tokenizer=Thinking())
    answer = ask(engine, HERE[0], max_tokens=1, kv_transfer_params=PREFILL).json()
    assert (answer["kv_transfer_params"], len(engine.asked)) == (DECODE, 1)
