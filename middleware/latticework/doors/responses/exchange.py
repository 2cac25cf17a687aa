"""One request of `/v1/responses`: its translation, with what is stored before and after it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from latticework.ask import Ask
from latticework.doors.openai.counts import refuse_crowds
from latticework.doors.responses.fields import INPUT_CROWDS
from latticework.doors.responses.history import History, kept_items
from latticework.doors.responses.items import ReferenceInput
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
from latticework.doors.responses.store import Item, StoredResponse
from latticework.doors.responses.stored import history_of
from latticework.doors.responses.tools import OfferedTool
from latticework.generate.generation import Generation
from latticework.http.endpoint import GeneratingEndpoint, Translation
from latticework.models import Models
from latticework.settings import Settings


class ResponsesEndpoint:
    """The endpoint, as an ASGI app."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        history = history_of(scope, self._models, self._settings)
        exchange = _Exchange(history, send, refuses_hosted=self._settings.hosted_tools == "error")
        await GeneratingEndpoint(exchange.translation, self._models, self._settings)(scope, receive, exchange.send)


class _Exchange:
    """One request and its response, which is stored before the client has all of it."""

    def __init__(self, history: History, send: Send, *, refuses_hosted: bool) -> None:
        """`refuses_hosted`: whether a tool that this server lacks is an error."""
        self._history = history
        self._send = send
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
            ids = [item.id for _, item in request.items if isinstance(item, ReferenceInput)]
            self._input = kept_items(body.get("input"), self._history.stored_items(ids))
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
            await asyncio.to_thread(self._history.store.save, self._history.owner, stored)
        await self._send(message)
