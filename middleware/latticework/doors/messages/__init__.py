"""`POST /v1/messages`: Anthropic's Messages API."""

from __future__ import annotations

from latticework.doors import BROKEN, EVENTS, FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.envelopes import ANTHROPIC
from latticework.doors.messages import counting, docs, events
from latticework.doors.messages.exchange import MessagesEndpoint
from latticework.doors.messages.output import MessageResponse
from latticework.doors.messages.request import MessagesRequest
from latticework.errors import TimedOut

DOORS = (
    Door(
        Operation(
            "post",
            "/v1/messages",
            "The next message of a conversation. With `stream`, as events.",
            {JSON: (MessageResponse,), EVENTS: events.EVENTS},
            MessagesRequest,
            docs.FIELDS,
            docs.RULES,
            (*REFUSALS, *BROKEN, *FAULTS, TimedOut),
            guarded=True,
        ),
        MessagesEndpoint,
        limited=True,
        recorded=True,
        envelope=ANTHROPIC,
    ),
    counting.DOOR,
)
