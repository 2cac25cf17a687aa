"""`POST /v1/grammars`: the grammar of a request, and how each keyword of its schemas is enforced."""

from __future__ import annotations

import time
from typing import Literal

import msgspec
from pydantic import StrictStr
from starlette.requests import Request
from starlette.responses import Response

from latticework.concurrency import off_loop
from latticework.doors import FAULTS, JSON, REFUSALS, Door, Endpoint, Operation
from latticework.doors.common.validation import parse_as, refuse_fields
from latticework.doors.openai.ask import turn_of
from latticework.doors.openai.counts import refuse_openai_crowds
from latticework.doors.openai.field_docs import CHAT
from latticework.doors.openai.fields import refused_by
from latticework.doors.openai.types import TurnRequest
from latticework.http import body
from latticework.http.endpoint import json_response
from latticework.models import Models
from latticework.prepare import plan_of, refusable
from latticework.settings import Settings
from turngrammar.plan import Plan


class GrammarRequest(TurnRequest):
    """The body of `POST /v1/grammars`."""

    model: StrictStr
    refusal: Literal["allow", "never"] | None = None


class ReportRow(msgspec.Struct, frozen=True):
    """How a keyword of a schema is enforced: `pointer` is a JSON pointer into the request."""

    pointer: str
    keyword: str
    status: Literal["enforced", "rewritten", "checked", "annotation", "refused"]
    reason: str


class Grammar(msgspec.Struct, frozen=True):
    """The grammar of a request. `exact`: the grammar enforces everything, so nothing is checked on the answer.

    `grammar` is llguidance Lark, null if nothing is constrained; `compile_ms` is the time that this call took. `report`
    ends with a refused keyword for each of the `skipped_tools`, which are left out.
    """

    model: str
    format: str
    exact: bool
    compile_ms: float
    grammar_bytes: int
    grammar: str | None
    report: tuple[ReportRow, ...]
    skipped_tools: tuple[str, ...] = ()
    object: Literal["grammar"] = "grammar"


def _explain_grammar(models: Models, settings: Settings) -> Endpoint:
    async def explain(request: Request) -> Response:
        decoded = await body.read_object(request.receive, settings)
        refuse_openai_crowds(decoded, settings)
        parsed = parse_as(GrammarRequest, decoded)
        refuse_fields(parsed, refused_by("chat"))
        return json_response(request, await _grammar(models, parsed, settings.compile_timeout))

    return explain


async def _grammar(models: Models, request: GrammarRequest, limit: float) -> Grammar:
    """Raises the errors of the same chat request."""
    model = await models.find(request.model)
    turn = refusable(model, turn_of(request), request.refusal)
    started = time.perf_counter()
    plan = await plan_of(model, turn)
    took = time.perf_counter() - started
    return await off_loop(limit, _described, request.model, model.format_named(turn.format).name, plan, took)


def _described(model: str, format: str, plan: Plan, seconds: float) -> Grammar:
    """Slow: a report has a row for each keyword."""
    return Grammar(
        model=model,
        format=format,
        exact=plan.exact,
        compile_ms=round(seconds * 1000, 2),
        grammar_bytes=len((plan.grammar or "").encode()),
        grammar=plan.grammar,
        report=tuple(ReportRow(row.pointer, row.keyword, row.status, row.reason) for row in plan.report),
        skipped_tools=tuple(error.tool for error in plan.skipped),
    )


DOOR = Door(
    Operation(
        "post",
        "/v1/grammars",
        "The grammar of a request, and how each keyword of its schemas is enforced.",
        {JSON: (Grammar,)},
        GrammarRequest,
        CHAT,
        errors=(*REFUSALS, *FAULTS),
        guarded=True,
    ),
    _explain_grammar,
    limited=True,
)
