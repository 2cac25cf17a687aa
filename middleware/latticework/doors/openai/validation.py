"""Rules of requests that OpenAI's APIs have in common."""

from __future__ import annotations

from collections.abc import Sequence

from latticework.doors.common.validation import refuse_fields
from latticework.doors.openai.fields.nested import OF_STREAM_OPTIONS
from latticework.doors.openai.types import SampledAnswer, SampledRequest
from latticework.errors import BadRequest


def refuse_unstreamed_options(request: SampledRequest) -> None:
    """Raises BadRequest for options of a stream that is not requested."""
    if request.stream_options is None:
        return
    refuse_fields(request.stream_options, OF_STREAM_OPTIONS, "stream_options")
    if not request.stream:
        raise BadRequest("'stream_options' requires 'stream' to be true.", param="stream_options")


def refuse_kept_stop_tokens(request: SampledAnswer) -> None:
    """Raises BadRequest for stop tokens that are to be kept: a token that ends an answer has no text."""
    if request.include_stop_str_in_output and request.stop_token_ids:
        raise BadRequest(
            "'include_stop_str_in_output' can't be combined with 'stop_token_ids': send 'stop' instead.",
            param="include_stop_str_in_output",
        )


def refuse_empty_prompt(request: SampledAnswer) -> None:
    if request.truncate_prompt_tokens == 0:
        raise BadRequest(
            "'truncate_prompt_tokens' must be at least 1, or -1 for as many tokens as fit.",
            param="truncate_prompt_tokens",
        )


def idle_stops(request: SampledAnswer, stops: Sequence[str]) -> list[str]:
    """The fields about stop strings, where none of them ends the answer: a `stop` never cuts a document."""
    return [name for name in ("stop", "include_stop_str_in_output") if getattr(request, name) and not stops]
