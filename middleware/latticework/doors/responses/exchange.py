"""One request of `/v1/responses`: its translation, with what is stored before and after it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from latticework.ask import Ask
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.responses.fields import INPUT_CROWDS
from latticework.doors.responses.history import History
from latticework.doors.responses.request import (
    TEXTS,
    ResponsesRequest,
    ineffective_fields,
    offered,
    parse_responses_request,
    refuse_hosted_tools,
    responses_ask,
)
from latticework.doors.responses.response import ResponsesResponse
from latticework.doors.responses.store import Item, ResponseStore, StoredResponse
from latticework.doors.responses.stored import history_of
from latticework.doors.responses.tools import OfferedTool
from latticework.errors import StoreUnavailable
from latticework.generate.generation import Generation
from latticework.http.endpoint import GeneratingEndpoint, Translation
from latticework.http.record import Record, record_of
from latticework.models import Models
from latticework.settings import Settings
from latticework.telemetry import Metrics

logger = logging.getLogger(__name__)


class ResponsesEndpoint:
    """The endpoint, as an ASGI app."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        history = history_of(scope, self._models, self._settings)
        metrics, record = self._models.metrics, record_of(scope)
        refuses_hosted = self._settings.hosted_tools == "error"
        exchange = _ResponseExchange(history, send, metrics, record, refuses_hosted=refuses_hosted)
        await GeneratingEndpoint(exchange.translation, self._models, self._settings)(scope, receive, exchange.send)


class _ResponseExchange:
    """One request and its response, which is stored before the client has all of it."""

    def __init__(self, history: History, send: Send, metrics: Metrics, record: Record, *, refuses_hosted: bool) -> None:
        """`refuses_hosted`: whether a tool that this server lacks is an error."""
        self._history = history
        self._send = send
        self._metrics = metrics
        self._record = record
        self._refuses_hosted = refuses_hosted
        self._tools: Sequence[OfferedTool] = ()
        self._input: list[Item] = []
        self._body: Mapping[str, Any] = {}
        self._response: ResponsesResponse | None = None
        self.translation = Translation(
            partial(refuse_crowds, crowds=INPUT_CROWDS),
            parse_responses_request,
            self._asks,
            self._new_response,
            ineffective_fields,
            "resp_",
            texts=TEXTS,
        )

    def _asks(self, request: ResponsesRequest, body: Mapping[str, Any]) -> Sequence[Ask]:
        if self._refuses_hosted:
            refuse_hosted_tools(request)
        items = self._history.items(request)
        self._body = body
        self._tools = offered(request, items)
        if self._stores(request):
            self._input = self._history.kept_items(request, body.get("input"))
        return (responses_ask(request, items, self._tools),)

    def _stores(self, request: ResponsesRequest) -> bool:
        return request.stored and self._history.store is not None

    def _new_response(self, request: ResponsesRequest, generation: Generation) -> ResponsesResponse:
        stores = self._stores(request)
        response = ResponsesResponse(request, self._body, self._tools, generation, stores=stores)
        self._response = response if stores else None
        return response

    async def send(self, message: Message) -> None:
        """Stores the response before its last bytes are sent: a client may refer to it at once."""
        response = self._response and self._response.finished
        if response and self._history.store and not message.get("more_body") and message["type"].endswith("body"):
            self._response = None
            body = msgspec.json.encode(response)
            stored = StoredResponse(response.id, response.previous_response_id, body, self._input)
            await self._save(self._history.store, stored)
        await self._send(message)

    async def _save(self, store: ResponseStore, stored: StoredResponse) -> None:
        """The answer is there, whether or not it can be stored: a later request that refers to it is told so."""
        try:
            await asyncio.to_thread(store.save, self._history.owner, stored)
        except StoreUnavailable as error:
            self._metrics.unstored.labels(self._record.model).inc()
            logger.error("%s is not stored: %s", stored.id, error.message)
