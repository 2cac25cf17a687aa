"""`POST /v1/decisions`: OpenAI's decisions, of any model, with exact probabilities."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from latticework.doors import FAULTS, JSON, REFUSALS, Door, Endpoint, Operation
from latticework.doors.common.counts import refuse_crowds
from latticework.doors.decisions.prompt import answer_texts, decision_asks
from latticework.doors.decisions.request import CROWDS, FIELDS, TEXTS, DecisionRequest, parse_decision_request
from latticework.doors.decisions.response import Decision, DecisionAnswer, answer_to, decision_usage
from latticework.doors.decisions.scoring import AnswerScores
from latticework.errors import TimedOut
from latticework.http import body
from latticework.http.endpoint import json_response
from latticework.http.lifetime import HEADER as TIMEOUT
from latticework.http.lifetime import request_deadline
from latticework.model import Model
from latticework.models import Models
from latticework.prepare import jobs_of
from latticework.settings import Settings
from latticework.turn import Job


def _decide(models: Models, settings: Settings) -> Endpoint:
    async def decide(request: Request) -> Response:
        until = request_deadline(request.headers.get(TIMEOUT), settings.request_timeout)
        decoded = await body.read_object(request.receive, settings, TEXTS)
        refuse_crowds(decoded, settings, CROWDS)
        parsed = parse_decision_request(decoded)
        async with until.kept():
            model = await models.find(parsed.model)
            async with model.answering(len(parsed.questions)):
                jobs = await jobs_of(model, lambda: decision_asks(parsed), models.adapter_of(parsed.model))
                return json_response(request, await _decision(model, parsed, jobs))

    return decide


async def _decision(model: Model, request: DecisionRequest, jobs: Sequence[Job]) -> Decision:
    """The first question alone, so that the others find the input in the engine's prefix cache; these together."""
    scores = [AnswerScores(model, job) for job in jobs]

    async def answer(index: int) -> DecisionAnswer:
        question = request.questions[index]
        return answer_to(question, await scores[index].probabilities(answer_texts(question), f"questions[{index}]"))

    answers = [await answer(0)]
    running = [asyncio.ensure_future(answer(index)) for index in range(1, len(jobs))]
    try:
        answers += await asyncio.gather(*running)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
    return Decision(request.model, tuple(answers), decision_usage(scores))


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
    _decide,
    limited=True,
)
