"""The request after an answer that was rejected: the same, behind its conversation the answer with its violations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

from msgspec.structs import replace

from latticework.ask import Ask, Conversation, RawPrompt
from latticework.prompt.feedback import rejected_turn
from latticework.turn import Feedback, Job, RejectedAnswer

# Why a request's attempts can't see the last answer, and the part of the request that excludes it.
_OBSTACLES: Mapping[str, Callable[[Ask], bool]] = {
    "a raw prompt has no place for it.": lambda ask: isinstance(ask.prompt, RawPrompt),
    "the answer continues a text.": lambda ask: isinstance(ask.prompt, Conversation) and ask.prompt.continued,
    "the prompt is limited to its last tokens.": lambda ask: ask.prompt_limit is not None,
    "the response has log probabilities of the prompt.": lambda ask: ask.sampling.get("prompt_logprobs") is not None,
}


def feedback_of(
    ask: Ask, default: Literal["feedback", "resample"], prepare: Callable[[Ask], Awaitable[Job]]
) -> Feedback | None:
    """None: attempts are resampled. `default`: if the request selects neither. `prepare`: from a request to its job."""
    if (ask.retries or default) == "resample":
        return None
    obstacle = next((obstacle for obstacle, excludes in _OBSTACLES.items() if excludes(ask)), "")

    async def correct(answer: RejectedAnswer) -> Job:
        return await prepare(_with_rejected(ask, answer))

    return Feedback(None if obstacle else correct, obstacle, requested=ask.retries is not None)


def _with_rejected(ask: Ask, answer: RejectedAnswer) -> Ask:
    assert isinstance(ask.prompt, Conversation)
    turn = rejected_turn(answer.content, answer.calls, answer.violations)
    places = [*ask.prompt.places, *(message["role"] for message in turn)] if ask.prompt.places else ()
    return replace(ask, prompt=replace(ask.prompt, messages=[*ask.prompt.messages, *turn], places=places))
