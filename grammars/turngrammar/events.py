"""Events that a parser reports while the text of a turn arrives.

For each tool call, in order: one `ToolCallStart`, any number of `ArgumentsDelta`, one `ToolCallEnd`.
A call that the text cuts off has no end. The deltas of one kind, joined, are the whole.
"""

from __future__ import annotations

import msgspec

# `gc=False`: there is one for each token, none of them is part of a cycle, and the collector is spared the search.


class ContentDelta(msgspec.Struct, frozen=True, gc=False):
    """Text of the content: free text, or a piece of the document that the turn's schema describes."""

    text: str


class ReasoningDelta(msgspec.Struct, frozen=True, gc=False):
    """Text of the model's reasoning."""

    text: str


class RefusalDelta(msgspec.Struct, frozen=True, gc=False):
    """Text with which the model refuses to write the document."""

    text: str


class ToolCallStart(msgspec.Struct, frozen=True):
    """A call's name is known. `index` counts calls from 0; `id` is that of the wire format, None where it has none."""

    index: int
    name: str
    id: str | None = None


class ArgumentsDelta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a call's arguments as JSON text. Joined, the pieces are the arguments byte for byte."""

    index: int
    text: str


class ToolCallEnd(msgspec.Struct, frozen=True):
    """The call is complete, and its arguments are one JSON object."""

    index: int


class Malformed(msgspec.Struct, frozen=True):
    """The text is not in the wire format. `text` was also reported as content: nothing is lost."""

    text: str
    reason: str


Event = ContentDelta | ReasoningDelta | RefusalDelta | ToolCallStart | ArgumentsDelta | ToolCallEnd | Malformed
