"""Extensions about the values of an answer: the same fields in every API that generates."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, StrictBool, StrictInt

from latticework.doors.common.objects import ApiObject


class ValueFields(ApiObject):
    """Null is the same as an omitted field: as the server is configured."""

    confidence: StrictBool | None = None
    # Extension: whether strings that nothing but their length constrains are spans of the user's text.
    grounding: StrictBool | None = None


class TurnValueFields(ValueFields):
    """Those that need a conversation too, which a raw prompt is not."""

    draft_tokens: StrictInt | None = Field(None, ge=1)
    refusal: Literal["allow", "never"] | None = None
    retries: Literal["feedback", "resample"] | None = None
    repeated_calls: Literal["end", "allow"] | None = None


def value_fields(request: ValueFields) -> dict[str, Any]:
    """The fields of `Ask` that they become."""
    fields = TurnValueFields.model_fields if isinstance(request, TurnValueFields) else ValueFields.model_fields
    return {name: value for name in fields if (value := getattr(request, name)) is not None}
