"""The length of a model's reasoning: variables of the chat template, and the budget that ends the reasoning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from latticework.ask import Ask
from turngrammar.formats import Format
from turngrammar.turn import Reasoning

# Templates in which the client can choose read one of these: Qwen 3's, GLM's and Gemma 4's the first, DeepSeek V3.1's
# and Granite's the second.
SWITCHES = ("enable_thinking", "thinking")
# gpt-oss puts the effort into the prompt.
EFFORT = "reasoning_effort"
# Seed-OSS puts the reasoning budget into the prompt.
LIMIT = "thinking_budget"


@dataclass(frozen=True)
class Budget:
    """The maximum number of reasoning tokens, and the continuation of the turn after them.

    Attributes:
        tokens: maximum number of reasoning tokens; 0: no reasoning.
        closing: the markup that ends the reasoning, as the model would write it.
        closing_ids: the same in tokens.
        grammar: llguidance Lark of everything that may follow; None if that is free text.
    """

    tokens: int
    closing: str
    closing_ids: Sequence[int]
    grammar: str | None


@dataclass(frozen=True)
class Resumption:
    """How a turn of free text goes on that the model has ended without an answer.

    Attributes:
        format: of the turn; it has reasoning.
        reasoning: the state in which the prompt leaves the model.
        grammar: llguidance Lark of text with a visible character.
        ends: the tokens that end a turn.
        encode: from markup to tokens.
    """

    format: Format
    reasoning: Reasoning
    grammar: str
    ends: frozenset[int]
    encode: Callable[[str], Sequence[int]]

    def missing(self, text: str) -> str:
        """The markup that the answer needs behind `text`, which may end within it."""
        frame, answer = self.format.reasoning, self.format.answer
        assert frame
        opening = answer.open if answer else ""
        begins = (frame.open.strip(), *([frame.close] if frame.bare else ()))
        begun = self.reasoning == "open" or (self.reasoning == "may" and text.lstrip().startswith(begins))
        if begun and frame.close not in text:
            return _rest_of(closing_markup(self.format, begun=True, free=True), text)
        if begun or self.reasoning == "closed":
            return _rest_of(frame.resume + frame.before_either.gap + opening, text.rpartition(frame.close)[2])
        if self.reasoning == "may":
            return _rest_of(closing_markup(self.format, begun=False, free=True), text)
        return "" if self.reasoning == "answer" else _rest_of(opening, text)


def _rest_of(markup: str, text: str) -> str:
    """What is missing of it behind a text that has it, or ends with its beginning, or with whitespace instead."""
    if markup.strip() and markup in text:
        return ""
    sizes = range(len(markup), 0, -1)
    begun = next((size for size in sizes if text.endswith(markup[:size])), 0)
    return markup[begun:] if begun or not text.isspace() else markup.lstrip()


def variables(ask: Ask, format: Format) -> dict[str, Any]:
    """Variables of the chat template, by the names that templates use.

    `reasoning_effort` also switches reasoning on or off, as in vLLM.
    """
    given: dict[str, Any] = {}
    if ask.effort is not None:
        given = {EFFORT: ask.effort, **switched(ask.effort != "none")}
    if ask.reasoning_limit is not None and format.reasoning:
        given[LIMIT] = ask.reasoning_limit
        if ask.reasoning_limit == 0:
            given |= switched(False)
    return given


def switched(on: bool) -> dict[str, Any]:
    """Variables that switch the reasoning on or off."""
    return dict.fromkeys(SWITCHES, on)


def closing_markup(format: Format, *, begun: bool, free: bool) -> str:
    """The markup that ends reasoning, whether it has `begun` or not; "" for models without reasoning.

    If the rest is `free` text, no grammar forces the format's frame for it, so the markup includes it.
    """
    frame, answer = format.reasoning, format.answer
    if frame is None:
        return ""
    opened = answer.open if answer and free else ""
    end = frame.close + frame.resume + frame.before_either.gap + opened
    if begun:
        return end
    return opened if _skips_empty_block(format) else frame.lead + frame.open + end


def has_begun(most: int, reasoning: Reasoning) -> bool:
    """Whether reasoning of at most `most` tokens has begun when it is ended."""
    return most > 0 or reasoning == "open"


def _skips_empty_block(format: Format) -> bool:
    """Whether suppressed reasoning is omitted, rather than written as an empty block.

    An empty block keeps models that always reason from doing so.
    """
    return format.answer is not None


def state_behind(format: Format, *, begun: bool) -> Reasoning:
    """The model's reasoning state after `closing_markup`."""
    return "closed" if begun or not _skips_empty_block(format) else "off"
