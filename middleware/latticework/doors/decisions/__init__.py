"""`POST /v1/decisions`: OpenAI's decisions, of any model, with exact probabilities."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from latticework.doors import FAULTS, JSON, REFUSALS, Door, Operation
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.decisions.prompt import answer_texts, decision_asks
from latticework.doors.decisions.request import CROWDS, FIELDS, TEXTS, DecisionRequest, parse_decision_request
from latticework.doors.decisions.response import Decision, DecisionAnswer, answer_to, decision_usage
from latticework.doors.decisions.scoring import DecisionScores
from latticework.errors import TimedOut
from latticework.http import body
from latticework.http.endpoint import json_response
from latticework.http.lifetime import HEADER as TIMEOUT
from latticework.http.lifetime import request_deadline
from latticework.http.record import Record, record_of
from latticework.models import Models
from latticework.prepare import jobs_of
from latticework.settings import Settings


class DecisionEndpoint:
    """The endpoint, as an ASGI app: its record sees its errors."""

    def __init__(self, models: Models, settings: Settings) -> None:
        self._models = models
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._response(Request(scope, receive), record_of(scope))
        await response(scope, receive, send)

    async def _response(self, request: Request, record: Record) -> Response:
        until = request_deadline(request.headers.get(TIMEOUT), self._settings.request_timeout)
        decoded = await body.read_object(request.receive, self._settings, TEXTS)
        if self._settings.log_content:
            record.content["request"] = decoded
        refuse_crowds(decoded, self._settings, CROWDS)
        parsed = parse_decision_request(decoded)
        async with until.kept():
            model = await self._models.find(parsed.model)
            record.model = model.names[0]
            async with model.answering(len(parsed.questions)):
                jobs = await jobs_of(model, lambda: decision_asks(parsed), self._models.adapter_of(parsed.model))
                scores = record.generation = DecisionScores(model, jobs)
                return json_response(request, await _decision(parsed, scores))


async def _decision(request: DecisionRequest, scores: DecisionScores) -> Decision:
    """The first question alone, so that the others find the input in the engine's prefix cache; these together."""

    async def answer(index: int) -> DecisionAnswer:
        question, each = request.questions[index], scores.questions[index]
        return answer_to(question, await each.probabilities(answer_texts(question), f"questions[{index}]"))

    answers = [await answer(0)]
    running = [asyncio.ensure_future(answer(index)) for index in range(1, len(scores.questions))]
    try:
        answers += await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    scores.finishes.append("stop")
    return Decision(request.model, tuple(answers), decision_usage(scores.tokens))


DOOR = Door(
    Operation(
        "post",
        "/v1/decisions",
        "The answers to questions about one input, with the probability of each possible answer.",
        {JSON: (Decision,)},
        DecisionRequest,
        FIELDS,
        errors=(*REFUSALS, *FAULTS, TimedOut),
        guarded=True,
    ),
    DecisionEndpoint,
    limited=True,
    recorded=True,
)
