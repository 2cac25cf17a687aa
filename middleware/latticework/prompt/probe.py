"""Determines what a chat template can render, by rendering tiny conversations with it.

A template's source shows little: it may name `tools` and drop the calls, know no role but print any, or fail on a shape
that another template requires. So each capability is tested: does a certain word appear in the rendering?
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Literal

from latticework.prompt.capabilities import (
    TOOL_VARIABLES,
    CallShape,
    Capabilities,
    Message,
    SystemPosition,
    ToolInput,
)
from latticework.prompt.jinja_template import JinjaTemplate, PromptError


@dataclass(frozen=True)
class _Probe:
    """A template and the variables that all test renderings share."""

    template: JinjaTemplate
    variables: Mapping[str, Any]

    def text(self, *messages: Message, **variables: Any) -> str | None:
        """The prompt; None where the template can't render it."""
        context = {"messages": list(messages), "add_generation_prompt": True, **self.variables, **variables}
        try:
            return self.template.render(context)
        except PromptError:
            return None

    def renders(self, words: Sequence[str], *messages: Message, **variables: Any) -> bool:
        """Whether all `words` appear, in this order."""
        text = self.text(*messages, **variables)
        position = 0 if text is not None else -1
        for word in words:
            position = (text or "").find(word, position) if position >= 0 else -1
        return position >= 0


def _test_message(role: str, content: Any, **extra: Any) -> Message:
    return {"role": role, "content": content, **extra}


_QUESTION, _ANSWER, _FOLLOW_UP = (
    _test_message("user", "dunnart"),
    _test_message("assistant", "bilby"),
    _test_message("user", "potoroo"),
)


def _test_tool(described: bool) -> Message:
    hole = {"type": "string", "description": "a hole"} if described else {"type": "string"}
    parameters = {"type": "object", "properties": {"burrow": hole}, "required": ["burrow"]}
    description = {"description": "a wombat's"} if described else {}
    return {"type": "function", "function": {"name": "find_wombat", **description, "parameters": parameters}}


def _test_call(shape: CallShape, place: str = "Quokkaville") -> Message:
    arguments: Any = {"den": place, "deep": True}
    shaped = json.dumps(arguments) if shape.arguments == "string" else arguments
    return {"id": _test_id(shape, place), "type": "function", "function": {"name": "find_wombat", "arguments": shaped}}


def _test_id(shape: CallShape | None, place: str) -> str:
    # Mistral's templates refuse ids that are not nine letters and digits.
    short = f"{len(place)}a1b2c3d4e"[:9]
    return short if shape and shape.short_ids else f"call_{short}f"


def _calling_message(shape: CallShape, content: str | None, **extra: Any) -> Message:
    return _test_message("assistant", content, tool_calls=[_test_call(shape)], **extra)


def _result_message(shape: CallShape | None, content: Any = "numbat", place: str = "Quokkaville") -> Message:
    return _test_message("tool", content, tool_call_id=_test_id(shape, place), name="find_wombat")


def probe_capabilities(template: JinjaTemplate) -> Capabilities:
    """The capabilities of `template`, from some forty tiny renderings: tens of milliseconds.

    Raises:
        PromptError: it is not valid Jinja; `param` is "chat_template".
    """
    bare = _Probe(template, {})
    no_tools = None if bare.text(_QUESTION, tools=None) is not None or bare.text(_QUESTION, tools=[]) is None else ()
    tool_input = _find_tool_input(bare, no_tools)
    with_tools = _Probe(template, _variables_with_tool(tool_input) if tool_input else {"tools": no_tools})
    without_tools = _Probe(template, _variables_without_tools(tool_input, no_tools))
    calls = _find_call_shape(with_tools)
    system = _find_system_position(without_tools, tool_input, calls)
    reasoning_key = _find_reasoning_key(with_tools, calls)
    empty_accepted = without_tools.text(_QUESTION, _test_message("assistant", ""), _FOLLOW_UP) is not None
    return Capabilities(
        tool_input=tool_input,
        no_tools=no_tools,
        calls=calls,
        tool_role=_knows_tool_role(with_tools, calls, tool_input),
        system=system,
        alternating=not without_tools.renders(["dunnart", "potoroo"], _QUESTION, _FOLLOW_UP),
        empty_answer="" if empty_accepted else " ",
        content_parts=_joins_parts(with_tools, calls, system),
        reasoning_key=reasoning_key,
        reasoning_with_text=with_tools.text(*_with_reasoning_under(reasoning_key, calls, "bandicoot")) is not None,
    )


def _variables_with_tool(tool_input: ToolInput) -> dict[str, Any]:
    return {tool_input.variable: TOOL_VARIABLES[tool_input.variable]([_test_tool(tool_input.needs_descriptions)])}


def _variables_without_tools(tool_input: ToolInput | None, no_tools: tuple[()] | None) -> dict[str, Any]:
    if tool_input is None or tool_input.variable == "tools":
        return {"tools": no_tools}
    return {tool_input.variable: TOOL_VARIABLES[tool_input.variable]([])}


