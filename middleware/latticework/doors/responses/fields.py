"""The fields of `/v1/responses` that are refused by name, and the lists that may not have too many items."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from latticework.doors.common.counts import Crowd, in_each, listed
from latticework.doors.common.fields import ABSENT, Refused
from latticework.doors.openai.counts import CROWDS
from latticework.doors.openai.fields import refused_by

OPENAI = "OpenAI"
KEEPS_NO_CONVERSATION = "is not supported: this server keeps responses; send 'previous_response_id' instead."

_OWN: Mapping[str, Refused] = {
    "background": Refused(OPENAI, "must be false: an answer is sent to the request that waits for it."),
    "conversation": Refused(OPENAI, KEEPS_NO_CONVERSATION),
    "prompt": Refused(OPENAI, "is not supported: this server has no stored prompts; send 'input' instead."),
    "context_management": Refused(OPENAI, "is not supported: no items are compacted.", (*ABSENT, [])),
    "moderation": Refused(OPENAI, "is not supported: this server has no moderation."),
    "messages": Refused(OPENAI, "is for /v1/chat/completions; send 'input' instead."),
    "response_format": Refused(OPENAI, "is for /v1/chat/completions; send 'text.format' instead."),
    "reasoning_effort": Refused(OPENAI, "is for /v1/chat/completions; send 'reasoning.effort' instead."),
    "max_tokens": Refused(OPENAI, "is for /v1/chat/completions; send 'max_output_tokens' instead."),
    "max_completion_tokens": Refused(OPENAI, "is for /v1/chat/completions; send 'max_output_tokens' instead."),
    "logprobs": Refused(
        OPENAI, "is for /v1/chat/completions; send 'include' with 'message.output_text.logprobs' instead."
    ),
    "n": Refused(OPENAI, "is for /v1/chat/completions: a response has one answer.", (*ABSENT, 1)),
    "documents": Refused("vLLM", "is for /v1/chat/completions.", (*ABSENT, [])),
    "kv_transfer_params": Refused("vLLM", "is for /v1/chat/completions and /v1/completions.", (*ABSENT, {})),
}

# Those of chats, but for the fields that mean something here.
REFUSED: Mapping[str, Refused] = {
    **{name: row for name, row in refused_by("chat").items() if name not in ("prompt", "reasoning")},
    **_OWN,
}

INPUT_CROWDS: Sequence[Crowd] = (
    Crowd("max_messages", "items", partial(listed, "input")),
    Crowd("max_content_parts", "content parts", partial(in_each, "input", "content")),
    Crowd("max_content_parts", "parts of an output", partial(in_each, "input", "output")),
    Crowd("max_tools", "tools", partial(in_each, "input", "tools"), code=None),
    Crowd("max_tools", "tools", partial(in_each, "tools", "tools"), code=None),
    *CROWDS,
)
