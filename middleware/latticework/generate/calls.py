"""One call of an answer while it grows, as its client sees it: a function's arguments, or a custom tool's input."""

from __future__ import annotations

from latticework.inputs import InputText
from latticework.responses import CustomDelta, Delta, FunctionDelta, ToolCallDelta
from turngrammar.render import Call


class GrowingCall:
    """Of a function. `ended` says whether its arguments are complete."""

    def __init__(self, index: int, name: str, id: str) -> None:
        self.ended = False
        self._index = index
        self._name = name
        self._id = id
        self._arguments: list[str] = []

    @property
    def call(self) -> Call:
        """The call as far as it is known."""
        return Call(self._name, "".join(self._arguments), self._id)

    def open(self) -> Delta:
        """The first piece says what is called."""
        return _piece(ToolCallDelta(self._index, FunctionDelta("", self._name), self._id, "function"))

    def feed(self, arguments: str) -> Delta | None:
        """What the next piece of the arguments' JSON text adds; None where that is nothing."""
        self._arguments.append(arguments)
        return _piece(ToolCallDelta(self._index, FunctionDelta(arguments)))


class GrowingCustomCall(GrowingCall):
    """Of a custom tool: the text in its arguments is what the client gets."""

    def __init__(self, index: int, name: str, id: str) -> None:
        super().__init__(index, name, id)
        self._input = InputText()

    def open(self) -> Delta:
        return _piece(ToolCallDelta(self._index, id=self._id, type="custom", custom=CustomDelta("", self._name)))

    def feed(self, arguments: str) -> Delta | None:
        self._arguments.append(arguments)
        text = self._input.feed(arguments)
        return _piece(ToolCallDelta(self._index, custom=CustomDelta(text))) if text else None


def _piece(call: ToolCallDelta) -> Delta:
    return Delta(tool_calls=(call,))
