"""Calls of tools and their results in a client's history, as the template wants them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from itertools import groupby
from typing import Any

from latticework.prompt.arguments import as_json, as_object, as_string
from latticework.prompt.messages import Setting, joined, text, user, without
from latticework.prompt.traits import Message
from turngrammar.render import Call, render

# Where each of the last calls stood, and its function's name, by the call's id.
Order = Mapping[str | None, tuple[int, str]]


def pair_results(messages: list[Message], setting: Setting) -> list[Message]:
    """Results in the order of their calls, each with its function's name: templates that print no id need both."""
    paired: list[Message] = []
    order: Order = {}
    for is_result, group in groupby(messages, _is_result):
        run = list(group)
        if is_result:
            run = [_named(message, order) for message in sorted(run, key=lambda message: _place(message, order))]
        else:
            calls = run[-1].get("tool_calls", ())
            order = {call.get("id"): (index, call["function"]["name"]) for index, call in enumerate(calls)}
        paired += run
    return paired


def _is_result(message: Message) -> bool:
    return bool(message["role"] == "tool")


def _place(result: Message, order: Order) -> int:
    return order.get(result.get("tool_call_id"), (len(order), ""))[0]


def _named(result: Message, order: Order) -> Message:
    known = order.get(result.get("tool_call_id"))
    return {"name": known[1], **result} if known else result


def write_out_calls(messages: list[Message], setting: Setting) -> list[Message]:
    """Calls that the template would drop become text in the wire format, after the message's own text."""
    calling = setting.traits.calling

    def written(message: Message) -> Message:
        if "tool_calls" not in message or (calling and (calling.beside_text or not text(message))):
            return message
        wire = render(setting.format, [_wire_call(call) for call in message["tool_calls"]])
        return {**without(message, "tool_calls"), "content": joined(text(message), wire, between="\n")}

    return [written(message) for message in messages]


def _wire_call(call: Message) -> Call:
    return Call(call["function"]["name"], as_json(call["function"]["arguments"]), call.get("id"))


def split_calls(messages: list[Message], setting: Setting) -> list[Message]:
    """One call a message, its result right after it, where a message can't hold several."""
    if setting.traits.calling is None or setting.traits.calling.parallel:
        return messages
    split: list[Message] = []
    waiting: list[Message] = []
    for message in messages:
        if _is_result(message):
            split += [message, *waiting[:1]]
            del waiting[:1]
        else:
            first, *others = _singles(message)
            split += [*waiting, first]
            waiting = others
    return split + waiting


def _singles(message: Message) -> list[Message]:
    calls = message.get("tool_calls", ())
    if len(calls) < 2:
        return [message]
    silent = [{"role": "assistant", "content": "", "tool_calls": [call]} for call in calls[1:]]
    return [{**message, "tool_calls": [calls[0]]}, *silent]


def wrap_results(messages: list[Message], setting: Setting) -> list[Message]:
    """Results become the user's words, those of one turn together, where the template knows no role for them."""
    if setting.traits.results:
        return messages
    wrapped: list[Message] = []
    for is_result, group in groupby(messages, _is_result):
        run = list(group)
        wrapped += [user("\n".join(map(_wrapped, run)))] if is_result else run
    return wrapped


def _wrapped(result: Message) -> str:
    return f"<tool_response>\n{text(result)}\n</tool_response>"


def shorten_ids(messages: list[Message], setting: Setting) -> list[Message]:
    """Ids of nine letters and digits, the same for a call and its result, for Mistral's templates."""
    if setting.traits.calling is None or not setting.traits.calling.short_ids:
        return messages
    return [_with_short_ids(message) for message in messages]


def _with_short_ids(message: Message) -> Message:
    if _is_result(message):
        return {**message, "tool_call_id": _short(message.get("tool_call_id"))}
    if "tool_calls" in message:
        return {**message, "tool_calls": [{**call, "id": _short(call.get("id"))} for call in message["tool_calls"]]}
    return message


def _short(identity: str | None) -> str:
    if identity and re.fullmatch("[a-zA-Z0-9]{9}", identity):
        return identity
    return hashlib.sha256((identity or "").encode()).hexdigest()[:9]


def shape_calls(messages: list[Message], setting: Setting) -> list[Message]:
    """Arguments, and the content of a message without text, in the shape that the template renders."""
    calling = setting.traits.calling
    if calling is None:
        return messages

    def shaped(message: Message) -> Message:
        if "tool_calls" not in message:
            return message
        calls = [_shaped(call, calling.arguments) for call in message["tool_calls"]]
        return {**message, "content": message["content"] if text(message) else calling.content, "tool_calls": calls}

    return [shaped(message) for message in messages]


def _shaped(call: Message, kind: str) -> Message:
    arguments: Any = call["function"]["arguments"]
    shaped = as_object(arguments) if kind == "object" else as_string(arguments)
    return {**call, "function": {**call["function"], "arguments": shaped}}
