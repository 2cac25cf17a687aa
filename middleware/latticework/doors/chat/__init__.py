"""`POST /v1/chat/completions`: OpenAI's chat completions."""

from __future__ import annotations

from functools import partial

from latticework.doors import BROKEN, EVENTS, FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.chat.chunks import ChatCompletion, Chunk
from latticework.doors.chat.request import TEXTS, ChatRequest, chat_asks, ineffective_chat_fields, parse_chat_request
from latticework.doors.chat.response import ChatResponse
from latticework.doors.openai import ErrorResponse, field_docs, rules
from latticework.doors.openai.counts import refuse_openai_crowds
from latticework.errors import TimedOut
from latticework.http.endpoint import GeneratingEndpoint, Translation

DOOR = Door(
    Operation(
        "post",
        "/v1/chat/completions",
        "The next turn of a conversation. With `stream`, as events: chunks and then `[DONE]`, or an error.",
        {JSON: (ChatCompletion,), EVENTS: (Chunk, ErrorResponse)},
        ChatRequest,
        field_docs.CHAT,
        rules.CHAT,
        (*REFUSALS, *BROKEN, *FAULTS, TimedOut),
        guarded=True,
    ),
    partial(
        GeneratingEndpoint,
        Translation(
            refuse_openai_crowds,
            parse_chat_request,
            chat_asks,
            ChatResponse,
            ineffective_chat_fields,
            "chatcmpl-",
            TEXTS,
        ),
    ),
    limited=True,
    recorded=True,
)
