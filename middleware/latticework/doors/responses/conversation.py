"""From the items of an input to the messages that the chat template takes, in the form of chat completions.

The items of one turn of the assistant are one message: its reasoning, its text, its calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from latticework.doors.common.objects import ApiObject
from latticework.doors.common.sealed_text import unsealed
from latticework.doors.responses.client_tools import CLIENT_TOOLS
from latticework.doors.responses.items import (
    CallOutputInput,
    ClientCallInput,
    ClientOutputInput,
    CustomCallInput,
    FunctionCallInput,
    InputMedia,
    InputRefusal,
    InputTextPart,
    MessageInput,
    OtherItem,
    ReasoningInput,
    ToolSearchOutputInput,
)
from latticework.doors.responses.tools import turn_name
from latticework.errors import BadRequest
from turngrammar.scan import dump_json

Message = dict[str, Any]
# An item and its name in the request, such as `input[2]`.
Located = tuple[str, ApiObject]

_BY_CALL = {tool.call: (name, tool.arguments) for name, tool in CLIENT_TOOLS.items()}


def messages_of(items: Sequence[Located], instructions: str | None = None) -> list[Message]:
    """The messages. Raises BadRequest for an item that has none."""
    conversation = _Messages([{"role": "system", "content": instructions}] if instructions else [])
    for place, item in items:
        if (add := _ADD.get(type(item))) is not None:
            add(conversation, place, item)
    return conversation.messages


def user_texts(items: Sequence[Located]) -> Iterator[tuple[str, str]]:
    """Each text of the user's messages, behind its name in the request."""
    for at, (place, item) in enumerate(items):
        if not isinstance(item, MessageInput) or item.role != "user":
            continue
        name = place if place.startswith("input") else f"{place}[{at}]"  # items of earlier responses have one place
        if isinstance(item.content, str):
            yield name if name == "input" else f"{name}.content", item.content
            continue
        for index, part in enumerate(item.content):
            if isinstance(part, InputTextPart):
                yield f"{name}.content[{index}].text", part.text


@dataclass
class _Messages:
    """The messages so far.

    Attributes:
        turn: the assistant's message that further items may still be a part of.
        calls: the ids of all calls.
    """

    messages: list[Message] = field(default_factory=list)
    turn: Message | None = None
    calls: set[str] = field(default_factory=set)

    def message(self, place: str, item: MessageInput) -> None:
        content = _content(place, item.content)
        if item.role != "assistant":
            self._add({"role": item.role, "content": content})
            return
        turn = self._turn(lambda turn: "content" not in turn and "tool_calls" not in turn)
        turn["content"] = content

    def reasoning(self, place: str, item: ReasoningInput) -> None:
        text = _item_reasoning(place, item)
        if text:
            turn = self._turn(lambda turn: turn.keys() <= {"role", "reasoning_content"})
            turn["reasoning_content"] = "\n".join([*filter(None, [turn.get("reasoning_content")]), text])

    def function_call(self, place: str, item: FunctionCallInput) -> None:
        function = {"name": turn_name(item.name, item.namespace), "arguments": item.arguments}
        self._call({"id": item.call_id, "type": "function", "function": function})

    def custom_call(self, place: str, item: CustomCallInput) -> None:
        custom = {"name": turn_name(item.name, item.namespace), "input": item.input}
        self._call({"id": item.call_id, "type": "custom", "custom": custom})

    def client_call(self, place: str, item: ClientCallInput) -> None:
        name, where = _BY_CALL[item.type]
        arguments = getattr(item, where)
        if arguments is None:
            raise BadRequest(f"Missing required parameter: '{place}.{where}'.", param=f"{place}.{where}")
        given = {key: value for key, value in arguments.items() if (key, value) not in CLIENT_TOOLS[name].fixed.items()}
        call_id = item.call_id or item.id or ""
        self._call({"id": call_id, "type": "function", "function": {"name": name, "arguments": dump_json(given)}})

    def output(self, place: str, item: CallOutputInput) -> None:
        self._output(place, item.call_id, _content(f"{place}", item.output, "output"))

    def client_output(self, place: str, item: ClientOutputInput) -> None:
        """A patch that was applied may have no text but its status."""
        output = item.status or "" if item.output is None else item.output
        text = output if isinstance(output, str) else dump_json(output)
        self._output(place, item.call_id or item.id or "", text)

    def search_output(self, place: str, item: ToolSearchOutputInput) -> None:
        names = [name for tool in item.tools if (name := getattr(tool, "name", None)) is not None]
        self._output(place, item.call_id or "", dump_json({"tools": names}))

    def other(self, place: str, item: OtherItem) -> None:
        raise BadRequest(
            f"'{place}' is of type '{item.type}', which this server doesn't support; leave it out, or send its content "
            "as a message.",
            param=place,
            code="unsupported_value",
        )

    def _add(self, message: Message) -> None:
        self.messages.append(message)
        self.turn = None

    def _turn(self, continues: Callable[[Message], bool]) -> Message:
        """The assistant's message that an item belongs to: the last one, if the item `continues` it."""
        if self.turn is None or not continues(self.turn):
            turn: Message = {"role": "assistant"}
            self._add(turn)
            self.turn = turn
        return self.turn

    def _call(self, call: Message) -> None:
        self.calls.add(call["id"])
        self._turn(lambda turn: True).setdefault("tool_calls", []).append(call)

    def _output(self, place: str, call_id: str, content: Any) -> None:
        if call_id not in self.calls:
            raise BadRequest(
                f"'{place}.call_id' is '{call_id[:100]}', and no earlier item is a call of this id; send the call too.",
                param=f"{place}.call_id",
            )
        self._add({"role": "tool", "tool_call_id": call_id, "content": content})


_ADD: Mapping[type[ApiObject], Callable[[_Messages, str, Any], None]] = {
    MessageInput: _Messages.message,
    ReasoningInput: _Messages.reasoning,
    FunctionCallInput: _Messages.function_call,
    CustomCallInput: _Messages.custom_call,
    ClientCallInput: _Messages.client_call,
    CallOutputInput: _Messages.output,
    ClientOutputInput: _Messages.client_output,
    ToolSearchOutputInput: _Messages.search_output,
    OtherItem: _Messages.other,
}


def _content(place: str, content: str | list[Any], name: str = "content") -> str | list[Message]:
    """As in chat completions: text, or parts."""
    return content if isinstance(content, str) else list(_content_parts(f"{place}.{name}", content))


def _content_parts(place: str, parts: Sequence[InputTextPart | InputRefusal | InputMedia]) -> Iterator[Message]:
    for index, part in enumerate(parts):
        match part:
            case InputTextPart(text=text):
                yield {"type": "text", "text": text}
            case InputRefusal(refusal=refusal):
                yield {"type": "refusal", "refusal": refusal}
            case InputMedia(type=kind):
                raise BadRequest(
                    f"'{place}[{index}]' is of type '{kind}', and this model reads text only.",
                    param=f"{place}[{index}]",
                    code="unsupported_value",
                )


def _item_reasoning(place: str, item: ReasoningInput) -> str:
    """Its content; else the text that this server has encoded; else its summary."""
    if text := "\n".join(part.text for part in item.content or ()):
        return text
    if item.encrypted_content:
        decoded = unsealed(item.encrypted_content)
        if decoded is None:
            raise BadRequest(
                f"'{place}.encrypted_content' was not written by this server, or was changed; leave the item out.",
                param=f"{place}.encrypted_content",
                code="invalid_encrypted_content",
            )
        return decoded
    return "\n".join(part.text for part in item.summary or ())
