"""What a wire format is: a name, and the trees of its parts. How they combine in a turn is turns.py's business."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from turngrammar.wire import Node


@dataclass(frozen=True)
class Frame:
    """The literals around a stretch of text; then `gap`, whitespace, and `resume`, where the turn starts anew.

    `lead` is whitespace before it. `call_gap` is the whitespace between thoughts and calls, where it is another.
    `bare`: where there is no such text, `close` may stand alone.
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
        """The frame as it stands before calls."""
        return self if self.call_gap is None else replace(self, gap=self.call_gap)

    @property
    def before_either(self) -> Frame:
        """The frame with as much of the gap as stands before calls and before text."""
        one, other = self.gap, self.before_calls.gap
        return replace(self, gap=next(one[:size] for size in range(len(one), -1, -1) if other.startswith(one[:size])))

    @property
    def behind_either(self) -> Frame:
        """The frame with what is left of its gaps behind that."""
        known = self.before_either.gap
        call_gap = self.before_calls.gap.removeprefix(known)
        return replace(self, gap=self.gap.removeprefix(known), call_gap=call_gap)


@dataclass(frozen=True)
class Format:
    """The way in which a family of models writes a turn.

    Attributes:
        name: what `--tool-format` calls it.
        calls: one or more calls, with all markup around them.
        alone: calls stand at the beginning of the turn or nowhere, for nothing but their head tells them from text.
        answer: the frame of a turn's text, where it has one; text before calls is then `preamble`.
        preamble: see `answer`; None where calls in framed formats have no text before them. It may open as `answer`
            does: then what closes the text tells them apart.
        reasoning: the frame of what the model thinks before it answers; None where it doesn't.
        lead: whitespace before calls that a turn begins with.
        history: what chat templates show otherwise of old calls than the model writes them: patterns, replacements.
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
