"""Shared by the doors of Anthropic's API. Here: the error envelope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from latticework import errors
from latticework.errors import ApiError, ContextExceeded

AnthropicErrorType = Literal[
    "invalid_request_error",
    "authentication_error",
    "not_found_error",
    "request_too_large",
    "rate_limit_error",
    "timeout_error",
    "api_error",
    "overloaded_error",
]

# By class. A subclass that is not listed counts as its base class.
_TYPES: Mapping[type[Exception], AnthropicErrorType] = {
    errors.BadRequest: "invalid_request_error",
    errors.Unauthorized: "authentication_error",
    errors.UnknownRoute: "not_found_error",
    errors.UnknownModel: "not_found_error",
    errors.UnknownResponse: "not_found_error",
    errors.WrongMethod: "invalid_request_error",
    errors.SlowRequest: "timeout_error",
    errors.TooLarge: "request_too_large",
    errors.HeadTooLarge: "request_too_large",
    errors.RateLimited: "rate_limit_error",
    errors.TimedOut: "timeout_error",
    errors.Unavailable: "overloaded_error",
    ApiError: "api_error",
}


class AnthropicErrorDetails(msgspec.Struct, frozen=True, omit_defaults=True):
    """What programs read: a name of the error, and the path of the invalid parameter."""

    error_code: str | None = None
    param: str | None = None


class AnthropicError(msgspec.Struct, frozen=True):
    """Anthropic's error object."""

    type: AnthropicErrorType
    message: str
    details: AnthropicErrorDetails | UnsetType = UNSET


class AnthropicErrorResponse(msgspec.Struct, frozen=True, tag_field="type", tag="error"):
    """The envelope: the body of every error response, and of an `error` event in a stream."""

    error: AnthropicError
    request_id: str | None = None


def anthropic_envelope(error: ApiError, request_id: str | None = None) -> bytes:
    """The envelope as JSON."""
    kind = next(_TYPES[base] for base in type(error).__mro__ if base in _TYPES)
    known = error.code is not None or error.param is not None
    details = AnthropicErrorDetails(error.code, error.param) if known else UNSET
    return msgspec.json.encode(AnthropicErrorResponse(AnthropicError(kind, _message(error), details), request_id))


def _message(error: ApiError) -> str:
    """Agents shorten the conversation if a prompt is refused in these words."""
    if isinstance(error, ContextExceeded) and error.prompt is not None:
        tokens, most = error.prompt
        return f"prompt is too long: {tokens} tokens > {most} maximum"
    return error.message
