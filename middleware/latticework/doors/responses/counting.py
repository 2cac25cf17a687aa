"""`POST /v1/responses/input_tokens`: the number of tokens of a prompt, without an answer."""

from __future__ import annotations

from typing import Literal

import msgspec
from pydantic import StrictStr
from starlette.requests import Request
from starlette.responses import Response

from latticework.ask import Ask
from latticework.concurrency import off_loop
from latticework.doors import FAULTS, JSON, REFUSALS, Door, Endpoint, Operation
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.common.validation import parse_as, refuse_fields
from latticework.doors.responses.docs import INPUT_FIELDS
from latticework.doors.responses.fields import INPUT_CROWDS, REFUSED
from latticework.doors.responses.history import History
from latticework.doors.responses.request import (
    NAMES,
    TEXTS,
    InputRequest,
    conversation,
    effort_of,
    offered,
    refuse_hosted_tools,
    turn_ask,
    without_effect,
)
from latticework.doors.responses.stored import history_of
from latticework.http import body
from latticework.http.endpoint import IGNORED, SKIPPED, json_response, listing
from latticework.models import Models
from latticework.prepare import tokens_of
from latticework.settings import Settings


class InputTokensRequest(InputRequest):
    """The body: the fields of a response's request that make its prompt."""

    model: StrictStr | None = None


class InputTokens(msgspec.Struct, frozen=True):
    """The number of tokens of the prompt."""

    input_tokens: int
    object: Literal["response.input_tokens"] = "response.input_tokens"


def _count_ask(request: InputTokensRequest, history: History) -> Ask:
    items = history.items(request)
    tools = offered(request, items)
    prompt, turn = conversation(request, items, tools), turn_ask(request, tools)
    return Ask(request.model or "", prompt, turn, effort=effort_of(request), names=NAMES)


def _count(models: Models, settings: Settings) -> Endpoint:
    async def count(request: Request) -> Response:
        decoded = await body.read_object(request.receive, settings, TEXTS)
        refuse_crowds(decoded, settings, INPUT_CROWDS)
        parsed = parse_as(InputTokensRequest, decoded)
        refuse_fields(parsed, REFUSED)
        if settings.hosted_tools == "error":
            refuse_hosted_tools(parsed)
        model = await models.named(parsed.model)
        history = history_of(request.scope, models, settings)
        ask = await off_loop(settings.compile_timeout, _count_ask, parsed, history)
        ids, skipped = await tokens_of(model, ask)
        headers = {**listing(IGNORED, without_effect(parsed)), **listing(SKIPPED, skipped)}
        return json_response(request, InputTokens(len(ids)), headers=headers)

    return count


DOOR = Door(
    Operation(
        "post",
        "/v1/responses/input_tokens",
        "The number of tokens of a prompt.",
        {JSON: (InputTokens,)},
        InputTokensRequest,
        INPUT_FIELDS,
        errors=(*REFUSALS, *FAULTS),
        guarded=True,
    ),
    _count,
    limited=True,
)
