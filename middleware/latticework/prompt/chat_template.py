"""Messages and tools in OpenAI's form -> the text that the model continues."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property, partial
from types import MappingProxyType
from typing import Any, Required, TypedDict, Unpack

from latticework.prompt.briefing import brief, normal_tool
from latticework.prompt.conversation import adapt, split_reasoning
from latticework.prompt.custom import as_function
from latticework.prompt.guard import Guard, Prompt
from latticework.prompt.messages import Setting
from latticework.prompt.probe import probe
from latticework.prompt.template import PromptError, Template
from latticework.prompt.traits import DOORS, Traits
from turngrammar.formats import FENCED, Format

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_OURS = ("messages", "tools")


class Asked(TypedDict, total=False):
    """What a prompt is made of beside the messages: see `ChatTemplate.prompt`."""

    format: Required[Format]
    tools: Sequence[Mapping[str, Any]]
    schema: Mapping[str, Any] | None
    add_generation_prompt: bool
    template_kwargs: Mapping[str, Any]


@dataclass(frozen=True)
class ChatTemplate:
    """A model's chat template, with the special tokens that it may name (`bos_token`, `eos_token`, ...).

    Conversations are adapted to what the template was found to do (`traits`), so that nothing in them is lost: see
    `conversation.py` for how. `now` is the clock of templates that tell the date. `markup` are the tokens that a
    client's text must not become (`engines.markup`); where there are none, whatever looks like markup is markup.
    """

    source: str
    special_tokens: Mapping[str, str] = field(default_factory=dict)
    now: Callable[[], datetime] = datetime.now
    markup: frozenset[str] = frozenset()

    @cached_property
    def _template(self) -> Template:
        return Template(self.source, self.special_tokens, self.now)

    @cached_property
    def traits(self) -> Traits:
        """What the template can do, found by trying.

        Raises:
            PromptError: it is not valid Jinja; `param` is "chat_template".
        """
        return probe(self._template)

    @property
    def speaks_tools(self) -> bool:
        """Whether the template tells the model of tools itself; where not, a block in the system message does."""
        return self.traits.telling is not None

    @cached_property
    def _guard(self) -> Guard:
        return Guard(self.markup, *self._template.words)

    def render(self, messages: Sequence[Mapping[str, Any]], **asked: Unpack[Asked]) -> str:
        """The text of the prompt."""
        return self.prompt(messages, **asked).text

    def prompt(
        self,
        messages: Sequence[Mapping[str, Any]],
        *,
        format: Format,
        tools: Sequence[Mapping[str, Any]] = (),
        schema: Mapping[str, Any] | None = None,
        add_generation_prompt: bool = True,
        template_kwargs: Mapping[str, Any] = _NOTHING,
    ) -> Prompt:
        """The prompt for a conversation of validated messages, which stay as they are.

        Args:
            messages: OpenAI's chat messages, text only.
            format: how the model writes calls, for those that the template would drop.
            tools: OpenAI's function tools and custom tools.
            schema: a JSON Schema that the system message tells the model to answer by.
            add_generation_prompt: whether the text ends where the assistant's turn begins.
            template_kwargs: further variables for the template (a request's `chat_template_kwargs`).

        Raises:
            PromptError: the template refuses the conversation, or a variable of `template_kwargs` is not the client's.
        """
        for name in _OURS:
            if name in template_kwargs:
                raise PromptError(f"{name} is not a free variable.", f"chat_template_kwargs.{name}")
        if not self.markup:
            return Prompt(self._rendered(messages, tools, schema, format, add_generation_prompt, template_kwargs))
        split = split_reasoning(messages, format.reasoning)
        seal = self._guard.seal(split, tools, schema, template_kwargs)
        try:
            said, offered, told = seal.guarded([split, tools, schema])
            variables = {name: seal.guarded(value) for name, value in template_kwargs.items()}
        except RecursionError as error:
            raise PromptError("The messages or tools are nested too deep.") from error
        return seal.revealed(self._rendered(said, offered, told, format, add_generation_prompt, variables))

    def _rendered(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any] | None,
        format: Format,
        add_generation_prompt: bool,
        template_kwargs: Mapping[str, Any],
    ) -> str:
        variables = {"add_generation_prompt": add_generation_prompt, **template_kwargs}
        functions = [as_function(tool) for tool in tools]
        attempt = partial(self._render, messages, functions, schema, format, variables)
        # A template tells a model of tools in the model's own format: of a fence that we want instead, we must tell.
        traits = replace(self.traits, telling=None, calling=None) if format.name == FENCED.name else self.traits
        try:
            return attempt(traits)
        except PromptError:
            if not tools or traits.telling is None:
                raise
            # Some templates fail on schemas that they can't spell: a list of types (Hermes), integers in an enum
            # (gpt-oss). The block prints any schema. If the conversation was at fault, it fails again.
            return attempt(replace(traits, telling=None))

    def _render(
        self,
        messages: Sequence[Mapping[str, Any]],
        tools: Sequence[Mapping[str, Any]],
        schema: Mapping[str, Any] | None,
        format: Format,
        variables: Mapping[str, Any],
        traits: Traits,
    ) -> str:
        block = brief(tools, schema, format, traits.telling)
        adapted = adapt(messages, Setting(traits, format, block))
        return self._template.render({"messages": adapted, **_told(traits, tools), **variables})


def _told(traits: Traits, tools: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    telling = traits.telling
    if telling is None or (not tools and telling.door == "tools"):
        return {"tools": traits.untold}
    normal = [normal_tool(tool, described=telling.needs_descriptions) for tool in tools]
    return {telling.door: DOORS[telling.door](normal)}
