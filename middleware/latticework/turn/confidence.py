"""Whether an answer comes with the confidence of its values, and whether it can."""

from __future__ import annotations

from latticework.ask import Ask
from latticework.errors import BadRequest
from turngrammar.analysis import has_node
from turngrammar.formats import Format
from turngrammar.plan import Plan
from turngrammar.wire import JsonArguments


def wants_confidence(ask: Ask, plan: Plan, format: Format, *, default: bool) -> bool:
    """`default`: where the request has no value; then it only counts where it can be honoured. Raises BadRequest."""
    if not (default if ask.confidence is None else ask.confidence):
        return False
    obstacle = _obstacle(plan, format)
    if obstacle is not None and ask.confidence:
        raise BadRequest(f"'{ask.name('confidence')}' {obstacle}", param=ask.name("confidence"))
    return obstacle is None


def lacks_confidence(ask: Ask, plan: Plan, format: Format, *, default: bool) -> bool:
    """Whether the model's default can't be honoured, though the answer may have JSON values."""
    return default and ask.confidence is None and _calls_lack_json(plan, format)


def _obstacle(plan: Plan, format: Format) -> str | None:
    if plan.document is None and not plan.tools:
        return "needs an answer with JSON values: send a JSON Schema for it, or tools that it may call."
    if _calls_lack_json(plan, format):
        return (
            f"needs calls with arguments in JSON, and the wire format '{format.name}' has a notation of its own: omit "
            "it, or send no tools."
        )
    return None


def _calls_lack_json(plan: Plan, format: Format) -> bool:
    return bool(plan.tools) and not has_node(format.calls, JsonArguments)
