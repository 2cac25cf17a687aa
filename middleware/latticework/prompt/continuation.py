"""An assistant's message that the answer continues: the prompt ends where its text does.

The template renders the message with a mark in place of the text, and the text replaces the mark and all behind it. So
it is the client's, character by character, whatever the template strips or puts around it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latticework.prompt.jinja_template import PromptError
from latticework.prompt.messages import message_text, normalize_messages, split_framed_reasoning
from turngrammar.formats.format import Frame

Messages = Sequence[Mapping[str, Any]]


def without_last_text(messages: Messages, mark: str, reasoning: Frame | None) -> tuple[Messages, str]:
    """The messages with `mark` as the text of the last one, and that text, without the reasoning at its start.

    Raises PromptError for a text that ends within reasoning.
    """
    place = f"messages[{len(messages) - 1}].content"
    (last,) = split_framed_reasoning([_joined(messages[-1])], reasoning)
    text = str(last["content"])
    opening = reasoning.open.strip() if reasoning else ""
    if opening and text.lstrip().startswith(opening):
        raise PromptError(
            f"'{place}' begins with reasoning that does not end: only the answer can be continued, not the reasoning. "
            f"End it with {reasoning.close.strip() if reasoning else ''!r}.",
            place,
        )
    return [*messages[:-1], {**last, "content": mark}], text


def _joined(message: Mapping[str, Any]) -> Mapping[str, Any]:
    (normal,) = normalize_messages([message])
    return {**message, "content": message_text(normal)}


def text_before(mark: str, rendered: str, messages: Messages, reasoning: Frame | None) -> str:
    """The rendered text before the mark, and the end of the reasoning that some templates open in every message.

    Raises PromptError for a template that leaves the message out.
    """
    at = rendered.rfind(mark)
    if at < 0:
        place = f"messages[{len(messages) - 1}]"
        raise PromptError(f"'{place}' can't be continued: the model's chat template does not render it.", place)
    before = rendered[:at]
    opens = reasoning is not None and before.rstrip().endswith(reasoning.open.strip())
    return f"{before}{reasoning.close}{reasoning.gap}" if reasoning and opens else before
