"""A client's messages, rewritten into the form that a template with given capabilities renders without loss.

Each step takes all messages and returns new ones; none changes its input. The steps for tool calls and their results
are in `tool_messages.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.prompt.capabilities import Capabilities, Message, SystemPosition
from latticework.prompt.jinja_template import PromptError
from turngrammar.formats import Format
from turngrammar.formats.format import Frame

Step = Callable[[list[Message], "Adaptation"], list[Message]]


@dataclass(frozen=True)
class Adaptation:
    """What the steps need beside the messages.

    Attributes:
        capabilities: the template's.
        format: the wire format of calls that the template would drop.
        system_text: text to add to the system message; "" for none.
    """

    capabilities: Capabilities
    format: Format
    system_text: str = ""


def message_text(message: Mapping[str, Any]) -> str:
    """A message's content as one string, with a line break between parts."""
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def join_texts(*texts: str, separator: str = "\n\n") -> str:
    """The nonempty texts, as paragraphs."""
    return separator.join(text for text in texts if text)


def without_key(message: Message, key: str) -> Message:
    return {name: value for name, value in message.items() if name != key}


def user_message(content: str) -> Message:
    return {"role": "user", "content": content}


def normalize_messages(messages: Iterable[Mapping[str, Any]]) -> list[Message]:
    """Messages without nulls, empty `tool_calls` and synonyms: the role is `system`, the key `reasoning_content`.

    A refusal is content.

    Raises:
        PromptError: content that is not text.
    """
    return [_normalized_message(message, index) for index, message in enumerate(messages)]


def _normalized_message(message: Mapping[str, Any], index: int) -> Message:
    normal = {key: value for key, value in message.items() if value is not None}
    if normal["role"] == "developer":  # OpenAI's newer name; templates that know it treat the two alike
        normal["role"] = "system"
    normal["content"] = _normalized_content(normal.get("content", ""), index)
    refusal = normal.pop("refusal", "")
    if refusal:
        parts = (
            [{"type": "text", "text": normal["content"]}] if isinstance(normal["content"], str) else normal["content"]
        )
        normal["content"] = [*parts, {"type": "text", "text": refusal}] if normal["content"] else refusal
    reasoning = normal.pop("reasoning", None)
    if reasoning is not None:
        normal.setdefault("reasoning_content", reasoning)
    return normal if normal.get("tool_calls") else without_key(normal, "tool_calls")


def _normalized_content(content: str | Sequence[Mapping[str, Any]], index: int) -> str | list[Message]:
    if isinstance(content, str):
        return content
    texts = [part.get("text", part.get("refusal")) for part in content]
    if None in texts:
        where = f"messages[{index}].content[{texts.index(None)}]"
        raise PromptError(f"'{where}' is not text, and this model reads text only.", where)
    return [{"type": "text", "text": text} for text in texts]


def split_framed_reasoning(messages: Sequence[Mapping[str, Any]], frame: Frame | None) -> Sequence[Mapping[str, Any]]:
    """Moves reasoning from the start of answers' content to `reasoning_content`: some clients send it back so.

    Some templates do this themselves (Qwen 3's), but can't where markup in messages counts as text.
    """
    return [_split_message(message, frame) for message in messages] if frame else messages


def _split_message(message: Mapping[str, Any], frame: Frame) -> Mapping[str, Any]:
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


def join_parts(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Content as strings, unless the template joins parts itself."""
    if adaptation.capabilities.content_parts:
        return messages
    return [{**message, "content": message_text(message)} for message in messages]


def rename_reasoning(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Reasoning under the template's key; at the start of the content where it can't be beside both text and calls."""
    capabilities = adaptation.capabilities

    def renamed(message: Message) -> Message:
        if "reasoning_content" not in message:
            return message
        rest, reasoning = without_key(message, "reasoning_content"), message["reasoning_content"]
        if message_text(message) and "tool_calls" in message and not capabilities.reasoning_with_text:
            return {**rest, "content": join_texts(reasoning, message_text(message))}
        return {**rest, capabilities.reasoning_key: reasoning}

    return [renamed(message) for message in messages]


def place_system(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """`system_text` at the end of the first system message, and system messages where the template renders them."""
    count = next((index for index, message in enumerate(messages) if message["role"] != "system"), len(messages))
    place = _SYSTEM_PLACERS[adaptation.capabilities.system]
    return place(messages[:count], messages[count:], adaptation.system_text)


def _system_anywhere(head: list[Message], rest: list[Message], added: str) -> list[Message]:
    if not added:
        return [*head, *rest]
    content = join_texts(*map(message_text, head[:1]), added)
    return [{"role": "system", **(head[0] if head else {}), "content": content}, *head[1:], *rest]


def _system_first(head: list[Message], rest: list[Message], added: str) -> list[Message]:
    content = join_texts(*map(message_text, head), added)
    if not rest:  # templates that require a user message refuse a system message alone
        return [user_message(content)]
    system = [{"role": "system", "content": content}] if content else []
    return [*system, *map(_system_as_user, rest)]


def _system_last(head: list[Message], rest: list[Message], added: str) -> list[Message]:
    users = [index for index, message in enumerate(rest) if message["role"] == "user"]
    if not users or users[-1] == len(rest) - 1:
        return _system_first(head, rest, added)
    return [*map(_system_as_user, rest[: users[-1]]), *_system_never(head, rest[users[-1] :], added)]


def _system_never(head: list[Message], rest: list[Message], added: str) -> list[Message]:
    content = join_texts(*map(message_text, head), added)
    others = [_system_as_user(message) for message in rest]
    if content and others and others[0]["role"] == "user":
        return [{**others[0], "content": join_texts(content, message_text(others[0]))}, *others[1:]]
    return [user_message(content), *others] if content else others


def _system_as_user(message: Message) -> Message:
    """Where it stands, so that the beginning of the prompt stays the same from turn to turn, and marked."""
    if message["role"] != "system":
        return message
    return {**message, "role": "user", "content": f"<system>\n{message_text(message)}\n</system>"}


_SYSTEM_PLACERS: Mapping[SystemPosition, Callable[[list[Message], list[Message], str], list[Message]]] = {
    "anywhere": _system_anywhere,
    "first": _system_first,
    "last": _system_last,
    "never": _system_never,
}


def alternate_roles(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Merges consecutive messages of one role, if the template refuses them.

    Such a template also requires an answer between tool results and the next user message: it gets an empty one.
    """
    if not adaptation.capabilities.alternating:
        return messages
    merged: list[Message] = []
    for message in messages:
        last = merged[-1] if merged else {}
        if (last.get("role"), message["role"]) == ("tool", "user"):
            merged.append({"role": "assistant", "content": ""})
        if message["role"] == last.get("role") != "tool" and "tool_calls" not in last:
            merged[-1] = {**last, **message, "content": join_texts(message_text(last), message_text(message))}
        else:
            merged.append(message)
    return merged


def fill_empty_answers(messages: list[Message], adaptation: Adaptation) -> list[Message]:
    """Answers without text and calls, with the content that the template accepts for them."""

    def filled(message: Message) -> Message:
        empty = message["role"] == "assistant" and "tool_calls" not in message and not message_text(message)
        return {**message, "content": adaptation.capabilities.empty_answer} if empty else message

    return [filled(message) for message in messages]
