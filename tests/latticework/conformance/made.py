"""Chat templates and a tokenizer that are made to be tried: one token a byte, and two special ones."""

from __future__ import annotations

from latticework.conformance.cases import CASES, Case
from latticework.engines.huggingface import HuggingFaceTokenizer
from latticework.prompt import ChatTemplate
from tests.remote import byte_tokenizer

TURNS = """
{%- for t in tools or [] %}{{ t | tojson }}{% endfor %}
{%- for m in messages %}<|im_start|>{{ m.role }}{{ "\\n" }}
{%- if m.reasoning_content %}<think>{{ "\\n" ~ m.reasoning_content ~ "\\n" }}</think>GAP{% endif %}{{ m.content or "" }}
{%- for c in m.tool_calls or [] %}{% set f = c.function %}CALL{% endfor %}<|im_end|>{{ "\\n" }}{% endfor %}
{%- if add_generation_prompt %}<|im_start|>assistant{{ "\\n" }}{% endif %}"""

HERMES = (
    '{{ "\\n" if not loop.first or m.content }}<tool_call>{{ "\\n" }}'
    '{"name": "{{ f.name }}", "arguments": {{ f.arguments | tojson }}}{{ "\\n" }}</tool_call>'
)
"""How Qwen's templates show a call `f`."""
ID_FIRST = "<call>{{ c.id }}, {{ f.name }}: {{ f.arguments | tojson }}</call>"
"""What no format can be: the id of a call before its name."""
GAP = '{{ "\\n\\n" }}'


def template(call: str, *, marks: str = "", gap: str = GAP) -> ChatTemplate:
    """One that shows calls so; `marks` are in a comment."""
    source = f"{{# {marks} #}}" + TURNS.replace("CALL", call).replace("GAP", gap)
    return ChatTemplate(source, {"eos_token": "<|im_end|>"})


def tokenizer() -> HuggingFaceTokenizer:
    return byte_tokenizer()


def case(name: str) -> Case:
    return next(case for case in CASES if case.name == name)
