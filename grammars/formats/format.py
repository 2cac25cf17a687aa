"""What a wire format is: a name, and the trees of its parts. How they combine in a turn is plan.py's business."""

from __future__ import annotations

from dataclasses import dataclass

from grammars.wire import Node


@dataclass(frozen=True)
class Format:
    """The way in which a family of models writes tool calls.

    Attributes:
        name: what `--tool-format` calls it.
        calls: one or more calls, with all markup around them.
    """

    name: str
    calls: Node
