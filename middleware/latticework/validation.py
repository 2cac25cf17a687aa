"""From a decoded body to a request that makes sense, or to an error that says which parameter does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from latticework.errors import BadRequest
from latticework.protocol import ChatRequest, OtherPart, TurnRequest

# Fields that would change the answer, and that this server has no way to honour. Dropping one would break a promise.
REFUSED = {
    "functions": "is deprecated; send 'tools' instead.",
    "function_call": "is deprecated; send 'tool_choice' instead.",
    "audio": "asks for sound, and this server answers with text.",
    "web_search_options": "asks for a web search, which this server has none of.",
    "moderation": "asks for moderation, which this server has none of.",
    "guided_json": "left vLLM in 0.12; send 'response_format' or 'structured_outputs' instead.",
    "guided_regex": "left vLLM in 0.12; send 'structured_outputs' instead.",
    "guided_choice": "left vLLM in 0.12; send 'structured_outputs' instead.",
    "guided_grammar": "left vLLM in 0.12; send 'structured_outputs' instead.",
    "use_beam_search": "is not supported.",
}


Request = TypeVar("Request", bound=TurnRequest)


def parse_as(kind: type[Request], body: dict[str, Any]) -> Request:
    """Raises BadRequest that names the parameter at fault."""
    try:
        return kind.model_validate(body)
    except ValidationError as error:
        raise _explained(body, error.errors(include_url=False, include_context=False)) from None


def parse(body: dict[str, Any]) -> ChatRequest:
    """A chat request that makes sense. Raises BadRequest that names the first parameter at fault."""
    request = parse_as(ChatRequest, body)
    for rule in RULES:
        rule(request)
    return request


def _explained(body: dict[str, Any], errors: Sequence[ErrorDetails]) -> BadRequest:
    """The error that reached deepest: of a union's branches, the one that the caller meant."""
    located = [(_path(body, error["loc"], missing=error["type"] == "missing"), error) for error in errors]
    path, error = max(located, key=lambda entry: entry[0].count(".") + entry[0].count("["))
    if error["type"] == "missing":
        return BadRequest(f"Missing required parameter: '{path}'.", param=path, code="missing_required_parameter")
    return BadRequest(f"Invalid '{path}': {error['msg']}.", param=path)


def _path(body: Any, location: Sequence[int | str], *, missing: bool) -> str:
    """`messages[0].role` of pydantic's location, whose labels of union branches the body knows nothing of."""
    path, value, last = "", body, len(location) - 1
    for depth, step in enumerate(location):
        if isinstance(step, int) and isinstance(value, list) and step < len(value):
            path, value = f"{path}[{step}]", value[step]
        elif isinstance(step, str) and isinstance(value, dict) and (step in value or (missing and depth == last)):
            path, value = f"{path}.{step}" if path else step, value.get(step)
    return path


def _no_refused_field(request: ChatRequest) -> None:
    extra = request.model_extra or {}
    for name, why in REFUSED.items():
        if extra.get(name) not in (None, False):
            raise BadRequest(f"'{name}' {why}", param=name, code="unsupported_parameter")


def _text_only(request: ChatRequest) -> None:
    if set(request.modalities or ("text",)) != {"text"}:
        raise BadRequest(
            "'modalities' asks for more than text, and this model answers with text only.",
            param="modalities",
            code="unsupported_value",
        )
    for index, message in enumerate(request.messages):
        for position, part in enumerate(message.content if isinstance(message.content, list) else ()):
            if isinstance(part, OtherPart):
                where = f"messages[{index}].content[{position}]"
                raise BadRequest(
                    f"'{where}' is of type '{part.type}', and this model reads text only.",
                    param=where,
                    code="unsupported_value",
                )


def _one_limit(request: ChatRequest) -> None:
    limits = {limit for limit in (request.max_tokens, request.max_completion_tokens) if limit is not None}
    if len(limits) > 1:
        raise BadRequest("'max_tokens' and 'max_completion_tokens' contradict each other.", param="max_tokens")
    if request.min_tokens and limits and request.min_tokens > min(limits):
        raise BadRequest("'min_tokens' is larger than 'max_tokens'.", param="min_tokens")


def _logprobs_asked_for(request: ChatRequest) -> None:
    if request.top_logprobs is not None and not request.logprobs:
        raise BadRequest("'top_logprobs' needs 'logprobs' to be true.", param="top_logprobs")


def _stream_asked_for(request: ChatRequest) -> None:
    if request.stream_options is not None and not request.stream:
        raise BadRequest("'stream_options' needs 'stream' to be true.", param="stream_options")


RULES: tuple[Callable[[ChatRequest], None], ...] = (
    _no_refused_field,
    _text_only,
    _one_limit,
    _logprobs_asked_for,
    _stream_asked_for,
)
