"""A message while it is being rewritten: a dict in OpenAI's form, and the few things that every rewriting does to one.

None of them changes what it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from latticework.prompt.traits import Message, Traits
from turngrammar.formats import Format

Step = Callable[[list[Message], "Setting"], list[Message]]


@dataclass(frozen=True)
class Setting:
    """What a step needs to know beside the messages.

    Attributes:
        traits: what the template can do.
        format: the wire format in which calls are written that the template would drop.
        block: text that the system is to tell the model, "" if there is nothing.
    """

    traits: Traits
    format: Format
    block: str = ""


def text(message: Mapping[str, Any]) -> str:
    """A message's content as one string, each of its parts on a line of its own."""
    content = message["content"]
    return content if isinstance(content, str) else "\n".join(part["text"] for part in content)


def joined(*texts: str, between: str = "\n\n") -> str:
    """The texts that say something, as paragraphs."""
    return between.join(text for text in texts if text)


def without(message: Message, key: str) -> Message:
    """A copy that lacks one key."""
    return {name: value for name, value in message.items() if name != key}


def user(content: str) -> Message:
    """A message of the user's."""
    return {"role": "user", "content": content}
