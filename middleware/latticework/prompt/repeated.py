"""A call that a conversation's turns repeat: agents that get nowhere make the same one again and again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from latticework.ask import Ask, Conversation
from turngrammar.render import Call
from turngrammar.scan import dump_json, same_json


class CallRun(NamedTuple):
    """The only call of each of the conversation's last `turns` turns of the assistant: the tool's name."""

    name: str
    turns: int


def run_of_calls(ask: Ask) -> CallRun | None:
    """The call that at least the last two turns have made. Looks at no more turns than it counts, and one."""
    if not isinstance(ask.prompt, Conversation):
        return None
    messages = ask.prompt.messages
    turns = _calls_backwards(messages[:-1] if ask.prompt.continued else messages)
    last = next(turns, None)
    if last is None:
        return None
    count = 1
    for call in turns:
        if call is None or not _same_call(call, last):
            break
        count += 1
    return CallRun(last.name, count) if count > 1 else None


def _calls_backwards(messages: Sequence[Mapping[str, Any]]) -> Iterator[Call | None]:
    """The only call of each turn of the assistant, from the last one back; None for a turn with none or several."""
    for message in reversed(messages):
        if message.get("role") == "assistant":
            calls = message.get("tool_calls") or []
            yield _past_call(calls[0]) if len(calls) == 1 else None


def _past_call(call: Mapping[str, Any]) -> Call:
    """Clients send arguments as JSON text, or as its value."""
    if custom := call.get("custom"):
        return Call(custom["name"], dump_json({"input": custom["input"]}))
    function = call["function"]
    arguments = function.get("arguments") or "{}"
    return Call(function["name"], arguments if isinstance(arguments, str) else dump_json(arguments))


def _same_call(one: Call, other: Call) -> bool:
    return one.name == other.name and same_json(one.arguments, other.arguments)
