"""From steps to the events of a message, and to the whole message."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET

from latticework.doors.anthropic import anthropic_envelope
from latticework.doors.common.events import named_event
from latticework.doors.common.warnings import (
    ResponseWarning,
    cut_warning,
    lacking_warning,
    notice_warnings,
    warnings_of,
)
from latticework.doors.messages.events import (
    ENCODER,
    Ending,
    MessageDelta,
    MessageEvent,
    MessageStart,
    MessageStop,
    Ping,
)
from latticework.doors.messages.output import MessageResponse, MessageUsage, StopReason, ThinkingTokens
from latticework.doors.messages.reading import ReadRequest
from latticework.doors.messages.request import MessagesRequest
from latticework.doors.messages.stream import BlockStream
from latticework.doors.messages.tools import server_tools
from latticework.errors import ApiError
from latticework.generate import Finish, Step
from latticework.generate.generation import Generation

STOP_REASONS: dict[Finish, StopReason] = {
    "stop": "end_turn",
    "stop_string": "stop_sequence",
    "length": "max_tokens",
    "calls": "tool_use",
    "refusal": "refusal",
}


class MessagesResponse:
    """A fresh one for each request."""

    def __init__(self, request: MessagesRequest, read: ReadRequest, generation: Generation, request_id: str) -> None:
        self._generation = generation
        self._request_id = request_id
        self._model = request.model
        self._warnings = (*_left_out(read), *warnings_of(generation))
        # A message that is cut off by the context, not by the client's limit.
        self._fills_context = generation.jobs[0].sampling.max_tokens < request.max_tokens
        self._blocks = BlockStream(_eager(request, read, generation), omits_thinking=request.display == "omitted")
        self._begun = False

    def chunks(self, steps: Sequence[Step]) -> list[MessageEvent]:
        events: list[MessageEvent] = []
        if not self._begun:
            self._begun = True
            events += [MessageStart(self._message(self._usage(generated=0))), Ping()]
        for step in steps:
            events += self._blocks.events(step)
        return events

    def events(self, chunks: Sequence[MessageEvent]) -> bytes:
        return ENCODER.encode_all(chunks)

    def end(self) -> bytes:
        blocks = self._blocks
        delta = MessageDelta(
            Ending(self._stop_reason, blocks.stop),
            self._usage(self._generation.tokens.generated),
            self._all_warnings or UNSET,
            tuple(blocks.cut) or UNSET,
            confidence=blocks.confidence or UNSET,
            grounding=blocks.grounding or UNSET,
        )
        return ENCODER.encode(delta) + ENCODER.encode(MessageStop())

    def whole(self, chunks: Sequence[MessageEvent]) -> bytes:
        blocks, usage = self._blocks, self._usage(self._generation.tokens.generated)
        message = msgspec.structs.replace(
            self._message(usage),
            content=tuple(blocks.done),
            stop_reason=self._stop_reason,
            stop_sequence=blocks.stop,
            warnings=self._all_warnings or UNSET,
            incomplete_tool_calls=tuple(blocks.cut) or UNSET,
            confidence=blocks.confidence or UNSET,
            grounding=blocks.grounding or UNSET,
        )
        return msgspec.json.encode(message)

    def failed(self, error: ApiError) -> bytes:
        return named_event(b"error", anthropic_envelope(error, self._request_id))

    def logged(self, chunks: Sequence[MessageEvent]) -> Sequence[MessageEvent]:
        return chunks

    def _message(self, usage: MessageUsage) -> MessageResponse:
        return MessageResponse(self._generation.id, self._model, (), usage)

    @property
    def _stop_reason(self) -> StopReason:
        finish = self._blocks.finish
        assert finish is not None
        if finish == "length" and self._fills_context:
            return "model_context_window_exceeded"
        return STOP_REASONS[finish]

    @property
    def _all_warnings(self) -> tuple[ResponseWarning, ...]:
        cut = (cut_warning(call.name, "the content") for call in self._blocks.cut)
        return (*self._warnings, *notice_warnings(self._generation.all_notices), *cut)

    def _usage(self, generated: int) -> MessageUsage:
        tokens = self._generation.tokens
        thinking = UNSET if tokens.reasoning is None or not generated else ThinkingTokens(tokens.reasoning)
        attempts = tokens.attempts or UNSET if generated else UNSET
        fresh = tokens.prompt - tokens.cached
        return MessageUsage(fresh, generated, tokens.cached, output_tokens_details=thinking, attempts=attempts)


def _eager(request: MessagesRequest, read: ReadRequest, generation: Generation) -> set[str] | None:
    """The names of the tools whose input is streamed before it is complete; None: of all of them.

    Clients run a call that has begun, even if it was cut, unless they know better: so each says which it can take.
    """
    if not request.streamed or any(job.whole_calls for job in generation.jobs):
        return set()
    if request.whole_calls is False:
        return None
    return {tool.name for tool in read.tools if tool.eager}


def _left_out(read: ReadRequest) -> list[ResponseWarning]:
    """What of the request the model has not seen."""
    tools = [lacking_warning(*tool) for tool in server_tools(read.request.tools or ())]
    blocks = [
        ResponseWarning("ignored_block", f"'{place}' is of type '{kind}', which this model can't read.", place)
        for place, kind in read.dialogue.ignored
    ]
    texts = [
        ResponseWarning(
            "removed_text",
            f"'{place}' has text that changes with each request, which is left out so that the prefix cache holds.",
            place,
        )
        for place in read.dialogue.shortened
    ]
    return [*tools, *blocks, *texts]
