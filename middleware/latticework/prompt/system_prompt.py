"""What is added to the system message: tools that the chat template does not render, and the answer's JSON Schema."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from latticework.prompt.capabilities import ToolInput
from latticework.prompt.jinja_template import PromptError
from turngrammar.client.inputs import SCHEMA
from turngrammar.errors import GrammarError
from turngrammar.formats import Format
from turngrammar.render import Call, render
from turngrammar.scan import dump_json
from turngrammar.schema import normalized

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

_CUSTOM_INPUT = "The tool's whole input, as plain text."
_CUSTOM_FORMATS = {
    "lark": "It must be a text of this Lark grammar:\n{}",
    "regex": "It must match this regular expression as a whole: {}",
}


def system_text(
    tools: Sequence[Mapping[str, Any]],
    schema: Mapping[str, Any] | None,
    format: Format,
    tool_input: ToolInput | None,
) -> str:
    """The text to add to the system message; "" for none. Its form is that of Hermes' and Qwen's own prompts.

    Args:
        tools: OpenAI's function tools.
        schema: JSON Schema of the answer; None for none.
        format: how the model writes calls.
        tool_input: how the template takes tools; None if it renders none.

    Raises:
        PromptError: a schema that is nested too deeply to be encoded.
    """
    paragraphs = []
    if tools and tool_input is None:
        lines = (_encode_schema(normalized_tool(tool), "tools", (", ", ": ")) for tool in tools)
        paragraphs.append(_TOOLS.format(tools="\n".join(lines), example=render(format, [_EXAMPLE])))
    if tools and tool_input and tool_input.needs_system:
        paragraphs.append(_INTRODUCTION)
    if schema is not None:
        paragraphs.append(_SCHEMA.format(schema=_encode_schema(schema, "schema", (",", ":"))))
    return "\n\n".join(paragraphs)


def _encode_schema(value: Mapping[str, Any], param: str, separators: tuple[str, str]) -> str:
    try:
        return dump_json(value, *separators)
    except RecursionError as error:
        raise PromptError(f"'{param}' has a schema that is nested too deeply for the prompt.", param) from error


def normalized_tool(tool: Mapping[str, Any], *, described: bool = False) -> dict[str, Any]:
    """OpenAI's form of a function tool as templates were trained on it: no nulls, no `strict`, always `parameters`.

    Those are as the compiler reads them, because templates fail on the `[]` that PHP writes for an empty object.
    With `described`, the function and each of its parameters get a description, if only an empty one.
    """
    function = {key: value for key, value in tool["function"].items() if value is not None and key != "strict"}
    function["parameters"] = {**ANY_OBJECT, **_readable(function.get("parameters", {}))}
    if described:
        function["description"] = function.get("description", "")
        function["parameters"] = _with_descriptions(function["parameters"])
    return {"type": "function", "function": function}


def _readable(parameters: Mapping[str, Any]) -> Mapping[str, Any]:
    """The parameters, normalized; none of them if they aren't a schema, for which the compiler refuses the tool."""
    try:
        read = normalized(parameters)
    except GrammarError:
        return {}
    return read if isinstance(read, Mapping) else {}


def _with_descriptions(parameters: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name: {**schema, "description": schema.get("description", "")} if isinstance(schema, Mapping) else schema
        for name, schema in parameters["properties"].items()
    }
    return {**parameters, "properties": properties}


def custom_tool_as_function(tool: Mapping[str, Any]) -> Mapping[str, Any]:
    """A custom tool as a function with the parameter `input`, as the model calls it; a function tool unchanged."""
    if tool["type"] != "custom":
        return tool
    custom = tool["custom"]
    grammar = (custom.get("format") or {}).get("grammar")
    description = [_CUSTOM_INPUT]
    if grammar:
        description.append(_CUSTOM_FORMATS[grammar["syntax"]].format(grammar["definition"]))
    parameters = {**SCHEMA, "properties": {"input": {"type": "string", "description": " ".join(description)}}}
    function = {"name": custom["name"], "description": custom.get("description"), "parameters": parameters}
    return {"type": "function", "function": function}
