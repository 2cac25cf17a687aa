"""A caller's own check of an answer, as the server takes it: an answer that it refuses is generated again."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from pydantic import ValidationError

from turngrammar.plan import TurnViolation

# What a violation names instead of a keyword of JSON Schema, where the caller's own code refuses the whole.
OWN = "validate"


class OutputCheck:
    """Reads texts; what that raises are a text's violations.

    Attributes:
        error: what the last text was refused with; None if it was accepted.
        crashed_on: the last text, if reading it raised anything but a refusal.
    """

    def __init__(self, read: Callable[[str], Any]) -> None:
        """`read`: parses and checks a text. Raises ValueError, such as pydantic's ValidationError, to refuse it."""
        self.error: ValueError | None = None
        self.crashed_on: str | None = None
        self._read = read
        self._accepted: tuple[str, Any] | None = None

    def __call__(self, text: str) -> Sequence[TurnViolation]:
        """The text's violations; none if it is accepted."""
        self.crashed_on, self.error = text, None
        try:
            self._accepted = (text, self._read(text))
        except ValueError as error:
            self.error = error
        self.crashed_on = None
        return violations_of(self.error, text) if self.error else ()

    def value(self, text: str) -> Any:
        """The value of a text, which is not checked twice. Raises what refuses it."""
        if self._accepted is None or self._accepted[0] != text:
            return self._read(text)
        return self._accepted[1]


def violations_of(error: ValueError, text: str) -> Sequence[TurnViolation]:
    """One for each of pydantic's errors; a single one of the whole for another error."""
    if not isinstance(error, ValidationError):
        return (TurnViolation("content", "", OWN, str(error)),)
    value = json.loads(text)
    return tuple(
        TurnViolation("content", pointer_to(details["loc"], value), details["type"], details["msg"])
        for details in error.errors(include_url=False, include_context=False)
    )


def pointer_to(loc: Sequence[int | str], value: Any) -> str:
    """The JSON pointer of pydantic's `loc`. Steps such as a union's members lead nowhere."""
    pointer = ""
    for step in loc:
        keyed = isinstance(value, dict) and step in value
        if keyed or (isinstance(value, list) and isinstance(step, int) and step < len(value)):
            value = value[step]
            pointer += "/" + str(step).replace("~", "~0").replace("/", "~1")
    return pointer
