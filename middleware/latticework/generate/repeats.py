"""Calls that repeat an earlier one of their turn: the same name, and arguments of the same value."""

from __future__ import annotations

import re
import string
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from turngrammar.events import ArgumentsDelta, Event, ToolCallEnd, ToolCallStart
from turngrammar.scan import same_json

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_ESCAPE_BEGUN = re.compile(r"\\(u[0-9A-Fa-f]{0,3})?$")
_BRACKETS = re.compile(r"[][{}]")
# Of numbers and words.
_SCALAR = f"-+.{string.digits}{string.ascii_letters}"
_SCALAR_ENDS = re.compile(rf"[^{re.escape(_SCALAR)}]")


class RepeatFilter:
    """Passes events until a call repeats an earlier one, and none after it.

    A call is held back only while it can still be a repeat: until its text differs from that of each earlier call of
    the same tool in a way that another form of the same value does not.

    Attributes:
        found: the start of the call that is a repeat.
    """

    def __init__(self) -> None:
        self.found: ToolCallStart | None = None
        self._made: dict[str, list[str]] = defaultdict(list)
        self._call: ToolCallStart | None = None
        self._arguments: list[str] = []
        self._earlier: list[EarlierCall] = []
        self._held: list[Event] = []

    def feed(self, events: Iterable[Event]) -> Sequence[Event]:
        """The events that are not held back."""
        passed: list[Event] = []
        for event in events:
            if self.found is not None:
                break
            if note := _NOTES.get(type(event)):
                note(self, event)
            else:  # any other event ends the call, which has left its format
                self._earlier = []
            if self.found is None:
                self._held.append(event)
                if not self._earlier:
                    passed += self.close()
        return passed

    def close(self) -> Sequence[Event]:
        """The held back events, at the end of the turn."""
        held, self._held = self._held, []
        return held

    def _start(self, event: ToolCallStart) -> None:
        self._call, self._arguments = event, []
        self._earlier = [EarlierCall(text) for text in self._made[event.name]]

    def _grow(self, event: ArgumentsDelta) -> None:
        self._arguments.append(event.text)
        self._earlier = [call for call in self._earlier if call.may_be(event.text)]

    def _end(self, event: ToolCallEnd) -> None:
        assert self._call is not None
        arguments = "".join(self._arguments)
        if any(same_json(call.arguments, arguments) for call in self._earlier):
            self.found, self._held = self._call, []
        self._earlier = []
        self._made[self._call.name].append(arguments)


_NOTES: Mapping[type[Event], Callable[[RepeatFilter, Any], None]] = {
    ToolCallStart: RepeatFilter._start,
    ArgumentsDelta: RepeatFilter._grow,
    ToolCallEnd: RepeatFilter._end,
}


class EarlierCall:
    """The arguments of an earlier call, JSON text, along which those of another are read.

    Texts of one value differ in whitespace, in escapes, in the form of numbers and in the order of members. Where
    that may be the reason of a difference, the rest is not compared: whole values are, in the end.
    """

    def __init__(self, arguments: str) -> None:
        self.arguments = arguments
        self._same = 0
        self._number: str | None = None  # the other one's, where the two began to differ within one
        self._unsure = False

    def may_be(self, text: str) -> bool:
        """Whether arguments that go on with `text` may have the same value. Must not be called again after False."""
        if self._unsure:
            return True
        if self._number is not None:
            return self._compares_number(text)
        common = _common(self.arguments[self._same : self._same + len(text)], text)
        self._same += common
        return common == len(text) or self._differs(text[common:])

    def _differs(self, text: str) -> bool:
        before, expected = self.arguments[: self._same], self.arguments[self._same : self._same + 1]
        outside = _STRING.sub("'", before)
        structure, quote, begun = outside.partition('"')
        if quote:
            escaped = "\\" in (expected, text[0]) or _ESCAPE_BEGUN.search(begun)
            self._unsure = bool(escaped) or _is_key(structure)
            return self._unsure
        scalar = outside[_scalar_start(outside) :]
        kinds = _is_scalar(expected), _is_scalar(text[0])
        if all(kinds) or (scalar and any(kinds)):
            self._number = scalar
            return self._compares_number(text)
        self._unsure = expected.isspace() or text[0].isspace()
        return self._unsure

    def _compares_number(self, text: str) -> bool:
        """Reads on to the end of a number or word that is spelled differently."""
        end = _SCALAR_ENDS.search(text)
        self._number = (self._number or "") + (text[: end.start()] if end else text)
        if end is None:
            return True
        start = _scalar_start(self.arguments[: self._same])
        other = _SCALAR_ENDS.split(self.arguments[start:], maxsplit=1)[0]
        self._unsure = same_json(other, self._number)
        return self._unsure


def _common(one: str, other: str) -> int:
    """The length of what both begin with."""
    if one == other:
        return len(one)
    return next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _scalar_start(text: str) -> int:
    """Where the number or word begins with which the text ends; its end if there is none."""
    return len(text.rstrip(_SCALAR))


def _is_scalar(character: str) -> bool:
    return bool(character) and _SCALAR_ENDS.match(character) is None


def _is_key(structure: str) -> bool:
    """Whether the string behind this text is the name of a member."""
    depth = 0
    for bracket in reversed(_BRACKETS.findall(structure)):
        depth += 1 if bracket in "}]" else -1
        if depth < 0:
            return bracket == "{" and not structure.rstrip().endswith(":")
    return False
