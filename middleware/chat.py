"""`POST /v1/chat/completions`."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from middleware import body, sse
from middleware.chunks import fold
from middleware.completion import Completion, Job
from middleware.disconnect import unless_disconnected
from middleware.errors import BadRequest
from middleware.models import Model, Models
from middleware.protocol import ChatRequest
from middleware.settings import Settings
from middleware.validation import parse

logger = logging.getLogger(__name__)

REQUEST_ID = "x-request-id"
IGNORED = "x-latticework-ignored"
# Names of ignored fields in the header, at most: a header has its limits, and a body's keys have none.
MOST_IGNORED = 20


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
        job = await self._prepared(model, request, decoded["messages"])
        completion = Completion(model.engine, job)
        headers = {REQUEST_ID: completion.id, **_ignored(request, job)}
        async with aclosing(completion.chunks()) as chunks:
            if request.stream:
                usage = bool(request.stream_options and request.stream_options.include_usage)
                await sse.send_stream(send, chunks, headers, usage=usage)
            else:
                whole = msgspec.json.encode(fold([chunk async for chunk in chunks]))
                await sse.start(send, 200, {"content-type": "application/json", **headers})
                await send({"type": "http.response.body", "body": whole})

    async def _prepared(self, model: Model, request: ChatRequest, messages: list[dict[str, Any]]) -> Job:
        """Off the event loop, where a large schema would stall every stream."""
        limit = self._settings.compile_timeout
        try:
            return await asyncio.wait_for(asyncio.to_thread(model.prepare, request, messages), limit)
        except TimeoutError:
            raise BadRequest(f"The request took longer than {limit} s to compile.", code="compile_timeout") from None


def _ignored(request: ChatRequest, job: Job) -> dict[str, str]:
    """The header that names what had no effect, so that nothing is dropped silently."""
    names = request.unknown_fields()
    if request.stop and not job.stops:
        names.append("stop")  # it never cuts a document
    if not names:
        return {}
    listed = [quote(name[:100], safe="[].-_") for name in names[:MOST_IGNORED]]
    more = [f"and-{len(names) - MOST_IGNORED}-more"] if len(names) > MOST_IGNORED else []
    return {IGNORED: ", ".join([*listed, *more])}
