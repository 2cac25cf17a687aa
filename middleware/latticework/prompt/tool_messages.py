"""Tool calls and their results in a client's messages, rewritten into the form that a template renders."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from latticework.prompt.capabilities import Message
from latticework.prompt.messages import Adaptation, join_texts, message_text, user_message, without_key
from turngrammar.render import Call, render
from turngrammar.scan import dump_json, load_json

# As clients send them: JSON text in OpenAI's API, perhaps an object. A model wrote them, so they may be anything.
CallArguments = str | Mapping[str, Any]

# The position of each of the last calls, and its function's name, by the call's id.
CallOrder = Mapping[str | None, tuple[int, str]]

MALFORMED = "invalid_arguments"
"""The only key of the object that replaces arguments that are not JSON text of an object. Its value is that text."""


def arguments_object(arguments: CallArguments) -> Mapping[str, Any]:
    """`arguments` as an object, or `{MALFORMED: arguments}`, so that the model sees what it wrote.

    An empty text is the empty object, as clients send calls without parameters. Malformed are also NaN, nesting too
    deep to parse, and lone surrogates, which no tokenizer takes.
    """
    if not isinstance(arguments, str):
        return arguments
    try:
        value = load_json(arguments or "{}")
        dump_json(value).encode()
    except (ValueError, RecursionError):
        return {MALFORMED: arguments}
    return value if isinstance(value, dict) else {MALFORMED: arguments}


def is_json_object(text: str) -> bool:
    """Whether `text` is empty or JSON text of an object."""
    return MALFORMED not in arguments_object(text)


def arguments_text(arguments: CallArguments) -> str:
    """`arguments` as text, whether or not it is JSON."""
    return arguments or "{}" if isinstance(arguments, str) else dump_json(arguments)


def arguments_json(arguments: CallArguments) -> str:
    """`arguments` as JSON text of an object; unchanged if they are that."""
    value = arguments_object(arguments)
    return dump_json(value) if MALFORMED in value else arguments_text(arguments)


def convert_custom_calls(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Calls of custom tools become calls of a function with the parameter `input`, as the model writes them."""

    def converted(message: Message) -> Message:
        if "tool_calls" not in message:
            return message
        return {**message, "tool_calls": [_custom_call_as_function(call) for call in message["tool_calls"]]}

    return [converted(message) for message in messages]


def _custom_call_as_function(call: Message) -> Message:
    if call.get("type") != "custom":
        return call
    arguments = dump_json({"input": call["custom"]["input"]})
    function = {"name": call["custom"]["name"], "arguments": arguments}
    return {**without_key(call, "custom"), "type": "function", "function": function}


def pair_results(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Results in the order of their calls, with their functions' names: templates that render no ids need both."""
    paired: list[Message] = []
    order: CallOrder = {}
    for is_result, group in groupby(messages, _is_result):
        run = list(group)
        if is_result:
            ordered = sorted(run, key=lambda message: _call_position(message, order))
            run = [_with_function_name(message, order) for message in ordered]
        else:
            calls = run[-1].get("tool_calls", ())
            order = {call.get("id"): (index, call["function"]["name"]) for index, call in enumerate(calls)}
        paired += run
    return paired


def _is_result(message: Message) -> bool:
    return bool(message["role"] == "tool")


def _call_position(result: Message, order: CallOrder) -> int:
    return order.get(result.get("tool_call_id"), (len(order), ""))[0]


def _with_function_name(result: Message, order: CallOrder) -> Message:
    call = order.get(result.get("tool_call_id"))
    return {"name": call[1], **result} if call else result


def write_out_calls(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Calls that the template would drop become text in the wire format, after the message's own text."""
    shape = adaptation.capabilities.calls

    def written_out(message: Message) -> Message:
        if "tool_calls" not in message or (shape and (shape.with_text or not message_text(message))):
            return message
        wire = render(adaptation.format, [_wire_call(call) for call in message["tool_calls"]])
        content = join_texts(message_text(message), wire, separator="\n")
        return {**without_key(message, "tool_calls"), "content": content}

    return [written_out(message) for message in messages]


def _wire_call(call: Message) -> Call:
    return Call(call["function"]["name"], arguments_json(call["function"]["arguments"]), call.get("id"))


def split_calls(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """One call per message, its result right after it, if the template renders one call per message."""
    shape = adaptation.capabilities.calls
    if shape is None or shape.parallel:
        return messages
    split: list[Message] = []
    waiting: list[Message] = []
    for message in messages:
        if _is_result(message):
            split += [message, *waiting[:1]]
            del waiting[:1]
        else:
            first, *others = _single_calls(message)
            split += [*waiting, first]
            waiting = others
    return split + waiting


def _single_calls(message: Message) -> list[Message]:
    calls = message.get("tool_calls", ())
    if len(calls) < 2:
        return [message]
    others = [{"role": "assistant", "content": "", "tool_calls": [call]} for call in calls[1:]]
    return [{**message, "tool_calls": [calls[0]]}, *others]


def wrap_results(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Consecutive results become one user message, if the template has no role for them."""
    if adaptation.capabilities.tool_role:
        return messages
    wrapped: list[Message] = []
    for is_result, group in groupby(messages, _is_result):
        run = list(group)
        wrapped += [user_message("\n".join(map(_tagged_result, run)))] if is_result else run
    return wrapped


def _tagged_result(result: Message) -> str:
    return f"<tool_response>\n{message_text(result)}\n</tool_response>"


def shorten_ids(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Ids of nine letters and digits, the same for a call and its result, for Mistral's templates."""
    shape = adaptation.capabilities.calls
    if shape is None or not shape.short_ids:
        return messages
    return [_with_short_ids(message) for message in messages]


def _with_short_ids(message: Message) -> Message:
    if _is_result(message):
        return {**message, "tool_call_id": _short_id(message.get("tool_call_id"))}
    if "tool_calls" in message:
        calls = [{**call, "id": _short_id(call.get("id"))} for call in message["tool_calls"]]
        return {**message, "tool_calls": calls}
    return message


def _short_id(call_id: str | None) -> str:
    if call_id and re.fullmatch("[a-zA-Z0-9]{9}", call_id):
        return call_id
    return hashlib.sha256((call_id or "").encode()).hexdigest()[:9]


def shape_calls(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Calls' arguments, and the content of a message without text, in the shape that the template renders."""
    shape = adaptation.capabilities.calls
    if shape is None:
        return messages

    def shaped(message: Message) -> Message:
        if "tool_calls" not in message:
            return message
        calls = [_shaped_call(call, shape.arguments) for call in message["tool_calls"]]
        content = message["content"] if message_text(message) else shape.empty_content
        return {**message, "content": content, "tool_calls": calls}

    return [shaped(message) for message in messages]


def _shaped_call(call: Message, shape: str) -> Message:
    arguments: Any = call["function"]["arguments"]
    shaped = arguments_object(arguments) if shape == "object" else arguments_text(arguments)
    return {**call, "function": {**call["function"], "arguments": shaped}}
