"""What the server has left out or changed, as the body of a response has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import msgspec

from latticework.errors import from_pointer
from latticework.generate.generation import Generation


class ResponseWarning(msgspec.Struct, frozen=True):
    """What the server has left out of a request or its answer, or changed in a request.

    `param`: its place, the first one if there are several; `tool`: the name of a skipped tool, or of one whose call was
    cut.
    """

    code: Literal[
        "skipped_tool", "incomplete_tool_call", "replaced_text", "ignored_block", "removed_text", "resampled_answer"
    ]
    message: str
    param: str | None
    tool: str | None = None


def warnings_of(generation: Generation) -> tuple[ResponseWarning, ...]:
    """One for each tool that was left out, and one for all texts that were changed."""
    errors = (error for job in generation.jobs for error in job.plan.skipped)
    skipped = tuple(
        ResponseWarning("skipped_tool", error.message, from_pointer(error.pointer), error.tool) for error in errors
    )
    return (*skipped, _replaced(generation.replaced)) if generation.replaced else skipped


def _replaced(pointers: Sequence[str]) -> ResponseWarning:
    first = from_pointer(pointers[0])
    more = f" and {len(pointers) - 1} more" if len(pointers) > 1 else ""
    message = f"'{first}'{more} has half a surrogate pair, which is read as U+FFFD: cut texts between characters."
    return ResponseWarning("replaced_text", message, first)


def retry_warnings(generation: Generation) -> tuple[ResponseWarning, ...]:
    """One for each reason why an answer was generated again without the requested feedback. Complete at the end."""
    return tuple(
        ResponseWarning("resampled_answer", f"An invalid answer was generated again without feedback: {why}", "retries")
        for why in dict.fromkeys(generation.obstacles)
    )


def lacking_warning(place: str, kind: str) -> ResponseWarning:
    """That a tool of this type, which only the API's own servers run, is left out."""
    return ResponseWarning("skipped_tool", f"'{place}' is of type '{kind}', which this server lacks.", place, kind)


def cut_warning(name: str, where: str) -> ResponseWarning:
    """That the call of this tool was cut, and is not `where` calls are."""
    message = f"The answer was cut within a call of '{name}', which is not in {where}."
    return ResponseWarning("incomplete_tool_call", message, None, name)
