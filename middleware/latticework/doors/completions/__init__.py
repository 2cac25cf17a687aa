"""`POST /v1/completions`: OpenAI's legacy completions, of prompts that no chat template renders."""

from __future__ import annotations

from functools import partial

from latticework.doors import BROKEN, EVENTS, FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.completions.request import (
    FIELD_DOCS,
    RULES,
    CompletionRequest,
    completion_asks,
    ineffective_completion_fields,
    parse_completion_request,
)
from latticework.doors.completions.response import CompletionResponse, TextCompletion
from latticework.doors.openai import ErrorResponse
from latticework.doors.openai.counts import refuse_openai_crowds
from latticework.errors import TimedOut
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
        (*REFUSALS, *BROKEN, *FAULTS, TimedOut),
        guarded=True,
    ),
    partial(
        GeneratingEndpoint,
        Translation(
            refuse_openai_crowds,
            parse_completion_request,
            completion_asks,
            CompletionResponse,
            ineffective_completion_fields,
            "cmpl-",
        ),
    ),
    limited=True,
    recorded=True,
)
