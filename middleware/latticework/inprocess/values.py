"""`await complete(app, messages, output=Invoice)`: a value of a Python type, from an app in this process.

What is asked goes through the app as a client's request does, so that all of its guarantees hold.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, overload

from starlette.types import ASGIApp

from latticework.doors.chat.request import ChatRequest
from latticework.doors.openai import from_envelope
from latticework.errors import BadRequest, ServerFault
from latticework.inprocess import Response, asked
from latticework.inprocess.output import OutputType
from latticework.inprocess.output import output as as_output
from latticework.sse_reader import EventReader

T = TypeVar("T")

Messages = str | Sequence[Mapping[str, Any]]

CHAT, MODELS = "/v1/chat/completions", "/v1/models"
# Fields that `output` decides, and those whose answer is more than one value.
TAKEN = frozenset({"messages", "model", "response_format", "structured_outputs", "stream", "stream_options"})
MANY = frozenset({"n", "tools", "tool_choice", "parallel_tool_calls", "tool_format", "logprobs", "top_logprobs"})
FIELDS = sorted(set(ChatRequest.model_fields) - TAKEN - MANY)


class Truncated(BadRequest):
    """`max_tokens`, or the end of the model's context, cut the answer before its end. `text` is what there is of it."""

    default_code = "truncated"

    def __init__(self, text: str) -> None:
        super().__init__("The answer was cut before its end: 'max_tokens' is too small.", param="max_tokens")
        self.text = text


@dataclass(frozen=True)
class Part(Generic[T]):
    """`delta` is what is new of the text, `text` all of it so far. The last part has no delta, and the `value`."""

    delta: str
    text: str
    value: T | None = None


@overload
async def complete(app: ASGIApp, messages: Messages, *, output: type[T], **fields: Any) -> T: ...
@overload
async def complete(app: ASGIApp, messages: Messages, *, output: None = None, **fields: Any) -> str: ...
@overload
async def complete(app: ASGIApp, messages: Messages, *, output: Any, **fields: Any) -> Any: ...
async def complete(
    app: ASGIApp,
    messages: Messages,
    *,
    output: Any = None,
    model: str | None = None,
    api_key: str | None = None,
    **fields: Any,
) -> Any:
    """Asks an app of `create_app`, and returns a value of the type `output`.

    `messages` as OpenAI's API has them; a text is one message of the user's. `output`: a pydantic model, a dataclass, a
    TypedDict, a Literal, an enum, a union, a list, a number or bool, a term of Outlines'; without one, a text. `model`:
    without one, the app's first. `fields`: any other of the request that leaves one answer, such as `temperature`.

    Raises Truncated where `max_tokens` cuts the answer, ApiError for whatever the app refuses or can't do, and
    pydantic's ValidationError where a validator of one's own, which no schema tells of, refuses the answer.
    """
    wanted = as_output(output)
    async with _answered(app, messages, wanted, model, api_key, fields) as response:
        choice = json.loads(await response.read())["choices"][0]
    return _output_value(wanted, choice["message"]["content"] or "", choice["finish_reason"])


@overload
def stream(app: ASGIApp, messages: Messages, *, output: type[T], **fields: Any) -> AsyncGenerator[Part[T], None]: ...
@overload
def stream(
    app: ASGIApp, messages: Messages, *, output: None = None, **fields: Any
) -> AsyncGenerator[Part[str], None]: ...
@overload
def stream(app: ASGIApp, messages: Messages, *, output: Any, **fields: Any) -> AsyncGenerator[Part[Any], None]: ...
async def stream(
    app: ASGIApp,
    messages: Messages,
    *,
    output: Any = None,
    model: str | None = None,
    api_key: str | None = None,
    **fields: Any,
) -> AsyncGenerator[Part[Any], None]:
    """The same while it is generated. Whoever leaves it early, closes it, and the work on the answer ends: use
    `contextlib.aclosing`.
    """
    wanted = as_output(output)
    text, finish = "", None
    async with _answered(app, messages, wanted, model, api_key, {**fields, "stream": True}) as response:
        async for chunk in _chunks(response):
            for choice in chunk["choices"]:
                finish = choice["finish_reason"] or finish
                if delta := choice["delta"].get("content"):
                    text += delta
                    yield Part(delta, text)
    yield Part("", text, _output_value(wanted, text, finish))


@asynccontextmanager
async def _answered(
    app: ASGIApp,
    messages: Messages,
    wanted: OutputType,
    model: str | None,
    api_key: str | None,
    fields: Mapping[str, Any],
) -> AsyncIterator[Response]:
    """Raises ApiError where it is no 200, and TypeError for a field that there is not."""
    _refuse_unknown(fields)
    headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
    told = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    name = model if model is not None else await _first_model(app, headers)
    body = json.dumps({**fields, **wanted.fields, "model": name, "messages": told}).encode()
    async with asked(app, "POST", CHAT, body, headers) as response:
        await _raise_error(response)
        yield response


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name in FIELDS or name == "stream":
            continue
        if name in TAKEN | MANY:
            raise TypeError(f"'{name}' is not for one value of one type: ask the app's API for it")
        near = get_close_matches(name, FIELDS, n=1)
        raise TypeError(f"'{name}' is no field of a request" + (f". Did you mean '{near[0]}'?" if near else ""))


async def _first_model(app: ASGIApp, headers: Mapping[str, str]) -> str:
    async with asked(app, "GET", MODELS, headers=headers) as response:
        await _raise_error(response)
        return str(json.loads(await response.read())["data"][0]["id"])


async def _raise_error(response: Response) -> None:
    if response.status != 200:
        raise from_envelope(response.status, json.loads(await response.read())["error"], response.headers)


async def _chunks(response: Response) -> AsyncIterator[Any]:
    """Raises ApiError for an event that is an error, and where the stream ends before its end."""
    async with aclosing(_events(response)) as events:
        async for data in events:
            if data == b"[DONE]":
                return
            chunk = json.loads(data)
            if "error" in chunk:
                raise from_envelope(None, chunk["error"], {})
            yield chunk
    raise ServerFault("The stream broke off.")


async def _events(response: Response) -> AsyncGenerator[bytes, None]:
    reader = EventReader()
    async for part in response.body:
        for data in reader.feed(part):
            yield data


def _output_value(wanted: OutputType, text: str, finish: str | None) -> Any:
    if finish == "length":
        raise Truncated(text)
    return wanted.read(text)
