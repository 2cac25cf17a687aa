"""The fields by which an answer continues the conversation's last message, the assistant's; vLLM's."""

from __future__ import annotations

from collections.abc import Sequence

from latticework.doors.openai.types import Message, RefusalPart
from latticework.errors import BadRequest


def continues(messages: Sequence[Message], continued: bool | None, generation_prompt: bool | None) -> bool:
    """Whether the answer continues the last message.

    Args:
        continued: `continue_final_message`.
        generation_prompt: `add_generation_prompt`.

    Raises:
        BadRequest: it can't be continued.
    """
    if not continued:
        return False
    if generation_prompt:
        raise BadRequest(
            "'add_generation_prompt' and 'continue_final_message' can't both be true: an answer begins a new message, "
            "or continues the last one.",
            param="add_generation_prompt",
        )
    refuse_uncontinuable(messages, "continue_final_message")
    return True


def refuse_uncontinuable(messages: Sequence[Message], name: str) -> None:
    """Raises BadRequest for a last message that is not text of the assistant's. `name`: the field that needs it."""
    last, place = messages[-1], f"messages[{len(messages) - 1}]"
    if last.role != "assistant":
        raise BadRequest(
            f"'{place}.role' must be 'assistant': '{name}' has the answer continue the last message, which is of the "
            f"role '{last.role}'.",
            param=f"{place}.role",
        )
    if last.tool_calls:
        raise BadRequest(
            f"'{place}.tool_calls' must be empty: '{name}' has the answer continue the last message, and only text can "
            "be continued.",
            param=f"{place}.tool_calls",
        )
    parts = last.content if isinstance(last.content, list) else ()
    if last.content is None or any(isinstance(part, RefusalPart) for part in parts):
        raise BadRequest(
            f"'{place}.content' must be text: '{name}' has the answer continue it.",
            param=f"{place}.content",
        )
