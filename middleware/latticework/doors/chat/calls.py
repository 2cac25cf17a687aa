"""One tool call of a chat: its events in, its deltas out."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from msgspec import UNSET

from latticework.doors.chat.chunks import CustomDelta, FunctionDelta, IncompleteToolCall, ToolCallDelta
from latticework.doors.common.call_text import CallStream
from turngrammar.events import ToolCallStart


class StreamedCall:
    """A call of a function or of a custom tool, of which each method returns the next delta, if there is one."""

    def __init__(self, start: ToolCallStart, places: Iterator[int], *, custom: bool, held: bool) -> None:
        """`places`: the next index in the message. `held`: whether the call is sent only when it is complete."""
        self._name = start.name
        self._id = start.id or f"call_{secrets.token_hex(12)}"
        self._places = places
        self._index: int | None = None  # once it has begun
        self._custom = custom
        self._stream = CallStream(custom=custom, held=held)

    @property
    def ended(self) -> bool:
        return self._stream.ended

    def feed(self, arguments: str) -> ToolCallDelta | None:
        """More of the arguments' JSON text."""
        text = self._stream.feed(arguments)
        return self._delta(text) if text else None

    def end(self) -> ToolCallDelta | None:
        """The call is complete."""
        text = self._stream.end()
        return self._delta(text) if text or self._index is None else None

    def cut(self) -> IncompleteToolCall:
        """The call as far as it goes; with index and id if it has begun."""
        text = self._stream.cut()
        return IncompleteToolCall(
            name=self._name,
            arguments=UNSET if self._custom else text,
            input=text if self._custom else UNSET,
            index=UNSET if self._index is None else self._index,
            id=UNSET if self._index is None else self._id,
        )

    def _delta(self, text: str) -> ToolCallDelta:
        """The next piece; the first says what is called."""
        if self._index is not None:
            if self._custom:
                return ToolCallDelta(self._index, custom=CustomDelta(text))
            return ToolCallDelta(self._index, FunctionDelta(text))
        self._index = next(self._places)
        if self._custom:
            return ToolCallDelta(self._index, id=self._id, type="custom", custom=CustomDelta(text, self._name))
        return ToolCallDelta(self._index, FunctionDelta(text, self._name), self._id, "function")
