"""From steps to the events of a response, and to the whole response, which the last event has."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from latticework.doors.common.warnings import cut_warning, lacking_warning, notice_warnings, warnings_of
from latticework.doors.openai import error_body
from latticework.doors.responses.events import (
    ENCODER,
    ErrorEvent,
    ResponseCompleted,
    ResponseCreated,
    ResponseFailed,
    ResponseIncomplete,
    ResponseInProgress,
    StreamEvent,
)
from latticework.doors.responses.output import (
    IncompleteDetails,
    InputTokensDetails,
    ModelResponse,
    OutputTokensDetails,
    ReasoningSettings,
    ResponseFailure,
    ResponseUsage,
    TextSettings,
)
from latticework.doors.responses.request import ENCRYPTED, ResponsesRequest, hosted_tools
from latticework.doors.responses.stream import ItemStream
from latticework.doors.responses.tools import OfferedTool
from latticework.errors import ApiError
from latticework.generate import Step
from latticework.generate.generation import Generation


class ResponsesResponse:
    """A fresh one for each request.

    Attributes:
        finished: the whole response, once it is complete or cut.
    """

    def __init__(
        self,
        request: ResponsesRequest,
        body: Mapping[str, Any],
        tools: Sequence[OfferedTool],
        generation: Generation,
        *,
        stores: bool,
    ) -> None:
        """`body`: the request as sent. `stores`: whether the response is stored."""
        self.finished: ModelResponse | None = None
        self._generation = generation
        self._base = replace(begun_response(request, body, generation), store=stores)
        self._warnings = (*(lacking_warning(*tool) for tool in hosted_tools(request)), *warnings_of(generation))
        held = not request.stream or any(job.whole_calls for job in generation.jobs)
        self._output = ItemStream(tools, held=held, seals_reasoning=request.includes(ENCRYPTED))
        self._begun = False

    def chunks(self, steps: Sequence[Step]) -> list[StreamEvent]:
        events: list[StreamEvent] = []
        if not self._begun:
            self._begun = True
            events += [kind(self._number(), self._base) for kind in (ResponseCreated, ResponseInProgress)]
        for step in steps:
            events += self._output.events(step)
        return events

    def events(self, chunks: Sequence[StreamEvent]) -> bytes:
        return ENCODER.encode_all(chunks)

    def end(self) -> bytes:
        response = self._finish()
        kind = ResponseIncomplete if response.status == "incomplete" else ResponseCompleted
        return ENCODER.encode(kind(self._number(), response))

    def whole(self, chunks: Sequence[StreamEvent]) -> bytes:
        return msgspec.json.encode(self._finish())

    def failed(self, error: ApiError) -> bytes:
        """Most clients read the first of the two events, Codex the second."""
        told = ErrorEvent(self._number(), error.code, error.message, error.param, error_body(error))
        failure = ResponseFailure("server_error", error.message)
        response = replace(self._base, status="failed", error=failure, output=tuple(self._output.done))
        return ENCODER.encode(told) + ENCODER.encode(ResponseFailed(self._number(), response))

    def logged(self, chunks: Sequence[StreamEvent]) -> Sequence[StreamEvent]:
        return chunks

    def _number(self) -> int:
        return next(self._output.numbers)

    def _finish(self) -> ModelResponse:
        output, is_cut = self._output, self._output.finish == "length"
        notices = notice_warnings(self._generation.all_notices)
        cut = (cut_warning(call.name, "the output") for call in output.cut)
        self.finished = replace(
            self._base,
            status="incomplete" if is_cut else "completed",
            completed_at=None if is_cut else int(time.time()),
            incomplete_details=IncompleteDetails("max_output_tokens") if is_cut else None,
            output=tuple(output.done),
            usage=_usage(self._generation),
            warnings=(*self._warnings, *notices, *cut) or UNSET,
            incomplete_tool_calls=tuple(output.cut) or UNSET,
            token_sources=tuple(output.sources) or UNSET,
            confidence=output.confidence or UNSET,
            grounding=output.grounding or UNSET,
        )
        return self.finished


def begun_response(request: ResponsesRequest, body: Mapping[str, Any], generation: Generation) -> ModelResponse:
    """The response without an output."""
    reasoning = request.reasoning
    return ModelResponse(
        id=generation.id,
        created_at=int(time.time()),
        model=request.model,
        status="in_progress",
        output=(),
        tools=tuple(_echoed_tool(tool) for tool in body.get("tools") or ()),
        tool_choice=body.get("tool_choice") or "auto",
        text=_text_settings(body.get("text") or {}),
        instructions=request.instructions,
        previous_response_id=request.previous_response_id,
        max_output_tokens=request.max_output_tokens,
        max_tool_calls=request.max_tool_calls,
        parallel_tool_calls=request.parallel_tool_calls is not False,
        reasoning=None if reasoning is None else ReasoningSettings(reasoning.effort, reasoning.summary),
        temperature=_or_default(request.temperature, 1.0),
        top_p=_or_default(request.top_p, 1.0),
        top_logprobs=request.top_logprobs or 0,
        presence_penalty=_or_default(request.presence_penalty, 0.0),
        frequency_penalty=_or_default(request.frequency_penalty, 0.0),
        metadata=request.metadata or {},
        user=request.user,
        safety_identifier=request.safety_identifier,
        prompt_cache_key=request.prompt_cache_key,
    )


def _or_default(value: float | None, default: float) -> float:
    return default if value is None else value


def _text_settings(text: Mapping[str, Any]) -> TextSettings:
    return TextSettings(text.get("format") or {"type": "text"}, text.get("verbosity") or UNSET)


# What a tool must have in a response, if the request leaves it out.
_ECHOED: Mapping[str, Mapping[str, Any]] = {
    "function": {"description": None, "parameters": None, "strict": None},
}


def _echoed_tool(tool: Mapping[str, Any]) -> dict[str, Any]:
    return {**_ECHOED.get(str(tool.get("type")), {}), **tool}


def _usage(generation: Generation) -> ResponseUsage:
    tokens = generation.tokens
    return ResponseUsage(
        tokens.prompt,
        InputTokensDetails(tokens.cached),
        tokens.generated,
        OutputTokensDetails(tokens.reasoning or 0),
        tokens.prompt + tokens.generated,
        tokens.attempts or UNSET,
    )
