"""What the server has left out or changed, as the body of a response has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, TypeAlias

import msgspec

from latticework.errors import from_pointer
from latticework.generate import AnswerNotice, Finish
from latticework.generate.generation import Generation
from latticework.prompt.repeated import CallRun

WarningCode: TypeAlias = Literal[
    "skipped_tool",
    "incomplete_tool_call",
    "replaced_text",
    "ignored_block",
    "removed_text",
    "repeated_call",
    "repeated_turns",
    "empty_answer",
    "resampled_answer",
    "no_confidence",
]


class ResponseWarning(msgspec.Struct, frozen=True):
    """What the server has left out of a request or its answer, or changed in a request.

    `param`: its place, the first one if there are several; `tool`: the name of a skipped tool, or of one whose call was
    cut or repeated.
    """

    code: WarningCode
    message: str
    param: str | None
    tool: str | None = None


_NO_CONFIDENCE = ResponseWarning(
    "no_confidence",
    "The model's calls have a notation other than JSON: with tools, its answers come without 'confidence'.",
    "confidence",
)


def warnings_of(generation: Generation) -> tuple[ResponseWarning, ...]:
    """What is known before the answer: one for each tool that was left out, one for all texts that were changed, one
    for a call that the conversation repeats, and one if the answer comes without the confidence of its values.
    """
    errors = (error for job in generation.jobs for error in job.plan.skipped)
    skipped = tuple(
        ResponseWarning("skipped_tool", error.message, from_pointer(error.pointer), error.tool) for error in errors
    )
    replaced = (_replaced(generation.replaced),) if generation.replaced else ()
    run = generation.jobs[0].call_run
    repeated = () if run is None else (_run_warning(run),)
    return (*skipped, *replaced, *repeated, *((_NO_CONFIDENCE,) if generation.jobs[0].lacks_confidence else ()))


def _run_warning(run: CallRun) -> ResponseWarning:
    message = f"The conversation's last {run.turns} turns made the same call of '{run.name}': it may lead nowhere."
    return ResponseWarning("repeated_turns", message, None, run.name)


def notice_warnings(notices: Iterable[AnswerNotice]) -> tuple[ResponseWarning, ...]:
    """One for each notice of finished answers."""
    return tuple(_NOTICES[notice.kind](notice) for notice in notices)


def _repeated_call(notice: AnswerNotice) -> ResponseWarning:
    message = f"A second call of '{notice.tool}' with the same arguments ended the answer, and is left out."
    return ResponseWarning("repeated_call", message, None, notice.tool)


def _empty_answer(notice: AnswerNotice) -> ResponseWarning:
    message = f"The answer has neither text nor a call: {_ENDED[notice.finish or 'stop']}."
    return ResponseWarning("empty_answer", message, None)


def _resampled_answer(notice: AnswerNotice) -> ResponseWarning:
    message = f"An invalid answer was generated again without feedback: {notice.reason}"
    return ResponseWarning("resampled_answer", message, "retries")


_NOTICES: Mapping[str, Callable[[AnswerNotice], ResponseWarning]] = {
    "repeated_call": _repeated_call,
    "empty_answer": _empty_answer,
    "resampled_answer": _resampled_answer,
}

_ENDED: Mapping[Finish, str] = {
    "stop": "a token that ends turns has ended it",
    "stop_string": "a stop string has ended it",
    "length": "the token limit has ended it, and a higher one leaves room",
    "calls": "a token that ends turns has ended it",
}


def _replaced(pointers: Sequence[str]) -> ResponseWarning:
    first = from_pointer(pointers[0])
    more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
    message = f"'{first}'{more} has half a surrogate pair, which is read as U+FFFD: cut texts between characters."
    return ResponseWarning("replaced_text", message, first)


def lacking_warning(place: str, kind: str) -> ResponseWarning:
    """That a tool of this type, which only the API's own servers run, is left out."""
    return ResponseWarning("skipped_tool", f"'{place}' is of type '{kind}', which this server lacks.", place, kind)


def cut_warning(name: str, where: str) -> ResponseWarning:
    """That the call of this tool was cut, and is not `where` calls are."""
    message = f"The answer was cut within a call of '{name}', which is not in {where}."
    return ResponseWarning("incomplete_tool_call", message, None, name)
