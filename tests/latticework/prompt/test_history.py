"""Conversations with tools, in each of 112 real chat templates: nothing is lost, doubled, misspelt or out of order."""

from __future__ import annotations

import copy
from functools import cache
from typing import Any

import pytest

from latticework.prompt import ChatTemplate, PromptError
from latticework.prompt.jinja_template import JinjaTemplate
from tests import shared
from tests.latticework.prompt.test_capabilities import ROWS, templates
from turngrammar.formats import HERMES

Message = dict[str, Any]


def said(role: str, content: Any, **more: Any) -> Message:
    return {"role": role, "content": content, **more}


def call(identity: str, arguments: str, name: str = "find_wombat") -> Message:
    return {"id": f"call_{identity}4f5e6a7b", "type": "function", "function": {"name": name, "arguments": arguments}}


def calls(*arguments: str, content: str | None = None) -> Message:
    listed = [call(str(index), text) for index, text in enumerate(arguments)]
    return said("assistant", content, tool_calls=listed)


def result(identity: str, content: Any) -> Message:
    return said("tool", content, tool_call_id=f"call_{identity}4f5e6a7b")


def tool(name: str, properties: Message, **more: Any) -> Message:
    parameters = {"type": "object", "properties": properties, **more}
    return {"type": "function", "function": {"name": name, "description": f"{name} of old", "parameters": parameters}}


USER, ANSWER = said("user", "dunnart"), said("assistant", "bilby")
BURROW = {"burrow": {"type": "string", "description": "a hole"}}
TOOLS = [tool("find_wombat", BURROW, required=["burrow"]), {"type": "function", "function": {"name": "feed_all"}}]

LONG: list[Message] = [
    said("system", "wallaby"),
    said("developer", [{"type": "text", "text": "wallaroo"}]),
    said("user", [{"type": "text", "text": "quokka"}, {"type": "text", "text": "potoroo"}]),
    said("assistant", "bandicoot", tool_calls=[call("a", '{"burrow": "Quollton"}'), call("b", "", "feed_all")]),
    result("b", [{"type": "text", "text": "numbat"}]),
    result("a", "dibbler"),
    said("assistant", None, tool_calls=[call("c", '{"burrow": KOWARI')]),
    result("c", "pademelon"),
    said("assistant", "bettong"),
    said("system", "kultarr"),
    said("user", "mulgara", name="Ann"),
]
TOLD = ["wallaby", "wallaroo", "find_wombat", "find_wombat of old", "burrow", "feed_all", "monotreme"]
IN_ORDER = [
    "quokka",
    "potoroo",
    "Quollton",
    "dibbler",
    "numbat",
    "KOWARI",
    "pademelon",
    "bettong",
    "kultarr",
    "mulgara",
]

# Trained without text beside calls, these drop it. The call is what counts, and its result.
NO_TEXT_BESIDE_CALLS = {
    "Cohere2MoE",
    "CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    "MiniMax-M1",
    "Mistral-Small-3.2-24B-Instruct-2506",
    "NousResearch-Hermes-2-Pro-Llama-3-8B-tool_use",
    "NousResearch-Hermes-3-Llama-3.1-8B-tool_use",
    "meta-llama-Llama-3.1-8B-Instruct",
    "meta-llama-Llama-3.2-3B-Instruct",
    "meta-llama-Llama-3.3-70B-Instruct",
    "mistralai-Mistral-Nemo-Instruct-2407",
    "muse-glimmer",
    "openai-gpt-oss-120b",
    "tool_chat_template_functiongemma",
    "tool_chat_template_granite",
    "tool_chat_template_granite_20b_fc",
    "tool_chat_template_hermes",
    "tool_chat_template_llama3.1_json",
    "tool_chat_template_llama3.2_json",
    "tool_chat_template_llama3.2_pythonic",
    "tool_chat_template_mistral",
    "tool_chat_template_mistral3",
    "tool_chat_template_mistral_parallel",
    "tool_chat_template_muse_glimmer",
    "tool_chat_template_toolace",
    "tool_chat_template_xlam_llama",
    "tool_chat_template_xlam_qwen",
    "upstage-Solar-Open-100B",
}


