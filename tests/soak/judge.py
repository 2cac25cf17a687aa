"""Whether an answer is right, told from its request alone: by jsonschema and regex, not by what compiled it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import referencing.exceptions
import regex  # type: ignore[import-untyped]
from jsonschema.exceptions import SchemaError
from jsonschema.protocols import Validator
from jsonschema.validators import Draft202012Validator, validator_for

from tests.described import errors
from tests.soak.mix import Asked

# Deliberate: the engine is busy or gone, or broke a keyword that can only be checked, as a model at random does.
UNAVAILABLE = 503
DONE = "[DONE]"
# What jsonschema can't judge: a dialect's regex that Python has not, a reference that it resolves otherwise.
UNJUDGED = (SchemaError, referencing.exceptions.Unresolvable, RecursionError)


class Wrong(Exception):
    """An answer that should never be."""


def judge(asked: Asked, status: int, media: str, body: bytes) -> str:
    """How it ended, in a word. Raises Wrong."""
    if status != 200:
        return _refused(asked, status, body)
    if asked.status == 4:
        raise Wrong("a bad request was answered")
    if media.startswith("text/event-stream"):
        return _streamed(asked, body)
    whole = json.loads(body)
    if asked.path.endswith("grammars"):
        _described("Grammar", whole)
        return "explained"
    _described("ChatCompletion", whole)
    return _choices(
        asked, {choice["index"]: (choice["message"], choice["finish_reason"]) for choice in whole["choices"]}
    )


def _refused(asked: Asked, status: int, body: bytes) -> str:
    error = json.loads(body)
    _described("ErrorResponse", error)
    if status >= 500:
        if status == UNAVAILABLE:
            return f"{status} {error['error']['code']}"
        raise Wrong(f"{status}: {body[:500]!r}")
    if asked.status == 2:
        raise Wrong(f"a good request was refused with {status}: {body[:500]!r}")
    return f"{status}"


def _streamed(asked: Asked, body: bytes) -> str:
    if not body.endswith(b"\n\n"):
        raise Wrong("a stream ended within an event")
    *events, last = [event.removeprefix("data: ") for event in body.decode().split("\n\n")[:-1]]
    for event in events:
        _described("Chunk", json.loads(event))
    if last != DONE:
        error = json.loads(last)
        _described("ErrorResponse", error)
        return f"stream {error['error']['code']}"
    return _choices(asked, dict(_folded([json.loads(event) for event in events])))


def _folded(chunks: list[Any]) -> Iterator[tuple[int, tuple[dict[str, Any], str | None]]]:
    """By choice, the message that its deltas amount to, and why it ended."""
    choices: dict[int, list[Any]] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            choices.setdefault(choice["index"], []).append(choice)
    for index, pieces in choices.items():
        calls: dict[int, dict[str, Any]] = {}
        for delta in (piece["delta"] for piece in pieces):
            for call in delta.get("tool_calls", ()):
                _add(calls.setdefault(call["index"], {}), call)
        content = "".join(piece["delta"].get("content", "") for piece in pieces)
        yield index, ({"content": content, "tool_calls": list(calls.values())}, pieces[-1]["finish_reason"])


def _add(call: dict[str, Any], delta: Mapping[str, Any]) -> None:
    for key, value in delta.items():
        if isinstance(value, dict):
            inner = call.setdefault(key, {})
            for name, text in value.items():
                inner[name] = inner.get(name, "") + text
        else:
            call[key] = value


def _choices(asked: Asked, choices: Mapping[int, tuple[Mapping[str, Any], str | None]]) -> str:
    body = json.loads(asked.content)
    if len(choices) != (body.get("n") or 1):
        raise Wrong(f"{len(choices)} choices")
    for message, finish in choices.values():
        if finish not in ("stop", "tool_calls", "length"):
            raise Wrong(f"finish_reason {finish!r}")
        if finish == "length":
            continue
        calls = message.get("tool_calls") or []
        if bool(calls) != (finish == "tool_calls"):
            raise Wrong(f"{len(calls)} calls, and finish_reason {finish!r}")
        for call in calls:
            _call(body, call)
        if not calls:
            _content(body, message["content"])
    return "+".join(sorted({str(finish) for _, finish in choices.values()}))


def _call(body: Mapping[str, Any], call: Mapping[str, Any]) -> None:
    kind = call["type"]
    offered = {tool[kind]["name"]: tool[kind] for tool in body["tools"] if tool["type"] == kind}
    tool = offered.get(call[kind]["name"])
    if tool is None:
        raise Wrong(f"a call of {call[kind]['name']!r}, which is not offered")
    if kind == "function":
        _fits({"type": "object", **(tool.get("parameters") or {})}, call[kind]["arguments"])
    elif tool.get("format", {}).get("grammar", {}).get("syntax") == "regex":
        _matches(tool["format"]["grammar"]["definition"], call[kind]["input"])


def _content(body: Mapping[str, Any], content: str) -> None:
    form = body.get("response_format") or {}
    match form.get("type"), body.get("structured_outputs") or {}:
        case "json_object", _:
            _fits({"type": "object"}, content)
        case "json_schema", _ if form["json_schema"].get("schema") is not None:
            _fits(form["json_schema"]["schema"], content)
        case _, {"choice": list(choice)} if content not in choice:
            raise Wrong(f"{content!r} is not among the choices")
        case _, {"regex": str(pattern)}:
            _matches(pattern, content)
        case _, {"json": dict(schema)}:
            _fits(schema, content)


def _fits(schema: Any, text: str) -> None:
    try:
        instance = json.loads(text)
    except ValueError as error:
        raise Wrong(f"not JSON: {text[:300]!r}") from error
    try:
        problem = next(_validator(json.dumps(schema)).iter_errors(instance), None)
    except (*UNJUDGED, regex.error):
        return
    if problem is not None:
        raise Wrong(f"{problem.message[:300]} ({problem.json_path}): {text[:300]}")


def _matches(pattern: str, text: str) -> None:
    if not regex.fullmatch(pattern, text):
        raise Wrong(f"{text[:300]!r} does not match {pattern!r}")


def _described(component: str, value: Any) -> None:
    if found := errors(component, value):
        raise Wrong(f"not a {component}: {found[0][:300]}")


@lru_cache(500)
def _validator(schema: str) -> Validator:
    loaded = json.loads(schema)
    return validator_for(loaded, default=Draft202012Validator)(loaded)
