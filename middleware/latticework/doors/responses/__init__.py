"""`POST /v1/responses`: OpenAI's Responses API, and its stored responses."""

from __future__ import annotations

from latticework.doors import BROKEN, EVENTS, FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.responses import compact, counting, docs, events, stored
from latticework.doors.responses.exchange import ResponsesEndpoint
from latticework.doors.responses.output import ModelResponse
from latticework.doors.responses.request import ResponsesRequest
from latticework.errors import TimedOut

DOOR = Door(
    Operation(
        "post",
        "/v1/responses",
        "The next turn of a conversation, as items. With `stream`, as events, the last of which has the response.",
        {JSON: (ModelResponse,), EVENTS: events.EVENTS},
        ResponsesRequest,
        docs.FIELDS,
        docs.RULES,
        (*REFUSALS, *BROKEN, *FAULTS, TimedOut),
        guarded=True,
    ),
    ResponsesEndpoint,
    limited=True,
    recorded=True,
)
# Before those with an id in their paths.
DOORS = (DOOR, counting.DOOR, compact.DOOR, *stored.DOORS)
