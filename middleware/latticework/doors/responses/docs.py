"""The fields of a request in `/openapi.json`: their meaning, and the rules that their types lack."""

from __future__ import annotations

from collections.abc import Mapping

from latticework.doors.openai import field_docs, rules
from latticework.doors.responses.fields import REFUSED
from latticework.doors.responses.request import InputRequest, ResponsesRequest

FIELDS: Mapping[str, str] = {
    **{name: meaning for name, meaning in field_docs.CHAT.items() if name in ResponsesRequest.model_fields},
    "input": "The user's text, or items: messages, calls and their outputs, reasoning, references to stored items.",
    "instructions": "A system message before the input. A later request does not inherit it.",
    "previous_response_id": "A stored response: its conversation comes before the input.",
    "tools": "Functions, custom tools, namespaces of both, and tools that the client runs (local_shell, shell, "
    "apply_patch, tool_search). Others are left out, with a warning; see `--hosted-tools`.",
    "tool_choice": "`none`, `auto`, `required`, a tool by type and name, or `allowed_tools`.",
    "parallel_tool_calls": "False: at most one call in an answer.",
    "text": "`format` is `text`, `json_object` or `json_schema`. `verbosity` has no effect.",
    "reasoning": "`effort` is passed to the chat template. `summary` has no effect: `content` has the whole text.",
    "max_output_tokens": "Maximum number of generated tokens, reasoning included; by default the rest of the context.",
    "max_tool_calls": "Maximum number of calls in the answer.",
    "store": "False: the response is not kept.",
    "include": "`message.output_text.logprobs`, `reasoning.encrypted_content`. OpenAI's other values add nothing.",
    "top_logprobs": "Number of alternatives per position.",
    "truncation": "What happens to an answer that `max_output_tokens` cuts: `cut`, `close` or `complete`, as in chat "
    "completions. OpenAI's `disabled` changes nothing, and `auto` is refused.",
    "metadata": "Returned as sent.",
}
INPUT_FIELDS: Mapping[str, str] = {
    **{name: meaning for name, meaning in FIELDS.items() if name in InputRequest.model_fields},
    "model": "The name of a model listed in `/v1/models`; optional if there is only one.",
}
RULES: Mapping[str, rules.Schema] = {
    "ResponsesRequest": {"properties": {**rules.ignored_fields(), **rules.refused_fields(REFUSED), "stop": rules.STOP}},
    "InputTokensRequest": {"properties": dict(rules.refused_fields(REFUSED))},
}
