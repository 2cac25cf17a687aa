"""How long a model thinks before it answers: what its chat template is told of that, and how its thoughts are ended."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from latticework.protocol import ChatRequest
from turngrammar.formats import Format
from turngrammar.turn import Reasoning

# Templates that let the client choose read one of these: Qwen 3's, GLM's and Gemma 4's the first, DeepSeek V3.1's and
# Granite's the second.
SWITCHES = ("enable_thinking", "thinking")
# Seed-OSS tells the model how many tokens it has for its thoughts.
LIMIT = "thinking_budget"


@dataclass(frozen=True)
class Budget:
    """How long the model may think, and how the turn goes on where that is not enough.

    Attributes:
        tokens: after so many of them the thoughts are ended; 0: they never begin.
        closing: the markup that ends them, as if the model had written it.
        closing_ids: the same in tokens.
        grammar: of all that may follow, llguidance Lark; None where that is free.
    """

    tokens: int
    closing: str
    closing_ids: Sequence[int]
    grammar: str | None


def variables(request: ChatRequest, format: Format) -> dict[str, Any]:
    """What a chat template is told, under the names that templates read.

    `reasoning_effort` also switches thinking on or off, as in vLLM.
    """
    told: dict[str, Any] = {}
    if request.reasoning_effort is not None:
        told = {"reasoning_effort": request.reasoning_effort, **_switched(request.reasoning_effort != "none")}
    if request.max_reasoning_tokens is not None and format.reasoning:
        told[LIMIT] = request.max_reasoning_tokens
        if request.max_reasoning_tokens == 0:
            told |= _switched(False)
    return told


def _switched(on: bool) -> dict[str, Any]:
    return dict.fromkeys(SWITCHES, on)


def closing(format: Format, *, begun: bool, free: bool) -> str:
    """The markup after which a model has thought, whether it has `begun` to or not; "" where it never does.

    Where the rest is `free` text, no grammar leads into the frame that the format has for it: the markup does.
    """
    frame, answer = format.reasoning, format.answer
    if frame is None:
        return ""
    opened = answer.open if answer and free else ""
    end = frame.close + frame.resume + frame.before_either.gap + opened
    if begun:
        return end
    return opened if left_out(format) else frame.lead + frame.open + end


def have_begun(most: int, reasoning: Reasoning) -> bool:
    """Whether a model that may write `most` tokens of thoughts has begun to when they are ended."""
    return most > 0 or reasoning == "open"


def left_out(format: Format) -> bool:
    """Whether thoughts that are not to begin are left out.

    What a model does not begin is best skipped; but an empty block tells those that always think not to.
    """
    return format.answer is not None


def behind(format: Format, *, begun: bool) -> Reasoning:
    """Where `closing` leaves the model."""
    return "closed" if begun or not left_out(format) else "off"
