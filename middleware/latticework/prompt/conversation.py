"""A client's messages, rewritten into ones that a template with given traits renders without loss."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from latticework.prompt.custom import as_function_call
from latticework.prompt.messages import Setting, Step, joined, text, user, without
from latticework.prompt.template import PromptError
from latticework.prompt.toolhistory import (
    pair_results,
    shape_calls,
    shorten_ids,
    split_calls,
    wrap_results,
    write_out_calls,
)
from latticework.prompt.traits import Message, Place
from turngrammar.formats.format import Frame


def adapt(messages: Iterable[Mapping[str, Any]], setting: Setting) -> list[Message]:
    """Messages in OpenAI's form, as the template of `setting.traits` wants them. The given ones stay as they are.

    Raises:
        PromptError: content that is not text.
    """
    adapted = [_tidy(message, index) for index, message in enumerate(messages)]
    for step in STEPS:
        adapted = step(adapted, setting)
    return adapted


def _tidy(message: Mapping[str, Any], index: int) -> Message:
    """No nulls, and one spelling of each thing: `system`, `reasoning_content`, text parts."""
    tidy = {key: value for key, value in message.items() if value is not None}
    if tidy["role"] == "developer":  # OpenAI's newer name; templates that know it treat the two alike
        tidy["role"] = "system"
    tidy["content"] = _tidy_content(tidy.get("content", ""), index)
    reasoning = tidy.pop("reasoning", None)
    if reasoning is not None:
        tidy.setdefault("reasoning_content", reasoning)
    calls = tidy.get("tool_calls")
    return {**tidy, "tool_calls": [as_function_call(call) for call in calls]} if calls else without(tidy, "tool_calls")


def _tidy_content(content: str | Sequence[Mapping[str, Any]], index: int) -> str | list[Message]:
    if isinstance(content, str):
        return content
    texts = [part.get("text", part.get("refusal")) for part in content]
    if None in texts:
        raise PromptError("The model reads text only.", f"messages[{index}].content[{texts.index(None)}]")
    return [{"type": "text", "text": text} for text in texts]


def split_reasoning(messages: Sequence[Mapping[str, Any]], frame: Frame | None) -> Sequence[Mapping[str, Any]]:
    """Answers whose text begins with framed reasoning, as clients send it back that don't tell it from the answer.

    Some templates do so themselves (Qwen 3's): where markup in messages is text, they can't.
    """
    return [_split(message, frame) for message in messages] if frame else messages


def _split(message: Mapping[str, Any], frame: Frame) -> Mapping[str, Any]:
    content = message.get("content")
    known = message.get("reasoning_content") or message.get("reasoning")
    if message["role"] != "assistant" or known or not isinstance(content, str):
        return message
    opening, text = frame.open.strip(), content.lstrip()
    reasoning, closed, answer = text.removeprefix(opening).partition(frame.close)
    if not text.startswith(opening) or not closed:
        return message
    answer = answer.removeprefix(frame.resume)
    return {**message, "reasoning_content": reasoning.strip("\n"), "content": answer.lstrip("\n")}


def rename_reasoning(messages: list[Message], setting: Setting) -> list[Message]:
    """Reasoning under the template's own key; before the text where it can't stand beside both text and calls."""
    traits = setting.traits

    def renamed(message: Message) -> Message:
        if "reasoning_content" not in message:
            return message
        rest, reasoning = without(message, "reasoning_content"), message["reasoning_content"]
        if text(message) and "tool_calls" in message and not traits.reasoning_beside_text:
            return {**rest, "content": joined(reasoning, text(message))}
        return {**rest, traits.reasoning: reasoning}

    return [renamed(message) for message in messages]


def place_system(messages: list[Message], setting: Setting) -> list[Message]:
    """The block into the system's words at the head; and system messages that the template would drop, elsewhere."""
    count = next((index for index, message in enumerate(messages) if message["role"] != "system"), len(messages))
    return _PLACES[setting.traits.system](messages[:count], messages[count:], setting.block)


def _anywhere(head: list[Message], rest: list[Message], block: str) -> list[Message]:
    if not block:
        return [*head, *rest]
    first = {"role": "system", **(head[0] if head else {}), "content": joined(*map(text, head[:1]), block)}
    return [first, *head[1:], *rest]


def _first(head: list[Message], rest: list[Message], block: str) -> list[Message]:
    told = joined(*map(text, head), block)
    if not rest:  # a system message alone is a question too, and templates that want the user's refuse it
        return [user(told)]
    system = [{"role": "system", "content": told}] if told else []
    return [*system, *map(_as_user, rest)]


def _last(head: list[Message], rest: list[Message], block: str) -> list[Message]:
    users = [index for index, message in enumerate(rest) if message["role"] == "user"]
    if not users or users[-1] == len(rest) - 1:
        return _first(head, rest, block)
    return [*map(_as_user, rest[: users[-1]]), *_never(head, rest[users[-1] :], block)]


def _never(head: list[Message], rest: list[Message], block: str) -> list[Message]:
    told = joined(*map(text, head), block)
    said = [_as_user(message) for message in rest]
    if told and said and said[0]["role"] == "user":
        return [{**said[0], "content": joined(told, text(said[0]))}, *said[1:]]
    return [user(told), *said] if told else said


def _as_user(message: Message) -> Message:
    return {**message, "role": "user"} if message["role"] == "system" else message


_PLACES: Mapping[Place, Callable[[list[Message], list[Message], str], list[Message]]] = {
    "anywhere": _anywhere,
    "first": _first,
    "last": _last,
    "never": _never,
}


def alternate(messages: list[Message], setting: Setting) -> list[Message]:
    """One message where there were two of one role in a row, if the template refuses that.

    Such a template also wants an answer between results and what the user says next; an empty one will do.
    """
    if not setting.traits.alternates:
        return messages
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else {}
        if (last.get("role"), message["role"]) == ("tool", "user"):
            merged.append({"role": "assistant", "content": ""})
        if message["role"] == last.get("role") != "tool" and "tool_calls" not in last:
            merged[-1] = {**last, **message, "content": joined(text(last), text(message))}
        else:
            merged.append(message)
    return merged


def break_silence(messages: list[Message], setting: Setting) -> list[Message]:
    """Answers without a word or a call, as the template takes them."""

    def spoken(message: Message) -> Message:
        silent = message["role"] == "assistant" and "tool_calls" not in message and not text(message)
        return {**message, "content": setting.traits.silence} if silent else message

    return [spoken(message) for message in messages]


def join_parts(messages: list[Message], setting: Setting) -> list[Message]:
    """Content as strings, unless the template joins parts itself."""
    return messages if setting.traits.parts else [{**message, "content": text(message)} for message in messages]


STEPS: Sequence[Step] = (
    join_parts,
    rename_reasoning,
    pair_results,
    write_out_calls,
    split_calls,
    wrap_results,
    place_system,
    alternate,
    break_silence,
    shorten_ids,
    shape_calls,
)
