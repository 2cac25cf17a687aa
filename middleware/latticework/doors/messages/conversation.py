"""From messages of blocks to the messages that the chat template takes, in the form of chat completions.

A role twice in a row is one turn. The results of tools become messages of their own, before the text of their turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from latticework.doors.common.objects import ApiObject
from latticework.doors.common.sealed_text import unsealed
from latticework.doors.messages.blocks import (
    MEANT,
    ChatMessage,
    MediaBlock,
    MessageBlock,
    OtherBlock,
    RedactedThinking,
    TextBlockInput,
    ThinkingInput,
    ToolReference,
    ToolResultInput,
    ToolUseInput,
)
from latticework.doors.messages.tools import MessageTool
from latticework.doors.messages.volatile import without_volatile
from latticework.errors import BadRequest
from turngrammar.scan import dump_json

TemplateMessage = dict[str, Any]
ERROR = "Error: "
OF_ROLE = "a message of the role '{}'"
RESULT = "a 'tool_result'"
WAITING = "Further tools, which a search for them loads: {}."
LOADED = "From now on, this tool can be called: {}"


@dataclass
class Dialogue:
    """The messages so far.

    Attributes:
        tools: those of the request.
        places: the request's name of each message.
        ignored: the places of blocks that are left out, and their types.
        shortened: the places of texts without what changes with each request.
        calls: the ids of all calls.
        found: the names of the tools that searches have found.
        quotable: the texts of the user, each behind its place.
    """

    tools: Sequence[MessageTool]
    drops_volatile: bool
    messages: list[TemplateMessage] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    ignored: list[tuple[str, str]] = field(default_factory=list)
    shortened: list[str] = field(default_factory=list)
    calls: set[str] = field(default_factory=set)
    found: set[str] = field(default_factory=set)
    quotable: list[tuple[str, str]] = field(default_factory=list)

    def add_system(self, blocks: Sequence[tuple[str, str]]) -> None:
        """The system prompt: each text with its place. Behind it stand the names of tools that are not loaded."""
        texts = self._system_texts(blocks)
        if waiting := [tool.name for tool in self.tools if tool.deferred]:
            texts.append(WAITING.format(", ".join(waiting)))
        if texts:
            self._append("system", {"role": "system", "content": _text_content(texts)})

    def add(self, place: str, message: ChatMessage) -> None:
        """A message of the conversation. Raises BadRequest for a block that is not supported."""
        _ROLES[message.role](self, place, message)

    def end(self) -> None:
        """Raises BadRequest for a conversation without a message, and for a last turn that can't be continued.

        A last message of the assistant's without content, which Anthropic allows, is left out.
        """
        if self.messages and self.messages[-1] == {"role": "assistant"}:
            del self.messages[-1], self.places[-1]
        if all(message["role"] == "system" for message in self.messages):
            raise BadRequest("'messages' must have a message of the user's.", param="messages")
        last, place = self.messages[-1], self.places[-1]
        if last["role"] != "assistant":
            return
        if "tool_calls" in last:
            raise BadRequest(f"'{place}' ends with a 'tool_use'; send its 'tool_result' behind it.", param=place)
        if "content" not in last:
            problem = "has no text to continue; leave the message out, or send text of the answer."
            raise BadRequest(f"'{place}' {problem}", param=place)

    @property
    def continued(self) -> bool:
        """Whether the last message is text of the assistant's, which the answer continues."""
        return bool(self.messages) and self.messages[-1]["role"] == "assistant"

    def _system(self, place: str, message: ChatMessage) -> None:
        blocks = [(where, block) for where, block in _placed(place, message) if self._is_known(where, block)]
        texts = self._system_texts(
            [(where, _block_text(where, block, OF_ROLE.format("system"))) for where, block in blocks]
        )
        if texts:
            self._append(place, {"role": "system", "content": _text_content(texts)})

    def _system_texts(self, blocks: Iterable[tuple[str, str]]) -> list[str]:
        if not self.drops_volatile:
            return [text for _, text in blocks if text]
        texts = []
        for place, text in blocks:
            kept = without_volatile(text)
            if kept != text:
                self.shortened.append(place)
            if kept.strip() or kept == text:
                texts.append(kept)
        return [text for text in texts if text]

    def _user(self, place: str, message: ChatMessage) -> None:
        texts = []
        for where, block in _placed(place, message):
            match block:
                case ToolResultInput():
                    self._result(where, block)
                case _ if self._is_known(where, block):
                    texts.append(_block_text(where, block, OF_ROLE.format("user")))
                    self.quotable.append((where if where.endswith("content") else f"{where}.text", texts[-1]))
        if not texts and isinstance(message.content, list) and message.content:
            return
        last = self.messages[-1] if self.messages else {}
        if last.get("role") == "user":
            self.messages[-1] = {**last, "content": _text_content([*_content_texts(last["content"]), *texts])}
        else:
            self._append(place, {"role": "user", "content": _text_content(texts)})

    def _result(self, place: str, block: ToolResultInput) -> None:
        if block.tool_use_id not in self.calls:
            raise BadRequest(
                f"'{place}.tool_use_id' is '{block.tool_use_id[:100]}', and no earlier 'tool_use' has this id; send "
                "it too.",
                param=f"{place}.tool_use_id",
            )
        texts = self._result_texts(place, block)
        if block.is_error and not "".join(texts).lstrip().lower().startswith("error"):
            texts = [ERROR + "\n".join(texts)]
        message = {"role": "tool", "tool_call_id": block.tool_use_id, "content": _text_content(texts)}
        self._append(place, message)

    def _result_texts(self, place: str, block: ToolResultInput) -> list[str]:
        if block.content is None or isinstance(block.content, str):
            return [block.content or ""]
        texts = []
        for index, part in enumerate(block.content):
            where = f"{place}.content[{index}]"
            if isinstance(part, ToolReference):
                texts.append(self._loaded(where, part))
            elif self._is_known(where, part):
                texts.append(_block_text(where, part, RESULT))
        return texts

    def _loaded(self, place: str, reference: ToolReference) -> str:
        """The description of a tool that a search has found."""
        tool = next((tool for tool in self.tools if tool.name == reference.tool_name), None)
        if tool is None:
            raise BadRequest(
                f"'{place}.tool_name' is '{reference.tool_name[:100]}', which is not among 'tools'; send the tool too.",
                param=f"{place}.tool_name",
            )
        self.found.add(tool.name)
        return LOADED.format(dump_json(tool.shown["function"]))

    def _assistant(self, place: str, message: ChatMessage) -> None:
        turn: TemplateMessage = {"role": "assistant"}
        texts, reasoning = [], []
        for where, block in _placed(place, message):
            match block:
                case ThinkingInput() | RedactedThinking():
                    reasoning.append(_thought(block))
                case ToolUseInput():
                    turn.setdefault("tool_calls", []).append(self._call(block))
                case _ if self._is_known(where, block):
                    texts.append(_block_text(where, block, OF_ROLE.format("assistant")))
        if text := [text for text in texts if text]:
            turn["content"] = _text_content(text)
        if thought := "\n".join(filter(None, reasoning)):
            turn["reasoning_content"] = thought
        self._add_turn(place, turn)

    def _call(self, block: ToolUseInput) -> TemplateMessage:
        self.calls.add(block.id)
        function = {"name": block.name, "arguments": dump_json(block.input)}
        return {"id": block.id, "type": "function", "function": function}

    def _add_turn(self, place: str, turn: TemplateMessage) -> None:
        """Text behind text of the assistant's belongs to it."""
        last = self.messages[-1] if self.messages else {}
        if last.get("role") != "assistant" or "tool_calls" in last or "reasoning_content" in turn:
            self._append(place, turn)
            return
        joined = [*_content_texts(last.get("content") or []), *_content_texts(turn.get("content") or [])]
        self.messages[-1] = {**last, **turn, **({"content": _text_content(joined)} if joined else {})}
        self.places[-1] = place

    def _append(self, place: str, message: TemplateMessage) -> None:
        self.messages.append(message)
        self.places.append(place)

    def _is_known(self, place: str, block: ApiObject) -> bool:
        """Whether a block can be read. Others are left out, and named."""
        if isinstance(block, OtherBlock) and block.type not in MEANT:
            self.ignored.append((place, block.type))
            return False
        return True


