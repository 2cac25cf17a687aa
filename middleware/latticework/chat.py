"""`POST /v1/chat/completions`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from urllib.parse import quote

import msgspec
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from latticework.generate.chunks import fold
from latticework.generate.completion import Completion, Job
from latticework.http import body, sse
from latticework.http.deadline import HEADER as TIMEOUT
from latticework.http.deadline import Deadline, deadline
from latticework.http.disconnect import unless_disconnected
from latticework.models import Models
from latticework.protocol import ChatRequest
from latticework.responses import Chunk, ChunkChoice
from latticework.settings import Settings
from latticework.telemetry.record import REQUEST_ID, Record, record_of
from latticework.validation import parse

CHECKED = "x-latticework-checked"
IGNORED = "x-latticework-ignored"
# What a header lists at most: it has its limits, and a body's keys have none.
MOST_NAMES = 20
MOST_LETTERS = 200
# What is known, and yet changes nothing about this answer. A `stop` never cuts a document.
WITHOUT_EFFECT: tuple[tuple[str, Callable[[ChatRequest, Job], bool]], ...] = (
    ("stop", lambda request, job: bool(request.stop and not job.stops)),
    ("max_reasoning_tokens", lambda request, job: request.max_reasoning_tokens is not None and not job.reasons),
    ("tool_choice", lambda request, job: request.tool_choice == "required" and not request.tools),
)


class ChatCompletions:
    """The endpoint, as an ASGI app."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        until = deadline(Headers(scope=scope).get(TIMEOUT), self._settings.request_timeout)
        asked = await body.read(receive, self._settings.max_body_bytes)
        await unless_disconnected(receive, self._answer(asked, until, send, record_of(scope)))

    async def _answer(self, asked: bytes, until: Deadline, send: Send, record: Record) -> None:
        decoded = await body.decode(asked)
        if self._settings.log_content:
            record.content["request"] = decoded
        request = parse(decoded)
        async with until.kept():
            model = await self._models.find(request.model)
        record.model, record.stream = model.names[0], bool(request.stream)
        with model.concurrency.acquire(request.n or 1):
            async with until.kept():
                job = await model.prepare(request, decoded["messages"])
            completion = record.completion = Completion(model, job, self._models.metrics)
            headers = {REQUEST_ID: record.id, **_ignored(request, job), **_checked(job)}
            await self._respond(request, completion, headers, until, send, record)

    async def _respond(
        self,
        request: ChatRequest,
        completion: Completion,
        headers: Mapping[str, str],
        until: Deadline,
        send: Send,
        record: Record,
    ) -> None:
        async with aclosing(completion.choices()) as choices:
            told = self._noted(completion, choices, record) if self._settings.log_content else choices
            if request.stream:
                usage = request.stream_options and request.stream_options.include_usage
                end = completion.end if usage else None
                record.error = await sse.send_stream(send, completion.chunk(), told, end, headers, until)
            else:
                async with until.kept():
                    chunks = [completion.chunk(choice) async for added in told for choice in added]
                whole = msgspec.json.encode(fold([*chunks, completion.end()]))
                await sse.start(send, 200, {"content-type": "application/json", **headers})
                await send({"type": "http.response.body", "body": whole})

    async def _noted(
        self, completion: Completion, choices: AsyncGenerator[Sequence[ChunkChoice], None], record: Record
    ) -> AsyncGenerator[Sequence[ChunkChoice], None]:
        """What is told, and kept for the log."""
        told: list[Chunk] = []
        try:
            async with aclosing(choices):
                async for added in choices:
                    told += map(completion.chunk, added)
                    yield added
        finally:
            record.content["chunks"] = told


def _ignored(request: ChatRequest, job: Job) -> dict[str, str]:
    """The header that names what had no effect, so that nothing is dropped silently."""
    idle = [name for name, is_idle in WITHOUT_EFFECT if is_idle(request, job)]
    return _listing(IGNORED, [*request.unknown_fields(), *idle])


def _checked(job: Job) -> dict[str, str]:
    """The header that names the keywords for whose sake the answer is held back until it is checked."""
    return _listing(CHECKED, [f"{finding.pointer}/{finding.keyword}" for finding in job.plan.checked])


def _listing(header: str, names: Sequence[str]) -> dict[str, str]:
    """Names that a client chose, safe in a header; no header for none."""
    listed = [quote(name[:MOST_LETTERS], safe="/[].-_$") for name in names[:MOST_NAMES]]
    more = [f"and-{len(names) - MOST_NAMES}-more"] if len(names) > MOST_NAMES else []
    return {header: ", ".join([*listed, *more])} if names else {}
