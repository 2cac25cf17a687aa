"""`POST /v1/completions`: OpenAI's legacy completions, of prompts that no chat template renders."""

from __future__ import annotations

from functools import partial

from latticework.doors.completions.request import FIELD_DOCS, RULES, CompletionRequest, asks, ignored, parse
from latticework.doors.completions.response import CompletionResponse, TextCompletion
from latticework.doors.door import BROKEN, BUSY, EVENTS, FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.openai.envelope import ErrorResponse, envelope
from latticework.http.endpoint import GeneratingEndpoint, Translation

DOOR = Door(
    Operation(
        "post",
        "/v1/completions",
        "The continuation of one or more prompts. With `stream`, as events: chunks and then `[DONE]`, or an error.",
        {JSON: (TextCompletion,), EVENTS: (TextCompletion, ErrorResponse)},
        CompletionRequest,
        FIELD_DOCS,
        RULES,
        (*REFUSALS, *BROKEN, *FAULTS, *BUSY),
        guarded=True,
    ),
    partial(GeneratingEndpoint, Translation(parse, asks, CompletionResponse, ignored, envelope, "cmpl-")),
    limited=True,
    recorded=True,
)
