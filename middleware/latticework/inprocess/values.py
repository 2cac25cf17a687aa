"""`await complete(app, messages, output=Invoice)`: a value of a Python type, from an app in this process.

A call goes through the app like a client's request, with the same guarantees.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, overload

from starlette.types import ASGIApp

from latticework.doors.chat.request import ChatRequest
from latticework.doors.openai import from_envelope
from latticework.doors.openai.fields import HARMLESS
from latticework.doors.openai.types import ContentRequest
from latticework.errors import BadRequest, SchemaViolation, ServerFault
from latticework.http.endpoint import CHECK_KEY
from latticework.inprocess import Response, asked
from latticework.inprocess.checks import OutputCheck
from latticework.inprocess.output import OutputType
from latticework.inprocess.output import output as as_output
from latticework.sse_reader import EventReader

T = TypeVar("T")

Messages = str | Sequence[Mapping[str, Any]]

CHAT, MODELS = "/v1/chat/completions", "/v1/models"
# Fields that `output` determines, and those with more than one value as the answer.
TAKEN = frozenset({"messages", "model", "stream", "stream_options", *ContentRequest.model_fields}) - {"open_objects"}
MANY = frozenset(
    {
        "n",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "tool_format",
        "on_bad_tool",
        "tool_call_streaming",
        "logprobs",
        "top_logprobs",
        "prompt_logprobs",
        "return_token_ids",
        "return_tokens_as_token_ids",
    }
)
# As in the API, fields on which no answer depends are accepted.
FIELDS = sorted(ChatRequest.model_fields.keys() - TAKEN - MANY | HARMLESS.keys())


class Truncated(BadRequest):
    """`max_tokens` or the context length cut the answer. `text` is the part that was generated."""

    default_code = "truncated"

    def __init__(self, text: str) -> None:
        super().__init__("'max_tokens' is too small: the answer was cut.", param="max_tokens")
        self.text = text


class Refused(BadRequest):
    """The model has refused to write the document, as `refusal="allow"` lets it. `text` is what it wrote instead."""

    default_code = "refused"

    def __init__(self, text: str) -> None:
        super().__init__("The model has refused to write the document.", param="refusal")
        self.text = text


@dataclass(frozen=True)
class Part(Generic[T]):
    """`delta` is the new text, `text` all of it so far. The last part has an empty delta and the `value`.

    It also has `grounding`, the place of each `Quote` in the user's text, by JSON pointer into the answer: an object
    with `source`, `start`, `end` and `count`, as in the API.
    """

    delta: str
    text: str
    value: T | None = None
    grounding: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@overload
async def complete(
    app: ASGIApp, messages: Messages, *, output: type[T], validate: Callable[[T], object] | None = None, **fields: Any
) -> T: ...
@overload
async def complete(
    app: ASGIApp,
    messages: Messages,
    *,
    output: None = None,
    validate: Callable[[str], object] | None = None,
    **fields: Any,
) -> str: ...
@overload
async def complete(
    app: ASGIApp, messages: Messages, *, output: Any, validate: Callable[[Any], object] | None = None, **fields: Any
) -> Any: ...
async def complete(
    app: ASGIApp,
    messages: Messages,
    *,
    output: Any = None,
    validate: Callable[[Any], object] | None = None,
    model: str | None = None,
    api_key: str | None = None,
    **fields: Any,
) -> Any:
    """Sends a request to an app of `create_app`, and returns a value of the type `output`.

    `messages`: OpenAI's list, or a string, which is a user message. `output`: a pydantic model, a dataclass, a
    TypedDict, a Literal, an enum, a union, a list, a number or bool, an Outlines term; default: text. `model`: the
    app's first by default. `fields`: other fields of the request with a single answer, such as `temperature`.

    A custom validator of the type, which its schema can't express, and `validate` refuse an answer by a ValueError.
    Then the model gets another attempt, in which it sees its answer and the error, up to the model's `attempts`. Both
    run in a thread.

    Raises Truncated if `max_tokens` cuts the answer, Refused if the model refuses, where it may, ApiError for the app's
    errors, and the ValueError (pydantic's ValidationError) with which the last attempt was rejected.
    """
    output_type = as_output(output)
    check = OutputCheck(_reader(output_type, validate))
    extensions = {CHECK_KEY: check} if output_type.fields or validate else {}
    try:
        async with _answered(app, messages, output_type, model, api_key, fields, extensions) as response:
            choice = json.loads(await response.read())["choices"][0]
    except SchemaViolation as error:
        if check.error is None:
            raise
        raise check.error from error
    except ServerFault:
        if check.crashed_on is not None:
            check.value(check.crashed_on)  # raises the error of the caller's own code again
        raise
    message = choice["message"]
    return _output_value(check.value, message["content"] or "", message["refusal"] or "", choice["finish_reason"])


def _reader(output_type: OutputType, validate: Callable[[Any], object] | None) -> Callable[[str], Any]:
    """Parses a text and checks its value."""

    def read(text: str) -> Any:
        value = output_type.read(text)
        if validate is not None:
            validate(value)
        return value

    return read


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
    """The same as a stream of parts. To leave it early, use `contextlib.aclosing`: closing it aborts the generation.

    What has been streamed can't be generated again: a custom validator's ValidationError is raised at the end.
    """
    output_type = as_output(output)
    text, refusal, finish = "", "", None
    places: Mapping[str, Mapping[str, Any]] = {}
    async with _answered(app, messages, output_type, model, api_key, fields, streamed=True) as response:
        async for chunk in _chunks(response):
            for choice in chunk["choices"]:
                finish = choice["finish_reason"] or finish
                refusal += choice["delta"].get("refusal") or ""
                places = choice.get("grounding", {}).get("content", places)
                if delta := choice["delta"].get("content"):
                    text += delta
                    yield Part(delta, text)
    yield Part("", text, _output_value(output_type.read, text, refusal, finish), places)


async def answer(app: ASGIApp, messages: Messages, *, output: type[T], **fields: Any) -> Part[T]:
    """The last part of `stream`, which has what comes with the value."""
    async with aclosing(stream(app, messages, output=output, **fields)) as parts:
        return [part async for part in parts][-1]


@asynccontextmanager
async def _answered(
    app: ASGIApp,
    messages: Messages,
    output_type: OutputType,
    model: str | None,
    api_key: str | None,
    fields: Mapping[str, Any],
    extensions: Mapping[str, Any] | None = None,
    *,
    streamed: bool = False,
) -> AsyncIterator[Response]:
    """Raises ApiError unless the status is 200, and TypeError for an unknown field."""
    _refuse_unknown(fields)
    headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
    conversation = [{"role": "user", "content": messages}] if isinstance(messages, str) else list(messages)
    name = model if model is not None else await _first_model(app, headers)
    own = {"model": name, "messages": conversation, "stream": streamed}
    body = json.dumps({**fields, **output_type.fields, **own}).encode()
    async with asked(app, "POST", CHAT, body, headers, extensions) as response:
        await _raise_error(response)
        yield response


def _refuse_unknown(fields: Mapping[str, Any]) -> None:
    for name in fields:
        if name in FIELDS:
            continue
        if name == "stream":
            raise TypeError("'stream' can't be set here: use latticework.stream")
        if name in TAKEN | MANY:
            raise TypeError(f"'{name}' can't be set here, where the answer is one value: use the app's API")
        near = get_close_matches(name, FIELDS, n=1)
        raise TypeError(f"'{name}' is an unknown field" + (f". Did you mean '{near[0]}'?" if near else ""))


async def _first_model(app: ASGIApp, headers: Mapping[str, str]) -> str:
    async with asked(app, "GET", MODELS, headers=headers) as response:
        await _raise_error(response)
        return str(json.loads(await response.read())["data"][0]["id"])


async def _raise_error(response: Response) -> None:
    if response.status != 200:
        raise from_envelope(response.status, json.loads(await response.read())["error"], response.headers)


async def _chunks(response: Response) -> AsyncIterator[Any]:
    """Raises ApiError for an error event, and for a stream without `[DONE]`."""
    async with aclosing(_events(response)) as events:
        async for data in events:
            if data == b"[DONE]":
                return
            chunk = json.loads(data)
            if "error" in chunk:
                raise from_envelope(None, chunk["error"], {})
            yield chunk
    raise ServerFault("The stream ended without [DONE].")


async def _events(response: Response) -> AsyncGenerator[bytes, None]:
    reader = EventReader()
    async for part in response.body:
        for data in reader.feed(part):
            yield data


def _output_value(read: Callable[[str], Any], text: str, refusal: str, finish: str | None) -> Any:
    if finish == "length":
        raise Truncated(text or refusal)
    if refusal:
        raise Refused(refusal)
    return read(text)
