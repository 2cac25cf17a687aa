"""Chat templates for Mistral's own tokenizers: their files have none, since mistral_common encodes chats in code.

There is a template for each version of the tokenizer that mistral_common's `InstructTokenizerV3` to `V15` encode. Its
text, encoded by `MistralTokenizer.encode`, gives the same ids (tests/latticework/engines/test_mistral.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Literal

_TEMPLATE = """\
{{- bos_token }}
{%- set seen = namespace(first=-1, last=-1, system='', role='') %}
{%- for message in messages %}
    {%- if message.role == 'user' %}
        {%- if seen.role == 'user' %}{{ raise_exception('Two messages of the user in a row.') }}{% endif %}
        {%- set seen.first = loop.index0 if seen.first < 0 else seen.first %}
        {%- set seen.last = loop.index0 %}
    {%- elif message.role == 'system' %}
        {%- set seen.system = seen.system ~ ('\\n\\n' if seen.system else '') ~ message.content %}
    {%- endif %}
    {%- set seen.role = message.role %}
{%- endfor %}
{%- for message in messages %}
    {%- if message.role == 'system' %}$SYSTEM
    {%- elif message.role == 'user' %}
        {%- if tools and loop.index0 == seen.$TOOLS_AT %}
            {{- '[AVAILABLE_TOOLS][' }}
            {%- for tool in tools %}
                {%- set listed = {'name': tool.function.name, 'description': tool.function.description or '', \
'parameters': tool.function.parameters} %}
                {{- {'type': 'function', 'function': listed} | tojson }}
                {{- '' if loop.last else ', ' }}
            {%- endfor %}
            {{- '][/AVAILABLE_TOOLS]' }}
        {%- endif %}$SETTINGS
        {{- '[INST]' }}$PREFACE{{ message.content }}{{ '[/INST]' }}
    {%- elif message.role == 'tool' %}
        {{- '[TOOL_RESULTS]' }}$RESULT{{ '[/TOOL_RESULTS]' }}
    {%- elif message.role == 'assistant' and (message.content or message.tool_calls) %}$REASONING
        {{- (message.content or '').rstrip(' ') }}
        {%- if message.tool_calls %}$CALLS
        {%- endif %}
        {{- eos_token }}
    {%- endif %}
{%- endfor %}
"""

_SHORT_ID = """
            {%- if call.id is not string or call.id | length != 9 %}
                {{- raise_exception('Ids of tool calls are nine letters or digits.') }}
            {%- endif %}"""

_JSON_CALLS = f"""
            {{{{- '[TOOL_CALLS][' }}}}
            {{%- for call in message.tool_calls %}}{_SHORT_ID}
                {{{{- {{'name': call.function.name, 'arguments': call.function.arguments, 'id': call.id}} | tojson }}}}
                {{{{- '' if loop.last else ', ' }}}}
            {{%- endfor %}}
            {{{{- ']' }}}}"""

_CALLS_WITH_IDS = f"""
            {{%- for call in message.tool_calls %}}{_SHORT_ID}
                {{{{- '[TOOL_CALLS]' ~ call.function.name ~ '[CALL_ID]' ~ call.id }}}}
                {{{{- '[ARGS]' ~ (call.function.arguments | tojson) }}}}
            {{%- endfor %}}"""

_CALLS = """
            {%- for call in message.tool_calls %}
                {{- '[TOOL_CALLS]' ~ call.function.name ~ '[ARGS]' ~ (call.function.arguments | tojson) }}
            {%- endfor %}"""

# A result that is JSON is embedded as JSON.
_JSON_RESULT = """{{ '{"content": ' }}
        {{- message.content if message.content[:1] in ('{', '[') else message.content | tojson }}
        {{- ', "call_id": ' ~ (message.tool_call_id | tojson) ~ '}' }}"""
_RESULT_WITH_ID = "{{ message.tool_call_id ~ '[TOOL_CONTENT]' ~ message.content }}"
_RESULT = "{{ message.content }}"

_SYSTEM = "{{ '[SYSTEM_PROMPT]' ~ message.content ~ '[/SYSTEM_PROMPT]' }}"
_PREFACE = "{{ seen.system ~ '\\n\\n' if seen.system and loop.index0 == seen.last }}"
_REASONING = """
        {{- '[THINK]' ~ message.reasoning_content ~ '[/THINK]' if message.reasoning_content }}"""
_SETTINGS = """
        {%- if loop.index0 == seen.first %}
            {{- '[MODEL_SETTINGS]{"reasoning_effort": "' ~ (reasoning_effort or 'EFFORT') ~ '"}[/MODEL_SETTINGS]' }}
        {%- endif %}"""


@dataclass(frozen=True)
class _Version:
    """Attributes:

    calls, result: Jinja that prints an assistant's calls, and what is between the tokens around a result.
    system: whether it has tokens around a system message; if not, system messages go into the user's last message.
    tools_before: which of the user's messages the tools are listed before.
    """

    calls: str
    result: str
    system: bool = True
    tools_before: Literal["first", "last"] = "first"


_VERSIONS: Mapping[int, _Version] = {
    3: _Version(_JSON_CALLS, _JSON_RESULT, system=False, tools_before="last"),
    7: _Version(_JSON_CALLS, _RESULT_WITH_ID, tools_before="last"),
    11: _Version(_CALLS_WITH_IDS, _RESULT_WITH_ID, tools_before="last"),
    13: _Version(_CALLS, _RESULT),
    15: _Version(_CALLS, _RESULT),
}


def mistral_template(version: int, *, thinks: bool = False, effort: str | None = None) -> str | None:
    """Jinja source for a version of the tokenizer; None for those before tools had ids, 1 and 2.

    `thinks`: whether it has tokens around its reasoning. `effort`: the reasoning effort in the prompt, unless the
    request sets another; None if the prompt has none. An unknown version is encoded as the one before it.
    """
    known = max((number for number in _VERSIONS if number <= version), default=None)
    if known is None:
        return None
    version_parts = _VERSIONS[known]
    parts = {
        "TOOLS_AT": version_parts.tools_before,
        "SYSTEM": _SYSTEM if version_parts.system else "",
        "PREFACE": "" if version_parts.system else _PREFACE,
        "RESULT": version_parts.result,
        "CALLS": version_parts.calls,
        "REASONING": _REASONING if thinks else "",
        "SETTINGS": _SETTINGS.replace("EFFORT", effort) if effort is not None else "",
    }
    return Template(_TEMPLATE).substitute(parts)
