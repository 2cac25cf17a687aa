"""Custom tools and their calls, told as a function with the one argument `input`: what the model writes on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from turngrammar.client.inputs import SCHEMA

_INPUT = "The tool's whole input, as plain text."
_RULED = {
    "lark": "It must be a text of this Lark grammar:\n{}",
    "regex": "It must match this regular expression as a whole: {}",
}


def as_function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """OpenAI's form of the function that tells of a custom tool; a function as it is."""
    if tool["type"] != "custom":
        return tool
    custom = tool["custom"]
    grammar = (custom.get("format") or {}).get("grammar")
    told = [_INPUT, _RULED[grammar["syntax"]].format(grammar["definition"])] if grammar else [_INPUT]
    parameters = {**SCHEMA, "properties": {"input": {"type": "string", "description": " ".join(told)}}}
    function = {"name": custom["name"], "description": custom.get("description"), "parameters": parameters}
    return {"type": "function", "function": function}


def as_function_call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The same for a call in a client's history."""
    if call.get("type") != "custom":
        return call
    arguments = json.dumps({"input": call["custom"]["input"]}, ensure_ascii=False)
    function = {"name": call["custom"]["name"], "arguments": arguments}
    return {**{key: value for key, value in call.items() if key != "custom"}, "type": "function", "function": function}