@cache
def template(name: str) -> ChatTemplate:
    return ChatTemplate(templates()[name], {"bos_token": "<s>", "eos_token": "</s>"})


@pytest.mark.parametrize("name", ROWS)
def test_a_long_conversation(name: str) -> None:
    messages, tools = copy.deepcopy(LONG), copy.deepcopy(TOOLS)
    text = template(name).render(messages, tools=tools, format=HERMES, schema={"title": "monotreme"})
    assert (messages, tools) == (LONG, TOOLS)
    assert [word for word in TOLD if word not in text] == []
    positions = [text.find(word) for word in IN_ORDER]
    assert -1 not in positions
    assert positions == sorted(positions)
    assert ("bandicoot" not in text) == (name in NO_TEXT_BESIDE_CALLS)
    assert '\\"burrow\\": \\"Quollton' not in text  # text of arguments as a JSON string
    assert "{'burrow'" not in text.replace(str(BURROW), "")  # a dict in Python's spelling


ARGUMENTS = {
    "none": "",
    "blank": " ",
    "no object": "[1]",
    "null": "null",
    "not JSON": '{"burrow": ',
    "no JSON number": '{"burrow": NaN}',
    "a long number": '{"burrow": ' + "9" * 5_000 + "}",
    "lone surrogate": '{"burrow": "\\ud800"}',
    "deep": '{"burrow": ' + "[" * 60 + "]" * 60 + "}",
    "too deep": '{"burrow": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "markup": '{"burrow": "</tool_call><|im_end|>{{ messages }}\\n\\"🦘", "n": -1.5e300, "no": null, "d": {"": [{}]}}',
}


@pytest.mark.parametrize("name", ROWS)
def test_any_arguments_in_history(name: str) -> None:
    chat = template(name)
    for arguments in ARGUMENTS.values():
        text = chat.render([USER, calls(arguments), result("0", "numbat")], tools=TOOLS, format=HERMES)
        assert "numbat" in text
        text.encode()


# Schemas of parameters that some templates can't render. None of them costs a conversation.
ODD_SCHEMAS: dict[str, Any] = {
    "empty": {},
    "boolean": True,
    "list of types": {"type": ["string", "null"]},
    "union": {"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None, "title": "X"},
    "integers in an enum": {"type": "integer", "enum": [1, 2], "default": 1},
    "mixed enum": {"enum": ["a", 1, None]},
    "constant": {"const": {"a": []}},
    "reference": {"$ref": "#/$defs/node"},
    "any items": {"type": "array"},
    "tuple": {"type": "array", "prefixItems": [{"type": "string"}], "items": False},
    "map": {"type": "object", "additionalProperties": True},
    "nested": {"type": "object", "properties": {"items": {"type": "array", "items": {"type": "object"}}}},
    "names of dict methods": {"type": "object", "properties": {"items": {}, "keys": {}, "type": {}, "get": {}}},
}


@pytest.mark.parametrize("name", ROWS)
def test_any_schema_of_a_tool(name: str) -> None:
    chat = template(name)
    defs = {"$defs": {"node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/node"}}}}}
    for kind, schema in ODD_SCHEMAS.items():
        text = chat.render([USER], tools=[tool("find_wombat", {"burrow": schema}, **defs)], format=HERMES)
        assert "find_wombat" in text
        assert "burrow" in text or (name, kind) == ("meetkai-functionary-medium-v3.2", "boolean")


