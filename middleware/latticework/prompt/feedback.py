"""An answer that violates its schema, and what is wrong with it, as the last messages of a conversation.

What is wrong with a text is in a message of the user's. What is wrong with a call is its result: models were trained on
such results, and templates such as Mistral's and Gemma's refuse a user's message behind calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from turngrammar.errors import cut
from turngrammar.plan import TurnViolation
from turngrammar.render import Call

# A model needs few of an answer's violations at once: where one keyword is broken in a hundred places, five show it.
MOST_VIOLATIONS = 5
# Characters of one, which quotes the model's text and the schema's.
VIOLATION_LENGTH = 300
POINTER_LENGTH = 100

TEXT = ("Your last answer is not valid:", "Write the whole answer again, without this mistake.")
CALL = ("This call is not valid, and was not run:", "Call again, without this mistake.")
OTHER_CALL = "This call was not run, because another one is not valid. Repeat it."


def rejected_turn(content: str, calls: Sequence[Call], violations: Sequence[TurnViolation]) -> list[Mapping[str, Any]]:
    """The assistant's message with the answer, and those with its violations, as chat templates take them."""
    answer: dict[str, Any] = {"role": "assistant", "content": content}
    if not calls:
        return [answer, {"role": "user", "content": described_violations(violations, *TEXT)}]
    answer["tool_calls"] = [_rejected_call(index, call) for index, call in enumerate(calls)]
    results = [_result(index, violations) for index in range(len(calls))]
    return [answer, *results]


def described_violations(violations: Sequence[TurnViolation], opening: str, request: str) -> str:
    """What is wrong, for the model: a line for each violation."""
    lines = [_line(violation) for violation in violations[:MOST_VIOLATIONS]]
    if (more := len(violations) - MOST_VIOLATIONS) > 0:
        lines.append(f"- and {more} more")
    text = "\n".join((opening, *lines, request))
    # The violations may quote strings of JSON with half of a surrogate pair, which no tokenizer takes.
    return text.encode(errors="replace").decode()


def _line(violation: TurnViolation) -> str:
    keyword = f" ({violation.keyword})" if violation.keyword else ""
    place = cut(violation.pointer, POINTER_LENGTH) or "the whole"
    return f"- {place}{keyword}: {cut(violation.message, VIOLATION_LENGTH)}"


def _rejected_call(index: int, call: Call) -> dict[str, Any]:
    return {"id": _id(index), "type": "function", "function": {"name": call.name, "arguments": call.arguments}}


def _id(index: int) -> str:
    """Nine letters and digits, as some templates of Mistral's require."""
    return f"call{index:05}"


def _result(index: int, violations: Sequence[TurnViolation]) -> dict[str, Any]:
    own = [violation for violation in violations if violation.part in (f"call {index}", "calls")]
    content = described_violations(own, *CALL) if own else OTHER_CALL
    return {"role": "tool", "tool_call_id": _id(index), "content": content}
