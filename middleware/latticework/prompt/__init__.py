"""Messages and tools in the form of OpenAI's API -> the prompt, by the model's own chat template."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from types import MappingProxyType
from typing import Any, Required, TypedDict, Unpack

import msgspec

from latticework.prompt.capabilities import TOOL_VARIABLES, Capabilities, Message
from latticework.prompt.continuation import text_before, without_last_text
from latticework.prompt.jinja_template import JinjaTemplate, PromptError
from latticework.prompt.messages import (
    Adaptation,
    Step,
    alternate_roles,
    fill_empty_answers,
    join_parts,
    normalize_messages,
    place_system,
    rename_reasoning,
    split_framed_reasoning,
)
from latticework.prompt.probe import probe_capabilities
from latticework.prompt.sentinel import Prompt, Sentinel, TemplateMarkup, unused_character
from latticework.prompt.system_prompt import custom_tool_as_function, normalized_tool, system_text
from latticework.prompt.tool_messages import (
    convert_custom_calls,
    pair_results,
    shape_calls,
    shorten_ids,
    split_calls,
    wrap_results,
    write_out_calls,
)
from turngrammar.formats import FENCED, Format

__all__ = ["ChatTemplate", "Prompt", "PromptError", "adapt_messages"]

_NO_VARIABLES: Mapping[str, Any] = MappingProxyType({})
_RESERVED = ("messages", "tools")

STEPS: Sequence[Step] = (
    join_parts,
    rename_reasoning,
    convert_custom_calls,
    pair_results,
    write_out_calls,
    split_calls,
    wrap_results,
    place_system,
    alternate_roles,
    fill_empty_answers,
    shorten_ids,
    shape_calls,
)
"""In the order in which they apply to a conversation with calls or results."""
TEXT_STEPS: Sequence[Step] = (join_parts, rename_reasoning, place_system, alternate_roles, fill_empty_answers)
"""Those of STEPS that change a conversation without any."""


def adapt_messages(messages: Iterable[Mapping[str, Any]], adaptation: Adaptation) -> list[Message]:
    """New messages, as the template of `adaptation.capabilities` renders them without loss.

    Raises:
        PromptError: content that is not text.
    """
    adapted = normalize_messages(messages)
    tools_used = any(message["role"] == "tool" or "tool_calls" in message for message in adapted)
    for step in STEPS if tools_used else TEXT_STEPS:
        adapted = step(adapted, adaptation)
    return adapted


class PromptOptions(TypedDict, total=False):
    """The parameters of `ChatTemplate.prompt` beside the messages."""

    format: Required[Format]
    tools: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any] | None
    add_generation_prompt: bool
    continued: bool
    template_kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class _Conversation:
    """What one prompt is rendered from. `variables`: of the template, beside messages and tools."""

    messages: Sequence[Mapping[str, Any]]
    tools: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any] | None
    variables: Mapping[str, Any]


@dataclass(frozen=True)
class ChatTemplate:
    """A model's chat template.

    Conversations are adapted to what the template can render (`capabilities`), so that nothing in them is lost.

    Attributes:
        source: Jinja.
        special_tokens: the variables `bos_token`, `eos_token` and the like.
        now: the clock, for templates that print the date.
        markup: the tokens that a client's text must not become (`engines.markup`). Where there are none, a client's
            text that looks like markup is markup.
    """

    source: str
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = datetime.now
    markup: frozenset[str] = frozenset()

    @cached_property
    def _template(self) -> JinjaTemplate:
        return JinjaTemplate(self.source, self.special_tokens, self.now)

    @cached_property
    def capabilities(self) -> Capabilities:
        """What the template can render, determined by rendering short conversations.

        Raises:
            PromptError: it is not valid Jinja; `param` is "chat_template".
        """
        return probe_capabilities(self._template)

    def shows(self, variable: str) -> bool:
        """Whether the template has a variable of this name."""
        return re.search(rf"\b{re.escape(variable)}\b", self.source) is not None

    @cached_property
    def _markup(self) -> TemplateMarkup:
        return TemplateMarkup(self.markup, *self._template.literals)

    def render(self, messages: Sequence[Mapping[str, Any]], **options: Unpack[PromptOptions]) -> str:
        """The text of the prompt."""
        return self.prompt(messages, **options).text

    def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        format: Format,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        add_generation_prompt: bool = True,
        continued: bool = False,
        template_kwargs: Mapping[str, Any] = _NO_VARIABLES,
    ) -> Prompt:
        """The prompt for a conversation of validated messages, which stay unchanged.

        Args:
            messages: OpenAI's chat messages, text only.
            format: how the model writes calls, for those that the template would drop.
            tools: OpenAI's function tools and custom tools.
            schema: a JSON Schema of the answer, to be put into the system message.
            add_generation_prompt: whether the text ends where the assistant's turn begins.
            continued: whether it ends where the text of the last message does, which is the assistant's.
            template_kwargs: further variables for the template.

        Raises:
            PromptError: the template refuses the conversation, or `template_kwargs` has a reserved variable.
        """
        for name in _RESERVED:
            if name in template_kwargs:
                raise PromptError(
                    f"'{name}' can't be set: the chat template gets it from the conversation.", f"variables.{name}"
                )
        generation = {"add_generation_prompt": add_generation_prompt and not continued}
        variables = {**template_kwargs, **generation} if continued else {**generation, **template_kwargs}
        split = split_framed_reasoning(messages, format.reasoning) if self.markup else messages
        conversation = _Conversation(split, tools, schema, variables)
        if continued:
            return self._continued(conversation, format)
        sentinel = self._sentinel(conversation)
        return _unmarked(sentinel, self._marked(sentinel, conversation, format))

    def _continued(self, conversation: _Conversation, format: Format) -> Prompt:
        parts = (conversation.messages, conversation.tools, conversation.schema, conversation.variables)
        mark = unused_character(parts)
        messages, text = without_last_text(conversation.messages, mark, format.reasoning)
        conversation = replace(conversation, messages=messages)
        sentinel = self._sentinel(conversation, text)
        rendered = self._marked(sentinel, conversation, format)
        head = text_before(mark, rendered, messages, format.reasoning)
        whole = _unmarked(sentinel, head + (sentinel.mark(text) if sentinel else text))
        return msgspec.structs.replace(whole, begun=text)

    def _sentinel(self, conversation: _Conversation, *others: str) -> Sentinel | None:
        """None where no text counts as markup."""
        if not self.markup:
            return None
        values = (conversation.messages, conversation.tools, conversation.schema, conversation.variables)
        return self._markup.sentinel(*values, *others)

    def _marked(self, sentinel: Sentinel | None, conversation: _Conversation, format: Format) -> str:
        """The rendered text, with sentinels."""
        if sentinel is None:
            return self._rendered(conversation, format)
        try:
            parts = [conversation.messages, conversation.tools, conversation.schema]
            messages, tools, schema = sentinel.mark(parts)
            variables = {name: sentinel.mark(value) for name, value in conversation.variables.items()}
        except RecursionError as error:
            raise PromptError("'messages' or 'tools' are nested too deeply for the prompt.") from error
        return self._rendered(_Conversation(messages, tools, schema, variables), format)

    def _rendered(self, conversation: _Conversation, format: Format) -> str:
        capabilities = self.capabilities
        if format.name == FENCED.name:
            # The template describes tools and calls in the model's own format, not in this one.
            capabilities = replace(capabilities, tool_input=None, calls=None)
        functions = [custom_tool_as_function(tool) for tool in conversation.tools]
        conversation = replace(conversation, tools=functions)
        try:
            return self._render(conversation, format, capabilities)
        except PromptError:
            if not functions or capabilities.tool_input is None:
                raise
            # Some templates fail on some schemas: on a list of types (Hermes), or on integers in an enum (gpt-oss).
            # A system message can have any schema. If another part of the conversation is at fault, this fails again.
            return self._render(conversation, format, replace(capabilities, tool_input=None))

    def _render(self, conversation: _Conversation, format: Format, capabilities: Capabilities) -> str:
        tools, schema, tool_input = conversation.tools, conversation.schema, capabilities.tool_input
        added = system_text(tools, schema, format, tool_input) if tools or schema is not None else ""
        adapted = adapt_messages(conversation.messages, Adaptation(capabilities, format, added))
        variables = {**_tool_variables(capabilities, tools), **conversation.variables}
        return self._template.render({"messages": adapted, **variables})


def _tool_variables(capabilities: Capabilities, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The template variable for function tools."""
    tool_input = capabilities.tool_input
    if tool_input is None or (not tools and tool_input.variable == "tools"):
        return {"tools": capabilities.no_tools}
    normalized = [normalized_tool(tool, described=tool_input.needs_descriptions) for tool in tools]
    return {tool_input.variable: TOOL_VARIABLES[tool_input.variable](normalized)}


def _unmarked(sentinel: Sentinel | None, rendered: str) -> Prompt:
    return Prompt(rendered) if sentinel is None else sentinel.unmark(rendered)
