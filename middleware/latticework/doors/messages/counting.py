"""`POST /v1/messages/count_tokens`: the tokens of a prompt, without an answer."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from latticework.ask import Ask
from latticework.concurrency import off_loop
from latticework.doors import FAULTS, JSON, REFUSALS, Door, Endpoint, Operation
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.common.validation import parse_as
from latticework.doors.envelopes import ANTHROPIC
from latticework.doors.messages.docs import PROMPT_FIELDS, PROMPT_RULES
from latticework.doors.messages.fields import CROWDS, STOPS, unknown_betas
from latticework.doors.messages.reading import ReadRequest, read_request
from latticework.doors.messages.request import RULES, TEXTS, PromptRequest
from latticework.http import body
from latticework.http.endpoint import DESCRIBED, IGNORED, SKIPPED, json_response, listing
from latticework.models import Models
from latticework.prepare import tokens_of
from latticework.settings import Settings


class CountTokensRequest(PromptRequest):
    """The body: the fields of a message's request that make its prompt."""


class TokenCount(msgspec.Struct, frozen=True):
    """The number of tokens of the prompt."""

    input_tokens: int


def _read(request: CountTokensRequest, settings: Settings) -> tuple[ReadRequest, Ask]:
    read = read_request(request, settings)
    return read, read.ask()


def _count_prompt(models: Models, settings: Settings) -> Endpoint:
    async def count_tokens(request: Request) -> Response:
        decoded = await body.read_object(request.receive, settings, TEXTS)
        refuse_crowds(decoded, settings, CROWDS, STOPS)
        parsed = parse_as(CountTokensRequest, decoded)
        for rule in RULES:
            rule(parsed)
        model = await models.find(parsed.model)
        read, ask = await off_loop(settings.compile_timeout, _read, parsed, settings)
        ids, skipped = await tokens_of(model, ask)
        ignored = [*read.ignored, *unknown_betas(request.headers.get("anthropic-beta", ""))]
        headers = {**listing(IGNORED, ignored), **listing(SKIPPED, skipped), **listing(DESCRIBED, read.bounds)}
        return json_response(request, TokenCount(len(ids)), headers=headers)

    return count_tokens


DOOR = Door(
    Operation(
        "post",
        "/v1/messages/count_tokens",
        "The number of tokens that the prompt of the same message has.",
        {JSON: (TokenCount,)},
        CountTokensRequest,
        PROMPT_FIELDS,
        PROMPT_RULES,
        (*REFUSALS, *FAULTS),
        guarded=True,
    ),
    _count_prompt,
    limited=True,
    envelope=ANTHROPIC,
)
