"""The exact prompt of a template that renders no tools; options, errors and limits of any template."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from latticework.prompt import ChatTemplate, PromptError
from turngrammar.formats import HERMES

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
TOOL = {
    "type": "function",
    "function": {
        "name": "find_city",
        "description": "Finds a city",
        "parameters": {"type": "object", "properties": {"name": {"type": "string"}}},
        "strict": True,
    },
}


def call(identity: str, name: str, arguments: str) -> dict[str, Any]:
    return {"id": identity, "type": "function", "function": {"name": name, "arguments": arguments}}


TALK: list[dict[str, Any]] = [
    {"role": "developer", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Where is"}, {"type": "text", "text": "Ghent?"}]},
    {
        "role": "assistant",
        "content": "Let me look.",
        "tool_calls": [call("a", "find_city", '{"name": "Ghent"}'), call("b", "find_city", "oops")],
    },
    {"role": "tool", "tool_call_id": "b", "content": "an error"},
    {"role": "tool", "tool_call_id": "a", "content": "Belgium"},
    {"role": "assistant", "content": None, "refusal": None, "tool_calls": None},
    {"role": "user", "name": "Ann", "content": "And Bruges?"},
]

PROMPT = """<|im_start|>system
Be brief.

You can call tools. Each line between <tools> and </tools> describes one of them as JSON, with the JSON Schema of its \
arguments:
<tools>
{"type": "function", "function": {"name": "find_city", "description": "Finds a city", "parameters": {"type": "object", \
"properties": {"name": {"type": "string"}}}}}
</tools>
To call a tool, write its name and its arguments in exactly this form:
<tool_call>
{"name": "tool_name", "arguments": {"argument_name": "value"}}
</tool_call>
What a tool returns comes back between <tool_response> and </tool_response>. If no tool helps, answer in plain words.

Answer with one JSON document and nothing around it. The document must be valid under this JSON Schema:
{"type":"object","title":"Ort"}<|im_end|>
<|im_start|>user
Where is
Ghent?<|im_end|>
<|im_start|>assistant
Let me look.
<tool_call>
{"name": "find_city", "arguments": {"name": "Ghent"}}
</tool_call>
<tool_call>
{"name": "find_city", "arguments": {"invalid_arguments": "oops"}}
</tool_call><|im_end|>
<|im_start|>user
<tool_response>
Belgium
</tool_response>
<tool_response>
an error
</tool_response><|im_end|>
<|im_start|>assistant
<|im_end|>
<|im_start|>user
And Bruges?<|im_end|>
<|im_start|>assistant
"""


def test_a_template_that_knows_no_tools() -> None:
    template = ChatTemplate(CHATML)
    talk, tools = copy.deepcopy(TALK), [copy.deepcopy(TOOL)]
    schema = {"type": "object", "title": "Ort"}
    assert template.render(talk, tools=tools, format=HERMES, schema=schema) == PROMPT
    assert template.capabilities.tool_input is None
    assert (talk, tools) == (TALK, [TOOL])


def test_without_tools_and_schema_nothing_is_added() -> None:
    text = ChatTemplate(CHATML).render([{"role": "user", "content": "Hi"}], format=HERMES, add_generation_prompt=False)
    assert text == "<|im_start|>user\nHi<|im_end|>\n"


@pytest.mark.parametrize(
    ("source", "kwargs", "param", "words"),
    [
        ("{{ raise_exception('not you') }}", {}, "messages", "not you"),
        ("{{ messages[0].content + 1 }}", {}, "messages", "can only concatenate"),
        ("{% for m in messages %}", {}, "chat_template", "not valid Jinja"),
        ("{{ messages[0].update(a=1) }}", {}, "messages", "update"),
        ("{{ ''.__class__.__mro__ }}", {}, "messages", "unsafe"),
        (CHATML, {"messages": []}, "variables.messages", "messages"),
    ],
)
def test_what_can_not_be_rendered(source: str, kwargs: dict[str, Any], param: str, words: str) -> None:
    with pytest.raises(PromptError, match=words) as caught:
        ChatTemplate(source).render([{"role": "user", "content": "Hi"}], format=HERMES, template_kwargs=kwargs)
    assert caught.value.param == param


def test_images_are_not_for_a_text_model() -> None:
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": "data:"}}]
    with pytest.raises(PromptError) as caught:
        ChatTemplate(CHATML).render([{"role": "user", "content": content}], format=HERMES)
    assert caught.value.param == "messages[0].content[1]"


def test_variables_of_the_request_reach_the_template() -> None:
    source = "{{ bos_token }}{{ 'thinking' if enable_thinking else 'not' }}{{ messages|length }}"
    render = ChatTemplate(source, {"bos_token": "<s>"}).render
    messages = [{"role": "user", "content": "Hi"}]
    assert render(messages, format=HERMES, template_kwargs={"enable_thinking": True}).startswith("<s>thinking")
    assert render(messages, format=HERMES).startswith("<s>not")


def test_ten_thousand_messages() -> None:
    talk = [{"role": role, "content": role} for _ in range(5_000) for role in ("user", "assistant")]
    assert ChatTemplate(CHATML).render(talk, format=HERMES).count("<|im_start|>") == 10_001


def test_a_template_with_a_queue_of_its_own_gets_copies() -> None:
    talk = [{"role": "user", "content": "Hi"}]
    source = "{% set _ = messages.append(messages[0]) %}{{ messages|length }}"
    assert ChatTemplate(source).render(talk, format=HERMES).startswith("2")
    assert talk == [{"role": "user", "content": "Hi"}]
