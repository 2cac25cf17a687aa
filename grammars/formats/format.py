"""What a wire format is: a name, and the trees of its parts. How they combine in a turn is turns.py's business."""

from __future__ import annotations

from dataclasses import dataclass

from grammars.wire import Node


@dataclass(frozen=True)
class Frame:
    """The literals around a stretch of text; then `gap`, whitespace, and `resume`, where the turn starts anew.

    `bare`: where there is no such text, `close` may stand alone.
    """

    open: str
    close: str
    gap: str = ""
    resume: str = ""
    bare: bool = False


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
    """

    name: str
    calls: Node
    alone: bool = False
    answer: Frame | None = None
    preamble: Frame | None = None
    reasoning: Frame | None = None


THINK = Frame("<think>", "</think>", "\n\n")
