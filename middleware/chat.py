"""`POST /v1/chat/completions`."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import aclosing
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from middleware import body, sse
from middleware.chunks import fold
from middleware.completion import Completion, Job
from middleware.disconnect import unless_disconnected
from middleware.models import Models
from middleware.protocol import ChatRequest
from middleware.settings import Settings
from middleware.validation import parse

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
CHECKED = "x-latticework-checked"
IGNORED = "x-latticework-ignored"
# What a header lists at most: it has its limits, and a body's keys have none.
MOST_NAMES = 20
MOST_LETTERS = 200


class ChatCompletions:
    """The endpoint, as an ASGI app."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            asked = await body.read(receive, self._settings.max_body_bytes)
            await unless_disconnected(receive, self._answer(asked, send))
        except ClientDisconnect:
            logger.info("A client went away; its work was ended")

    async def _answer(self, asked: bytes, send: Send) -> None:
        decoded = await body.decode(asked)
        request = parse(decoded)
        model = await self._models.find(request.model)
        job = await model.prepare(request, decoded["messages"])
        completion = Completion(model.engine, job, self._models.counters)
        headers = {REQUEST_ID: completion.id, **_ignored(request, job), **_checked(job)}
        async with aclosing(completion.choices()) as choices:
            if request.stream:
                usage = request.stream_options and request.stream_options.include_usage
                end = completion.end if usage else None
                await sse.send_stream(send, completion.chunk(), choices, end, headers)
            else:
                chunks = [completion.chunk(choice) async for added in choices for choice in added]
                whole = msgspec.json.encode(fold([*chunks, completion.end()]))
                await sse.start(send, 200, {"content-type": "application/json", **headers})
                await send({"type": "http.response.body", "body": whole})


def _ignored(request: ChatRequest, job: Job) -> dict[str, str]:
    """The header that names what had no effect, so that nothing is dropped silently."""
    names = request.unknown_fields()
    if request.stop and not job.stops:
        names.append("stop")  # it never cuts a document
    if request.max_reasoning_tokens is not None and not job.reasons:
        names.append("max_reasoning_tokens")
    return _listing(IGNORED, names)


def _checked(job: Job) -> dict[str, str]:
    """The header that names the keywords for whose sake the answer is held back until it is checked."""
    return _listing(CHECKED, [f"{finding.pointer}/{finding.keyword}" for finding in job.plan.checked])


def _listing(header: str, names: Sequence[str]) -> dict[str, str]:
    """Names that a client chose, safe in a header; no header for none."""
    listed = [quote(name[:MOST_LETTERS], safe="/[].-_$") for name in names[:MOST_NAMES]]
    more = [f"and-{len(names) - MOST_NAMES}-more"] if len(names) > MOST_NAMES else []
    return {header: ", ".join([*listed, *more])} if names else {}
