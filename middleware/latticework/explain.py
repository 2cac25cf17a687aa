"""`POST /v1/grammars`: what would become of each keyword of a request's schemas, without generating anything."""

from __future__ import annotations

import time

from latticework.concurrency import off_loop
from latticework.models import Models
from latticework.protocol import GrammarRequest
from latticework.responses import Finding, Grammar
from turngrammar.plan import Plan


async def explained(models: Models, request: GrammarRequest, limit: float) -> Grammar:
    """The request's grammar and its report. Raises what the same chat request would."""
    model = await models.find(request.model)
    started = time.perf_counter()
    plan = await model.plan(request)
    took = time.perf_counter() - started
    return await off_loop(limit, _told, request.model, model.format_for(request).name, plan, took)


def _told(model: str, format: str, plan: Plan, seconds: float) -> Grammar:
    """Slow: a report has a finding for each keyword."""
    return Grammar(
        model=model,
        format=format,
        exact=plan.exact,
        compile_ms=round(seconds * 1000, 2),
        grammar_bytes=len((plan.grammar or "").encode()),
        grammar=plan.grammar,
        report=tuple(Finding(f.pointer, f.keyword, f.status, f.reason) for f in plan.report),
    )
