"""The lists that a request of OpenAI's APIs may not have too many items in."""

from __future__ import annotations

from functools import partial

from latticework.doors.common.counts import Body, Crowd, in_each, listed, refuse_crowds
from latticework.settings import Settings

CROWDS = (
    Crowd("max_messages", "messages", partial(listed, "messages")),
    Crowd("max_content_parts", "content parts", partial(in_each, "messages", "content")),
    Crowd("max_past_calls", "tool calls in messages", partial(in_each, "messages", "tool_calls")),
    Crowd("max_tools", "tools", partial(listed, "tools"), code=None),
    Crowd("max_stops", "stop strings", partial(listed, "stop")),
    Crowd("max_stops", "bad words", partial(listed, "bad_words")),
)


def refuse_openai_crowds(body: Body, settings: Settings) -> None:
    """Raises BadRequest that names the list with which a limit is exceeded."""
    refuse_crowds(body, settings, CROWDS)
