"""A wire format: a name, and the trees of its parts, which turn_tree.py combines into a turn."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from turngrammar.wire import Node


@dataclass(frozen=True)
class Frame:
    """The literals around a text, such as the reasoning.

    Attributes:
        gap: whitespace behind `close`.
        resume: what begins the rest of the turn behind the gap, where that is a message of its own.
        lead: whitespace before `open`.
        call_gap: the gap before calls, where it is another.
        bare: whether `close` may be there alone, without the text.
    """

    open: str
    close: str
    gap: str = ""
    resume: str = ""
    lead: str = ""
    call_gap: str | None = None
    bare: bool = False

    @property
    def before_calls(self) -> Frame:
        """The frame with the gap before calls."""
        return self if self.call_gap is None else replace(self, gap=self.call_gap)

    @property
    def before_either(self) -> Frame:
        """The frame with the part of the gap that calls and text have in common."""
        gap, call_gap = self.gap, self.before_calls.gap
        common = next(gap[:size] for size in range(len(gap), -1, -1) if call_gap.startswith(gap[:size]))
        return replace(self, gap=common)

    @property
    def behind_either(self) -> Frame:
        """The frame with the rest of both gaps behind that."""
        known = self.before_either.gap
        call_gap = self.before_calls.gap.removeprefix(known)
        return replace(self, gap=self.gap.removeprefix(known), call_gap=call_gap)


@dataclass(frozen=True)
class Format:
    """How a family of models writes a turn.

    Attributes:
        name: its unique name, by which it can be chosen.
        calls: one or more calls, with all markup around them.
        alone: whether calls are at the beginning of the turn or nowhere, since only their head distinguishes them from
            text.
        answer: the frame of the answer's text, if there is one. Text before calls then has the frame `preamble`.
        preamble: see `answer`; None where no text precedes calls. It may open as `answer` does: then the end of the
            text distinguishes the two.
        reasoning: the frame of the model's reasoning; None where it writes none.
        lead: whitespace before calls at the beginning of a turn.
        history: (pattern, replacement) where chat templates show old calls differently from what the model writes.
    """

    name: str
    calls: Node
    alone: bool = False
    answer: Frame | None = None
    preamble: Frame | None = None
    reasoning: Frame | None = None
    lead: str = ""
    history: tuple[tuple[str, str], ...] = ()

    @cached_property
    def key(self) -> str:
        """A text of every field: the same for equal formats, and for them alone, in every process."""
        return repr(self)


THINK = Frame("<think>", "</think>", "\n\n")
