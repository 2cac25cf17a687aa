"""One request of `/v1/messages`: its translation, and what its headers say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from latticework.ask import Ask
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.messages.fields import CROWDS, STOPS, unknown_betas
from latticework.doors.messages.reading import ReadRequest, idle_fields, message_ask, read_request
from latticework.doors.messages.request import TEXTS, MessagesRequest, parse_messages_request
from latticework.doors.messages.response import MessagesResponse
from latticework.generate.generation import Generation
from latticework.http.endpoint import DESCRIBED, GeneratingEndpoint, Translation, listing
from latticework.http.record import request_id
from latticework.models import Models
from latticework.settings import Settings
from latticework.turn import Job


class MessagesEndpoint:
    """The endpoint, as an ASGI app."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        exchange = _MessageExchange(scope, self._settings)
        await GeneratingEndpoint(exchange.translation, self._models, self._settings)(scope, receive, send)


class _MessageExchange:
    """One request. Its conversation is read once."""

    def __init__(self, scope: Scope, settings: Settings) -> None:
        self._id = request_id(scope)
        self._betas = Headers(scope=scope).get("anthropic-beta", "")
        self._settings = settings
        self._read: ReadRequest | None = None
        self.translation = Translation(
            partial(refuse_crowds, crowds=CROWDS, stops=STOPS),
            partial(parse_messages_request, betas=self._betas),
            self._asks,
            self._response,
            self._ignored,
            "msg_",
            texts=TEXTS,
            headers=self._headers,
        )

    def _asks(self, request: MessagesRequest, body: Mapping[str, Any]) -> Sequence[Ask]:
        self._read = read_request(request, self._settings)
        return (message_ask(self._read, request),)

    def _response(self, request: MessagesRequest, generation: Generation) -> MessagesResponse:
        assert self._read is not None
        return MessagesResponse(request, self._read, generation, self._id)

    def _headers(self) -> Mapping[str, str]:
        assert self._read is not None
        return listing(DESCRIBED, self._read.bounds)

    def _ignored(self, request: MessagesRequest, jobs: Sequence[Job]) -> list[str]:
        assert self._read is not None
        return [*self._read.ignored, *idle_fields(request, jobs[0]), *unknown_betas(self._betas)]
