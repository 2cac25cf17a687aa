"""A text of the assistant's that the answer continues: whether it can begin this answer, and what is sent of it."""

from __future__ import annotations

from latticework.ask import Ask, Conversation
from latticework.engines.vocabulary import Beginning
from latticework.errors import BadRequest
from turngrammar.errors import cut
from turngrammar.events import ContentDelta, RefusalDelta
from turngrammar.plan import Plan

# Characters that errors quote.
QUOTED = 40


def begun_text(ask: Ask, text: str | None, plan: Plan, beginning: Beginning | None) -> str:
    """The text that the answer continues; "" for none. Raises BadRequest for one that can't begin this answer."""
    if not text:
        return ""
    if beginning is not None:
        _refuse_impossible(ask, text, beginning)
    if begun := _begins_other(plan, text):
        raise _refusal(ask, f"begins a {begun}, and only content can be continued. End it before that.")
    return text


def _refuse_impossible(ask: Ask, text: str, beginning: Beginning) -> None:
    at = beginning.allowed
    if at < len(text):
        only = f"; here it allows only {_quoted(beginning.expected)}" if beginning.expected else ""
        problem = f"leaves what the grammar of the answer allows at character {at}, {_quoted(text[at:])}{only}."
        raise _refusal(
            ask,
            f"{problem} Documents have the form that this server generates: one line, keys in the order of the schema.",
        )
    if beginning.complete:
        raise _refusal(ask, "is complete: nothing can follow it in the grammar of the answer.")


def _begins_other(plan: Plan, text: str) -> str:
    """What the text begins beside content; "" for nothing."""
    others = [event for event in plan.parser().feed(text) if not isinstance(event, ContentDelta)]
    if not others:
        return ""
    return "refusal" if isinstance(others[0], RefusalDelta) else "tool call"


def _quoted(text: str) -> str:
    return repr(cut(text, QUOTED))


def _refusal(ask: Ask, problem: str) -> BadRequest:
    last = len(ask.prompt.messages) - 1 if isinstance(ask.prompt, Conversation) else 0
    place = f"{ask.message_name(last)}.content"
    return BadRequest(f"'{place}', which the answer continues, {problem}", param=place)
