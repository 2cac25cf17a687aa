"""A generating request: reads its body, translates it by its door, runs its jobs, and sends the response."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar
from urllib.parse import quote

import msgspec
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from latticework.ask import Ask
from latticework.generate import Step
from latticework.generate.generation import Generation
from latticework.generate.retries import AnswerCheck
from latticework.http import body, sse
from latticework.http.figures import Figures
from latticework.http.lifetime import HEADER as TIMEOUT
from latticework.http.lifetime import Deadline, request_deadline
from latticework.http.record import ID_HEADERS, Record, record_of, request_id
from latticework.models import Models
from latticework.prepare import jobs_of
from latticework.prompt.repeated import CallRun
from latticework.settings import Settings
from latticework.turn import Job

CHECKED = "x-latticework-checked"
IGNORED = "x-latticework-ignored"
SKIPPED = "x-latticework-skipped-tools"
INCOMPLETE = "x-latticework-incomplete-tool-calls"
REPEATED = "x-latticework-repeated-calls"
DESCRIBED = "x-latticework-described-bounds"
# Key of a request's scope: the check of a caller in this process. No client can set it.
CHECK_KEY = "latticework.check"
# Limits for the names in a header: a body may have any number of keys.
MOST_NAMES = 20
MOST_LETTERS = 200


class WireRequest(Protocol):
    """A request of a door."""

    model: str

    @property
    def streamed(self) -> bool: ...

    @property
    def answers(self) -> int:
        """The number of answers to generate."""


class WireResponse(sse.StreamedResponse, Protocol):
    """The response of one request: steps in, the API's chunks out."""

    def whole(self, chunks: Sequence[Any]) -> bytes:
        """The JSON body, folded from all chunks."""

    def logged(self, chunks: Sequence[Any]) -> Sequence[Any]:
        """The same chunks for the log."""


R = TypeVar("R", bound=WireRequest)


@dataclass(frozen=True)
class Translation(Generic[R]):
    """A door's translation between its API and the core.

    Attributes:
        refuse_crowds: what a body may not have too many of, before it is parsed. Raises BadRequest.
        parse: from a JSON object to a request. Raises BadRequest.
        asks: from a request and its body, as sent, to the core's requests. Raises BadRequest.
        response: of a request and its generation.
        ignored: the names of unknown fields, and of those without effect.
        id_prefix: of the response's id.
        texts: fields of text in which lone surrogates are replaced.
        headers: further headers of the response, once there are asks.
    """

    refuse_crowds: Callable[[Mapping[str, Any], Settings], None]
    parse: Callable[[dict[str, Any]], R]
    asks: Callable[[R, Mapping[str, Any]], Sequence[Ask]]
    response: Callable[[R, Generation], WireResponse]
    ignored: Callable[[R, Sequence[Job]], list[str]]
    id_prefix: str
    texts: Collection[str] = ()
    headers: Callable[[], Mapping[str, str]] = dict


class GeneratingEndpoint(Generic[R]):
    """The endpoint of a door, as an ASGI app."""

    def __init__(self, translation: Translation[R], models: Models, settings: Settings) -> None:
        self._translation = translation
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        until = request_deadline(Headers(scope=scope).get(TIMEOUT), self._settings.request_timeout)
        content = await body.read_body(receive, self._settings.max_body_bytes)
        await self._answer(content, until, send, record_of(scope), scope.get(CHECK_KEY))

    async def _answer(
        self, content: bytes, until: Deadline, send: Send, record: Record, check: AnswerCheck | None
    ) -> None:
        translation = self._translation
        decoded, replaced = await body.decode(content, self._settings, translation.texts)
        if self._settings.log_content:
            record.content["request"] = decoded
        translation.refuse_crowds(decoded, self._settings)
        request = translation.parse(decoded)
        async with until.kept():
            model = await self._models.find(request.model)
        record.model, record.stream = model.names[0], request.streamed
        async with model.answering(request.answers):
            async with until.kept():
                adapter = self._models.adapter_of(request.model)
                jobs = await jobs_of(model, lambda: translation.asks(request, decoded), adapter)
            generation = Generation(model, jobs, self._models.metrics, translation.id_prefix, replaced, check)
            record.generation = generation
            headers = {
                **dict.fromkeys(ID_HEADERS, record.id),
                **listing(IGNORED, translation.ignored(request, jobs)),
                **listing(CHECKED, _checked_pointers(jobs)),
                **listing(SKIPPED, [error.tool for job in jobs for error in job.plan.skipped]),
                **_repeated_calls(jobs[0].call_run),
                **translation.headers(),
            }
            await self._respond(request, generation, headers, until, send, record)

    async def _respond(
        self,
        request: R,
        generation: Generation,
        headers: Mapping[str, str],
        until: Deadline,
        send: Send,
        record: Record,
    ) -> None:
        response = self._translation.response(request, generation)
        if self._settings.log_content:
            response = _Logged(response, record.content)
        async with aclosing(generation.steps()) as steps:
            if request.streamed:
                record.error = await sse.send_stream(send, response, steps, headers, until)
            else:
                async with until.kept():
                    whole = response.whole([chunk async for added in steps for chunk in response.chunks(added)])
                saved = generation.saved
                took = Figures(generation.attempts, saved.forced, saved.copied).headers()
                cut = listing(INCOMPLETE, generation.unfinished)
                await sse.start(send, 200, {"content-type": "application/json", **headers, **cut, **took})
                await send({"type": "http.response.body", "body": whole})


class _Logged:
    """The same response; its chunks are logged too."""

    def __init__(self, response: WireResponse, log: dict[str, Any]) -> None:
        self._response = response
        self._log: list[Any] = log.setdefault("chunks", [])
        self.events, self.end, self.failed = response.events, response.end, response.failed
        self.whole, self.logged = response.whole, response.logged

    def chunks(self, steps: Sequence[Step]) -> Sequence[Any]:
        chunks = self._response.chunks(steps)
        self._log += self._response.logged(chunks)
        return chunks


def _checked_pointers(jobs: Sequence[Job]) -> list[str]:
    """Once each: the jobs of several prompts have the same schema."""
    plans = {id(job.plan): job.plan for job in jobs}.values()
    return list(dict.fromkeys(f"{one.pointer}/{one.keyword}" for plan in plans for one in plan.checked))


def _repeated_calls(run: CallRun | None) -> dict[str, str]:
    """The call that the conversation's last turns have made, and how many of them."""
    return {} if run is None else {REPEATED: f"{listing(REPEATED, [run.name])[REPEATED]} x{run.turns}"}


def listing(header: str, names: Sequence[str]) -> dict[str, str]:
    """A header with client-chosen names, quoted; no header without names."""
    listed = [quote(name[:MOST_LETTERS], safe="/[].-_$") for name in names[:MOST_NAMES]]
    more = [f"and-{len(names) - MOST_NAMES}-more"] if len(names) > MOST_NAMES else []
    return {header: ", ".join([*listed, *more])} if names else {}


def json_response(
    request: Request, value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """`value` as JSON; bytes must be JSON."""
    content = value if isinstance(value, bytes) else msgspec.json.encode(value)
    named = {**dict.fromkeys(ID_HEADERS, request_id(request.scope)), **(headers or {})}
    return Response(content, status, named, media_type="application/json")
