"""The part of a system message that tells a model what its chat template does not: tools, a schema for the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from latticework.prompt.template import PromptError
from latticework.prompt.traits import Telling
from turngrammar.formats import Format
from turngrammar.render import Call, render

ANY_OBJECT: Mapping[str, Any] = {"type": "object", "properties": {}}


_EXAMPLE = Call("tool_name", '{"argument_name": "value"}', "call_0")

_TOOLS = """You can call tools. Each line between <tools> and </tools> describes one of them as JSON, \
with the JSON Schema of its arguments:
<tools>
{tools}
</tools>
To call a tool, write its name and its arguments in exactly this form:
{example}
What a tool returns comes back between <tool_response> and </tool_response>. If no tool helps, answer in plain words."""

_INTRODUCTION = "You can call functions."

_SCHEMA = """Answer with one JSON document and nothing around it. The document must be valid under this JSON Schema:
{schema}"""


def brief(
    tools: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any] | None,
    format: Format,
    telling: Telling | None,
) -> str:
    """What the system is to say: "" where there is nothing, or where the template itself tells of the tools.

    The manner is that of Hermes' and Qwen's own prompts. Raises PromptError for what is nested too deep to spell.
    """
    told = []
    if tools and telling is None:
        listed = "\n".join(_spelled(normal_tool(tool), "tools", (", ", ": ")) for tool in tools)
        told.append(_TOOLS.format(tools=listed, example=render(format, [_EXAMPLE])))
    if tools and telling and telling.needs_system:
        told.append(_INTRODUCTION)
    if schema is not None:
        told.append(_SCHEMA.format(schema=_spelled(schema, "response_format", (",", ":"))))
    return "\n\n".join(told)


def _spelled(value: Mapping[str, Any], param: str, separators: tuple[str, str]) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=separators)
    except RecursionError as error:
        raise PromptError("A schema is nested too deep to be told to the model.", param) from error


def normal_tool(tool: Mapping[str, Any], *, described: bool = False) -> dict[str, Any]:
    """OpenAI's form of a function tool as templates were trained on it: no nulls, no `strict`, always `parameters`.

    With `described`, the function and each of its parameters get a description, if only an empty one.
    """
    function = {key: value for key, value in tool["function"].items() if value is not None and key != "strict"}
    function["parameters"] = {**ANY_OBJECT, **function.get("parameters", {})}
    if described:
        function["description"] = function.get("description", "")
        function["parameters"] = _described(function["parameters"])
    return {"type": "function", "function": function}


def _described(parameters: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name: {**schema, "description": schema.get("description", "")} if isinstance(schema, Mapping) else schema
        for name, schema in parameters["properties"].items()
    }
    return {**parameters, "properties": properties}
