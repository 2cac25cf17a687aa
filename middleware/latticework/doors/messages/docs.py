"""The fields of a request in `/openapi.json`: their meaning, and the rules that their types lack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from latticework.doors.messages.fields import HARMLESS, REFUSED
from latticework.doors.messages.request import MessagesRequest, PromptRequest
from latticework.doors.openai import field_docs, rules

_OWN: Mapping[str, str] = {
    "model": "The name of a model listed in `/v1/models`, or an alias.",
    "messages": "The conversation, text only: strings, or blocks of text, reasoning, calls and results. A message of "
    "the role `system` may be anywhere. If the last one is the assistant's, the answer continues its text.",
    "system": "The system prompt: a text, or blocks of text.",
    "tools": "Tools of the client's, with or without `strict`; bash, text editor, memory and computer use tools by "
    "their types. Others are left out, with a warning. `defer_loading`: only the name is listed, until a "
    "`tool_reference` in a result brings the tool. `eager_input_streaming`: a stream has the input before it is "
    "complete.",
    "tool_choice": "`auto` (the default), `any`, `tool` or `none`; enforced by the grammar, as "
    "`disable_parallel_tool_use` is: at most one call.",
    "thinking": "`enabled`: at most `budget_tokens` are spent on reasoning, enforced by the server. `adaptive`: the "
    "model decides. `disabled`: no reasoning. By default, as the chat template has it. No effect without reasoning.",
    "output_config": "`format`: the JSON Schema of the answer, enforced. `effort` is passed to the chat template.",
    "output_format": "The older name of `output_config.format`.",
    "thread": "Refused with the code `thread_unsupported_request`: send all messages.",
    "max_tokens": "Maximum number of generated tokens, reasoning included; at most the rest of the context is used.",
    "stop_sequences": "Strings that end free text. They never cut a document or a call.",
    "stream": "Return the answer as server-sent events.",
    "tool_call_streaming": "How a stream sends a call: `whole`, by default, in one piece when it is complete; or "
    "`incremental`, as if all tools had `eager_input_streaming`.",
}
FIELDS: Mapping[str, str] = {
    **{name: meaning for name, meaning in field_docs.CHAT.items() if name in MessagesRequest.model_fields},
    **_OWN,
}
PROMPT_FIELDS: Mapping[str, str] = {
    name: meaning for name, meaning in FIELDS.items() if name in PromptRequest.model_fields
}


def _with_rules() -> dict[str, Any]:
    return {
        "properties": {**rules.ignored_fields(HARMLESS), **rules.refused_fields(REFUSED), "thread": {"const": None}}
    }


RULES: Mapping[str, rules.Schema] = {"MessagesRequest": _with_rules()}
PROMPT_RULES: Mapping[str, rules.Schema] = {"CountTokensRequest": _with_rules()}