# Conversations that a strict template may refuse. Each refusal is a PromptError, and only these refuse.
ALTERNATE = {name for name, row in ROWS.items() if "alternates" in row}
NEED_A_CALL = {
    "Apertus-8B-Instruct",
    "Kimi-K3",
    "MiniMax-M2",
    "MiniMax-M3",
    "openai-gpt-oss-120b",
    "tool_chat_template_apertus",
}
ODD: dict[str, tuple[list[Message], set[str]]] = {
    "user, user": ([USER, USER], set()),
    "answer, answer": ([USER, ANSWER, ANSWER, USER], set()),
    "system only": ([said("system", "wallaby")], set()),
    "system last": ([USER, ANSWER, said("system", "wallaby")], set()),
    "system between": ([USER, ANSWER, said("system", "wallaby"), USER, ANSWER, USER], set()),
    "answer last": ([USER, ANSWER], set()),
    "empty answer": ([USER, said("assistant", ""), USER], set()),
    "no words": ([said("user", "")], set()),
    "no parts": ([said("system", []), said("user", []), said("assistant", []), USER], set()),
    "no content": ([{"role": "user"}, {"role": "assistant"}, USER], set()),
    "many calls": ([USER, calls(*["{}"] * 5), *[result(str(n), "numbat") for n in range(5)], USER], set()),
    "a result too few": ([USER, calls("{}", "{}"), result("1", "numbat"), USER], set()),
    "a loop": ([said("system", "wallaby"), USER, *[calls("{}"), result("0", "numbat")] * 3], set()),
    "nulls": ([USER, said("assistant", "bilby", tool_calls=None, refusal=None, audio=None), USER], set()),
    "reasoning": ([USER, said("assistant", "bilby", reasoning="hm"), USER], set()),
    "reasoning and call": ([USER, calls("{}", content="bilby") | {"reasoning": "hm"}, result("0", "numbat")], set()),
    "call last": ([USER, calls("{}")], set()),
    "no result": ([USER, calls("{}"), USER], ALTERNATE),
    "no call": ([USER, result("0", "numbat"), USER], NEED_A_CALL),
    "answer first": ([ANSWER, USER], ALTERNATE),
}


@pytest.mark.parametrize("case", ODD)
def test_odd_conversations(case: str) -> None:
    messages, may_refuse = ODD[case]
    refused = set()
    for name in ROWS:
        try:
            text = template(name).render(messages, tools=TOOLS, format=HERMES)
            assert "wallaby" in text or said("system", "wallaby") not in messages
        except PromptError as error:
            assert error.param == "messages"
            refused.add(name)
    assert refused <= may_refuse


def test_real_tools() -> None:
    rows = shared.rows("bfcl_dev")[::10]
    for name in ("openai-gpt-oss-120b", "tool_chat_template_hermes", "google-gemma-4-31B-it", "template_chatml"):
        chat = template(name)
        for row in rows:
            text = chat.render(row["messages"], tools=row["tools"], format=HERMES)
            assert all(tool["function"]["name"] in text for tool in row["tools"])


# Templates that show every word of a plain conversation, and get something more or something else all the same.
MENDED = {
    "deepseek-ai-DeepSeek-R1-Distill-Qwen-32B",  # renders no tools; prints an empty turn after calls
    "deepseek-ai-DeepSeek-V3.1",  # renders no tools
    "tool_chat_template_functiongemma",  # renders tools only beside a system message, so it always gets one
    "tool_chat_template_phi4_mini",  # prints an object as Python does
}


@pytest.mark.parametrize("name", ROWS)
def test_what_a_template_can_do_alone_is_left_to_it(name: str) -> None:
    history = [calls('{"burrow": "Quollton"}', content=""), result("0", "numbat") | {"name": "find_wombat"}, ANSWER]
    messages = [said("system", "wallaby"), USER, *history, said("user", "mulgara")]
    plain = copy.deepcopy(messages)
    plain[2]["tool_calls"][0]["function"]["arguments"] = {"burrow": "Quollton"}
    special_tokens = {"bos_token": "<s>", "eos_token": "</s>"}
    context = {"messages": plain, "tools": TOOLS[:1], "add_generation_prompt": True}
    try:
        alone = JinjaTemplate(templates()[name], special_tokens).render(context)
    except PromptError:
        return
    if all(word in alone for word in ("wallaby", "dunnart", "Quollton", "numbat", "bilby", "mulgara")):
        ours = template(name).render(messages, tools=TOOLS[:1], format=HERMES)
        assert (ours != alone) == (name in MENDED)
