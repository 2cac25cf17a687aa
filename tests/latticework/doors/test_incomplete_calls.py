"""Calls that are cut, at every character: no client runs them, whole or streamed, in any wire format."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp

from latticework import Settings, create_app
from latticework.doors.chat.chunks import Chunk
from latticework.doors.chat.response import fold_chunks
from latticework.doors.common.call_text import ArgumentsText
from latticework.engines.base import Piece, Sampling
from tests.http import chat, events
from tests.scripted import Script, ScriptedEngine, says
from turngrammar.formats import FORMATS
from turngrammar.render import Call, render

PARAMETERS = {
    "type": "object",
    "properties": {
        "pattern": {"type": "string"},
        "depth": {"type": "integer"},
        "dry": {"type": "boolean"},
        "only": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}
REMOVE = {"type": "function", "function": {"name": "remove", "parameters": PARAMETERS}}
RUN = {"type": "custom", "custom": {"name": "run"}}
NUMBERED = {"type": "function", "function": {"name": "numbered", "parameters": {"type": "object", "properties": {
    "n": {"type": "integer"}, "sure": {"type": "boolean"}}}}}  # fmt: skip
TOOLS = [REMOVE, RUN, NUMBERED]
# One of several kinds of formats each: JSON in tags, JSON alone, XML, harmony, marked, Python's, a list.
KINDS = ["hermes", "llama3", "qwen3_coder", "harmony", "mistral_v11", "pythonic", "deepseek_v31", "gemma4"]
CALLS: dict[str, tuple[Call, ...]] = {
    "strings first": (Call("remove", '{"pattern": "*.tmp \\\\ é", "depth": 12, "dry": true, "only": ["a", "b"]}'),),
    "a number first": (Call("numbered", '{"n": -12, "sure": false}'),),
    "a word first": (Call("numbered", '{"sure": false}'),),
    "a list first": (Call("remove", '{"only": ["a"]}'),),
    "no arguments": (Call("remove", "{}"),),
    "custom": (Call("run", '{"input": "rm -r \\"x\\"\\n"}'),),
    "custom, no text": (Call("run", '{"input": ""}'),),
    "two": (Call("numbered", '{"n": 1}'), Call("remove", '{"pattern": "a"}')),
}


@dataclass
class Saying:
    """What the engine of all these tests says next. One app compiles each turn once."""

    script: Script

    def __call__(self, prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        return self.script(prompt, sampling)


SAYING = Saying(says())


@cache
def served() -> ASGIApp:
    return create_app(ScriptedEngine(SAYING), settings=Settings(compile_timeout=60))


def app(text: str, cut: int, piece: int = 1) -> ASGIApp:
    """Says this up to the cut, `piece` characters at a time."""
    texts = [text[start : min(start + piece, cut)] for start in range(0, cut, piece)]
    SAYING.script = says(*texts, finish="length" if cut < len(text) else "stop")
    return served()


def wire(format: str, calls: Sequence[Call]) -> str:
    return render(FORMATS[format], calls)


def answered(served: ASGIApp, **fields: Any) -> dict[str, Any]:
    """The whole response, whose header and warnings name the calls that were cut."""
    response = chat(served, **{"tools": TOOLS, **fields})
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    names = [call["name"] for choice in body["choices"] for call in choice["message"].get("incomplete_tool_calls", ())]
    told = [warning["tool"] for warning in body.get("warnings", ()) if warning["code"] == "incomplete_tool_call"]
    header = response.headers.get("x-latticework-incomplete-tool-calls")
    assert (told, header) == (names, ", ".join(names) or None)
    return body


def streamed(served: ASGIApp, whole: dict[str, Any], **fields: Any) -> list[Any]:
    """The chunks of the only choice of a stream, which folds to this whole response."""
    fields = {"tools": TOOLS, "stream": True, "stream_options": {"include_usage": True}, **fields}
    *chunks, done = events(chat(served, **fields))
    assert done == "[DONE]"
    folded = json.loads(msgspec.json.encode(fold_chunks(msgspec.convert(chunks, list[Chunk]))))
    assert without_ids(folded) == without_ids(whole)
    return [chunk["choices"][0] for chunk in chunks if chunk["choices"]]


def without_ids(response: Any) -> Any:
    response = json.loads(json.dumps(response))
    for choice in response["choices"]:
        for call in choice["message"].get("tool_calls", ()):
            del call["id"]
    return {key: value for key, value in response.items() if key not in ("id", "created")}


def text_of(call: dict[str, Any]) -> str:
    """The arguments or the input of a call or of one of its deltas."""
    shown = call.get("function") or call.get("custom") or call
    return str(shown["arguments"] if "arguments" in shown else shown["input"])


def partially_read(text: str) -> Any:
    """As LangChain and LlamaIndex read JSON that is cut: closed where it ends, or as far back as that is JSON."""
    closing: list[str] = []
    inside = escaped = False
    for character in text:
        if inside:
            inside = escaped or character != '"'
            escaped = character == "\\" and not escaped
        elif character == '"':
            inside = True
        elif character in "{[":
            closing.append("}" if character == "{" else "]")
        elif character in "}]":
            closing.pop()
    open_text = text[: -1 if escaped else None] + '"' * inside
    for end in range(len(open_text), 0, -1):
        try:
            return json.loads(open_text[:end] + "".join(reversed(closing)), strict=False)
        except ValueError:
            continue
    return None


CASES = [
    *(("hermes", name) for name in CALLS),
    *((format, "strings first") for format in KINDS),
    *((format, "a number first") for format in ("qwen3_coder", "pythonic")),
]


@pytest.mark.parametrize("piece", [1, 3])
@pytest.mark.parametrize(("format", "name"), dict.fromkeys(CASES))
def test_no_cut_call_is_run(format: str, name: str, piece: int) -> None:
    calls, text = CALLS[name], render(FORMATS[format], CALLS[name])
    for cut in [*range(text.index(calls[0].name), len(text), piece), len(text)]:
        told = {"tool_format": format}
        whole = answered(app(text, cut, piece), **told)
        choice = whole["choices"][0]
        assert choice["finish_reason"] == ("tool_calls" if cut == len(text) else "length")
        assert_only_complete(choice, calls)
        assert_begun_with_an_argument(streamed(served(), whole, **told), choice, calls)
        if piece == 1:
            assert_in_one_piece(streamed(served(), whole, **told, tool_call_streaming="whole"), choice)


def assert_only_complete(choice: dict[str, Any], calls: Sequence[Call]) -> None:
    message = choice["message"]
    complete, incomplete = message.get("tool_calls", []), message.get("incomplete_tool_calls", [])
    read = [json.loads(text_of(call)) if "function" in call else text_of(call) for call in complete]
    assert read == [arguments_of(call) for call in calls[: len(complete)]]
    assert all(call.keys() == {"name", "input" if call["name"] == "run" else "arguments"} for call in incomplete)
    assert len(complete) + len(incomplete) <= len(calls)
    assert message["content"] is None or not complete + incomplete


def arguments_of(call: Call) -> Any:
    arguments = json.loads(call.arguments)
    return arguments["input"] if call.name == "run" else arguments


def assert_begun_with_an_argument(chunks: Sequence[Any], choice: dict[str, Any], calls: Sequence[Call]) -> None:
    complete = len(choice["message"].get("tool_calls", ()))
    sent: dict[int, str] = {}
    for delta in (call for chunk in chunks for call in chunk["delta"].get("tool_calls", ())):
        index, first = delta["index"], delta["index"] not in sent
        assert first == ("id" in delta) == ("type" in delta)
        sent[index] = sent.get(index, "") + text_of(delta)
        if "custom" in delta:
            assert text_of(delta) or index < complete
        else:
            assert calls[index].arguments == sent[index] == "{}" or partially_read(sent[index]) not in ({}, None)
    assert not any("incomplete_tool_calls" in chunk["delta"] for chunk in chunks[:-1])
    incomplete = chunks[-1]["delta"].get("incomplete_tool_calls", [])
    begun = {call["index"]: text_of(call) for call in incomplete if "id" in call}
    assert sorted(sent) == sorted([*range(complete), *begun])
    assert all(begun[index].startswith(sent[index]) for index in begun)


def assert_in_one_piece(chunks: Sequence[Any], choice: dict[str, Any]) -> None:
    deltas = [call for chunk in chunks for call in chunk["delta"].get("tool_calls", ())]
    told = [(delta["index"], text_of(delta)) for delta in deltas]
    assert told == [(index, text_of(call)) for index, call in enumerate(choice["message"].get("tool_calls", ()))]
    assert all("id" in delta for delta in deltas)
    assert not any("id" in call for call in chunks[-1]["delta"].get("incomplete_tool_calls", ()))


def called(**fields: Any) -> list[Any]:
    """The deltas of two calls."""
    chunks = streamed(SETTING, answered(SETTING, **fields), **fields)
    return [call for chunk in chunks for call in chunk["delta"].get("tool_calls", ())]


HERMES = FORMATS["hermes"]
TWO = render(HERMES, CALLS["two"])
SETTING = create_app(ScriptedEngine(says(*TWO)), settings=Settings(tool_call_streaming="whole"))


def test_a_setting_sends_whole_calls_too() -> None:
    assert len(called()) == len(called(tool_call_streaming="whole")) == 2
    assert len(called(tool_call_streaming="incremental")) > 2
    assert chat(SETTING, tools=TOOLS, tool_call_streaming="all").json()["error"]["param"] == "tool_call_streaming"


def test_text_before_a_cut_call_stays() -> None:
    text = "I remove them.\n" + render(HERMES, CALLS["strings first"])
    message = answered(app(text, len(text) - 20))["choices"][0]["message"]
    assert message["content"].strip() == "I remove them."
    assert "tool_calls" not in message
    assert message["incomplete_tool_calls"][0]["name"] == "remove"


def test_a_call_that_the_engine_ends_too_soon_is_cut_too() -> None:
    SAYING.script = says(TWO[:-30], finish="stop")
    choice = answered(served())["choices"][0]
    assert choice["finish_reason"] == "length"
    assert [call["function"]["name"] for call in choice["message"]["tool_calls"]] == ["numbered"]
    assert [call["name"] for call in choice["message"]["incomplete_tool_calls"]] == ["remove"]


def test_every_answer_has_its_own() -> None:
    body = answered(app(TWO, len(TWO) - 20), n=2)
    assert [len(choice["message"]["incomplete_tool_calls"]) for choice in body["choices"]] == [1, 1]
    assert len(body["warnings"]) == 2


ESCAPED = ['{"a": "\\u00e9\\\\u12\\"\\n"}', '{"a": ["\\\\", {"\\u0001": "\\ud83d\\ude00"}]}', "{}", '{"\\"": 1.5e3}']


@pytest.mark.parametrize("text", ESCAPED)
@pytest.mark.parametrize("piece", [1, 2, 5])
def test_no_escape_is_sent_in_part(text: str, piece: int) -> None:
    reader, sent = ArgumentsText(), ""
    for start in range(0, len(text), piece):
        sent += reader.feed(text[start : start + piece])
        assert not sent or partially_read(sent) not in ({}, None)
    assert sent + reader.close() == text
