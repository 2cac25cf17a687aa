"""Writes a request's prompt: its text, by the chat template, and its tokens. In this process, or in one that is killed.

What comes in and goes out can be pickled; so can the writer itself, once for each process.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any, TypeAlias

from latticework.engines.encoder import Encoder
from latticework.prompt import ChatTemplate, Prompt, PromptOptions
from turngrammar.formats import Format
from turngrammar.turn import Reasoning, reasoning_after

# What is larger is written in another process: there it holds no lock of this one, and its memory is given back.
LARGE = 2**16
# Letters that a value of any kind counts as, since templates take so long for it.
VALUE = 64
# How many of the templates that requests bring are kept compiled.
REQUEST_TEMPLATES = 16


@dataclass(frozen=True)
class PlainPrompt:
    """A prompt that is text already. `special`: whether the tokenizer adds its special tokens."""

    content: str
    special: bool


@dataclass(frozen=True)
class Rendering:
    """A conversation, and what `ChatTemplate.prompt` takes with it. `template`: Jinja instead of the model's."""

    messages: Sequence[Mapping[str, Any]]
    options: PromptOptions
    template: str | None = None


Source: TypeAlias = PlainPrompt | Rendering


def is_large(source: Source) -> bool:
    """Whether it has more letters and values than are written in this process."""
    weight, waiting = 0, [_values(source)]
    while waiting and weight <= LARGE:
        value = waiting.pop()
        weight += VALUE
        if isinstance(value, str):
            weight += len(value)
        elif isinstance(value, Mapping):
            weight += VALUE * len(value)
            waiting += value.values()
        elif isinstance(value, list | tuple):
            waiting += value
    return weight > LARGE


def _values(source: Source) -> Any:
    if isinstance(source, PlainPrompt):
        return source.content
    options = source.options
    parts = (options.get("tools"), options.get("schema"), options.get("template_kwargs"))
    return [source.template, source.messages, *parts]


@dataclass(frozen=True)
class Written:
    """A prompt.

    Attributes:
        tokens: its ids, as C's unsigned ints; none where `least` is set.
        least: how many tokens its text has at least, if these are more than the context holds; 0: it was tokenized.
        reasoning: the state in which it leaves the model.
        begun: the text that the answer continues, with which it ends; None if the answer is a message of its own.
    """

    tokens: array[int]
    least: int = 0
    reasoning: Reasoning = "off"
    begun: str | None = None


def written(token_ids: Sequence[int], least: int = 0) -> Written:
    return Written(array("I", token_ids), least)


@dataclass(frozen=True)
class PromptWriter:
    """Writes the prompts of one model.

    Attributes:
        template: the model's.
        encoder: of its tokenizer.
        most: tokens that its context holds.
    """

    template: ChatTemplate
    encoder: Encoder
    most: int

    def __reduce__(self) -> tuple[Any, ...]:
        fresh = replace(self.template)  # without what it has computed
        return PromptWriter, (fresh, self.encoder, self.most)

    def prepare(self) -> None:
        """Computes what each prompt needs."""
        _ = self.template.capabilities

    def template_for(self, source: str | None) -> ChatTemplate:
        """The template of a request that brings Jinja of its own; None: the model's."""
        return self.template if source is None else self._request_template(source)

    @cached_property
    def _request_template(self) -> Any:
        return lru_cache(REQUEST_TEMPLATES)(lambda source: replace(self.template, source=source))

    def write(self, source: Source, *, cut: bool = False) -> Written:
        """`cut`: whether only the prompt's last tokens are used, so that it may be longer than the context.

        Raises PromptError.
        """
        if isinstance(source, PlainPrompt):
            return self._written(Prompt(source.content), cut=cut, special=source.special)
        prompt = self.template_for(source.template).prompt(source.messages, **source.options)
        state = state_after(source.options["format"], prompt)
        return replace(self._written(prompt, cut=cut), reasoning=state, begun=prompt.begun)

    def _written(self, prompt: Prompt, *, cut: bool, special: bool = False) -> Written:
        if cut:
            return written(self._encoded(prompt, special)[-self.most :])
        if least := self._too_many(prompt.text):
            return written((), least)
        return written(self._encoded(prompt, special))

    def _encoded(self, prompt: Prompt, special: bool) -> list[int]:
        if prompt.segments:
            return self.encoder.encode_segments(prompt.segments, self.template.markup)
        return self.encoder.encode(prompt.text, special)

    def _too_many(self, text: str) -> int:
        """How many tokens the text has at least, if that is more than the context holds; else 0."""
        least = self.encoder.least_tokens(len(text.encode("utf-8", "surrogatepass")))
        return least if least > self.most else 0


def state_after(format: Format, prompt: Prompt) -> Reasoning:
    """The state in which the prompt leaves the model. Where it continues a text, the reasoning is over."""
    if prompt.begun is None:
        return reasoning_after(format, prompt.text)
    before = reasoning_after(format, prompt.text.removesuffix(prompt.begun))
    return before if before == "answer" else "off"
