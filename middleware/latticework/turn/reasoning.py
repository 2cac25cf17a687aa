"""How long a model reasons before it answers: variables of its chat template, and how its reasoning is ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latticework.ask import Ask
from turngrammar.formats import Format
from turngrammar.turn import Reasoning

# Templates that let the client choose read one of these: Qwen 3's, GLM's and Gemma 4's the first, DeepSeek V3.1's and
# Granite's the second.
SWITCHES = ("enable_thinking", "thinking")
# gpt-oss shows the model how much effort it should take.
EFFORT = "reasoning_effort"
# Seed-OSS shows the model how many tokens it has for its reasoning.
LIMIT = "thinking_budget"


@dataclass(frozen=True)
class Budget:
    """How many tokens of reasoning the model may write, and how the turn goes on after them.

    Attributes:
        tokens: after so many of them the reasoning is ended; 0: it never begins.
        closing: the markup that ends it, as if the model had written it.
        closing_ids: the same in tokens.
        grammar: of all that may follow, llguidance Lark; None where that is free.
    """

    tokens: int
    closing: str
    closing_ids: Sequence[int]
    grammar: str | None


def variables(ask: Ask, format: Format) -> dict[str, Any]:
    """Variables of the chat template, under the names that templates read.

    `reasoning_effort` also switches reasoning on or off, as in vLLM.
    """
    given: dict[str, Any] = {}
    if ask.effort is not None:
        given = {EFFORT: ask.effort, **_switched(ask.effort != "none")}
    if ask.reasoning_limit is not None and format.reasoning:
        given[LIMIT] = ask.reasoning_limit
        if ask.reasoning_limit == 0:
            given |= _switched(False)
    return given


def _switched(on: bool) -> dict[str, Any]:
    return dict.fromkeys(SWITCHES, on)


def closing_markup(format: Format, *, begun: bool, free: bool) -> str:
    """The markup that ends reasoning, whether it has `begun` or not; "" for models without reasoning.

    Where the rest is `free` text, no grammar leads into the frame that the format has for it: the markup does.
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
    """Whether reasoning of at most so many tokens has begun when it is ended."""
    return most > 0 or reasoning == "open"


def _skips_empty_block(format: Format) -> bool:
    """Whether reasoning that is not to begin is left out, rather than written as an empty block.

    An empty block keeps models from reasoning that always do.
    """
    return format.answer is not None


def state_behind(format: Format, *, begun: bool) -> Reasoning:
    """Where `closing_markup` leaves the model."""
    return "closed" if begun or not _skips_empty_block(format) else "off"