def _find_tool_input(bare: _Probe, no_tools: tuple[()] | None) -> ToolInput | None:
    for variable, needs_system, needs_descriptions in product(TOOL_VARIABLES, (False, True), (False, True)):
        tool_input = ToolInput(variable, needs_system, needs_descriptions)
        head = [_test_message("system", "wallaby")] if needs_system else []
        variables = {"tools": no_tools, **_variables_with_tool(tool_input)}
        if bare.renders(["find_wombat"], *head, _QUESTION, **variables):
            return tool_input
    return None


def _find_call_shape(probe: _Probe) -> CallShape | None:
    contents: tuple[str | None, ...] = ("", None)
    kinds: tuple[Literal["object", "string"], ...] = ("object", "string")
    for short_ids, kind in product((False, True), kinds):
        shapes = [CallShape(kind, content, short_ids) for content in contents]
        # The shorter rendering is right: the wrong one of "" and None adds an empty turn or the word None.
        renderings = [(len(text), shape) for shape in shapes if (text := _call_rendering(probe, shape))]
        if renderings:
            shape = min(renderings, key=lambda rendering: rendering[0])[1]
            return replace(shape, with_text=_renders_with_text(probe, shape), parallel=_renders_two(probe, shape))
    return None


def _call_rendering(probe: _Probe, shape: CallShape) -> str | None:
    for after in (_result_message(shape), _FOLLOW_UP):
        text = probe.text(_QUESTION, _calling_message(shape, shape.empty_content), after)
        # No model was trained on a dict as Python prints it (Functionary's template, if it is given an object).
        if text is not None and "Quokkaville" in text and "{'den'" not in text:
            return text
    return None


def _renders_with_text(probe: _Probe, shape: CallShape) -> bool:
    message = _calling_message(shape, "bandicoot")
    return any(
        probe.renders(["Quokkaville"], _QUESTION, message, after) for after in (_result_message(shape), _FOLLOW_UP)
    )


def _renders_two(probe: _Probe, shape: CallShape) -> bool:
    places = ("Quokkaville", "Quollton")
    calls = [_test_call(shape, place) for place in places]
    message = _test_message("assistant", shape.empty_content, tool_calls=calls)
    results = [_result_message(shape, place=place) for place in places]
    return any(probe.renders(places, _QUESTION, message, *after) for after in (results, [_FOLLOW_UP]))


def _knows_tool_role(probe: _Probe, calls: CallShape | None, tool_input: ToolInput | None) -> bool:
    before = _calling_message(calls, calls.empty_content) if calls else _ANSWER
    result = _result_message(calls)
    text = probe.text(_QUESTION, before, result)
    if text is None or "numbat" not in text:
        return False
    # A template that knows nothing of tools may print any role's name; its model knows no role `tool` either.
    stranger = probe.text(_QUESTION, before, {**result, "role": "stranger"})
    return tool_input is not None or stranger is None or text.replace("tool", "") != stranger.replace("stranger", "")


def _find_system_position(probe: _Probe, tool_input: ToolInput | None, calls: CallShape | None) -> SystemPosition:
    first, second, late = (_test_message("system", word) for word in ("wallaby", "wallaroo", "pademelon"))
    words = ["wallaby", "wallaroo", "dunnart", "bilby", "pademelon", "potoroo"]
    if not probe.renders(["wallaby", "dunnart"], first, _QUESTION):
        return "never"
    if calls:
        after = [_calling_message(calls, calls.empty_content), _result_message(calls)]
        if not probe.renders(["wallaby"], first, _QUESTION, *after):
            return "last"
    # A template that lists its tools in a system message lists them in each.
    repeats = tool_input is not None and tool_input.needs_system
    anywhere = not repeats and probe.renders(words, first, second, _QUESTION, _ANSWER, late, _FOLLOW_UP)
    return "anywhere" if anywhere else "first"


def _joins_parts(probe: _Probe, calls: CallShape | None, system: SystemPosition) -> bool:
    roles = [*(["system"] if system != "never" else []), "user", "assistant", "user"]
    messages = [_test_message(role, _two_parts(role)) for role in roles]
    if calls:
        messages += [_calling_message(calls, calls.empty_content), _result_message(calls, _two_parts("tool"))]
        roles.append("tool")
    words = [f"{role} {count}" for role in roles for count in ("one", "two")]
    # A list printed as a list does not count.
    return probe.renders(words, *messages) and not any(probe.renders([key], *messages) for key in ("'text'", '"text"'))


def _two_parts(role: str) -> list[Message]:
    return [{"type": "text", "text": f"{role} {count}"} for count in ("one", "two")]


def _find_reasoning_key(probe: _Probe, calls: CallShape | None) -> str:
    for key in ("reasoning_content", "reasoning", "thinking"):
        if probe.renders(["kowari"], *_with_reasoning_under(key, calls, calls.empty_content if calls else "bilby")):
            return key
    return "reasoning_content"


def _with_reasoning_under(key: str, calls: CallShape | None, content: str | None) -> list[Message]:
    if calls is None:
        return [_QUESTION, _test_message("assistant", content, **{key: "kowari"}), _FOLLOW_UP]
    return [_QUESTION, _calling_message(calls, content, **{key: "kowari"}), _result_message(calls)]