_ROLES: Mapping[str, Callable[[Dialogue, str, ChatMessage], None]] = {
    "system": Dialogue._system,
    "user": Dialogue._user,
    "assistant": Dialogue._assistant,
}


def _placed(place: str, message: ChatMessage) -> list[tuple[str, MessageBlock]]:
    if isinstance(message.content, str):
        return [(f"{place}.content", TextBlockInput(type="text", text=message.content))]
    return [(f"{place}.content[{index}]", block) for index, block in enumerate(message.content)]


def _block_text(place: str, block: ApiObject, holder: str) -> str:
    """Raises BadRequest for a block that is no text."""
    if isinstance(block, TextBlockInput):
        return block.text
    kind = getattr(block, "type", "")
    if isinstance(block, MediaBlock):
        raise BadRequest(
            f"'{place}' is of type '{kind}', and this model reads text only.", param=place, code="unsupported_value"
        )
    raise BadRequest(f"'{place}' is of type '{kind}', which {holder} can't have.", param=place)


def _thought(block: ThinkingInput | RedactedThinking) -> str:
    """Its text, or that in a signature that this server has made for reasoning which it left out."""
    if isinstance(block, RedactedThinking):
        return unsealed(block.data) or ""
    return block.thinking or unsealed(block.signature or "") or ""


def _text_content(texts: Sequence[str]) -> str | list[TemplateMessage]:
    """As in chat completions: a text, or parts."""
    return "".join(texts) if len(texts) < 2 else [{"type": "text", "text": text} for text in texts]


def _content_texts(content: str | Sequence[Mapping[str, Any]]) -> list[str]:
    """The same as texts."""
    return [content] if isinstance(content, str) else [part["text"] for part in content]
