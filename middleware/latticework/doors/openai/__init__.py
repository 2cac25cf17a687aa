"""Shared by the doors of OpenAI's APIs. Here: the error envelope, encoded and decoded, and token usage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from latticework.engines.base import TokenLogprob
from latticework.errors import ApiError, RateLimited, ServerFault
from latticework.generate import TokenCounts


class ErrorBody(msgspec.Struct):
    """OpenAI's error object. `param` is a path such as `messages[0].role`."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(msgspec.Struct):
    """The envelope: the body of every error response, and of an error event in a stream."""

    error: ErrorBody


def error_type(kind: type[ApiError]) -> str:
    """OpenAI's `type`. That of its own 429 is the exhausted resource."""
    if issubclass(kind, RateLimited):
        return "requests"
    return "server_error" if kind.status >= 500 else "invalid_request_error"


def error_body(error: ApiError) -> ErrorBody:
    return ErrorBody(error.message, error_type(type(error)), error.param, error.code)


def envelope(error: ApiError) -> bytes:
    """The envelope as JSON."""
    return msgspec.json.encode(ErrorResponse(error_body(error)))


def from_envelope(status: int | None, error: Mapping[str, Any], headers: Mapping[str, str]) -> ApiError:
    """The error in an envelope. `status`: None for an event of a stream. `error`: the error object."""
    code = error.get("code")
    kinds = [kind for kind in _subclasses(ApiError) if status in (None, kind.status)]
    same_code = [kind for kind in kinds if kind.default_code and kind.default_code == code]
    same_status = kinds if status is not None else [ServerFault]
    restored = ApiError.__new__((same_code or same_status or [ServerFault])[0])
    ApiError.__init__(restored, str(error.get("message")), param=error.get("param"), code=code)
    restored.headers = headers
    return restored


def _subclasses(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _subclasses(subclass)


def token_label(token: TokenLogprob, *, as_id: bool) -> str:
    """A token's text; or its id, which differs between tokens of the same text."""
    return f"token_id:{token.id}" if as_id else token.token


class CompletionTokensDetails(msgspec.Struct, frozen=True):
    """Generated tokens by purpose."""

    reasoning_tokens: int


class PromptTokensDetails(msgspec.Struct, frozen=True):
    """Of the prompt's tokens, those that the engine had in its prefix cache."""

    cached_tokens: int


class Usage(msgspec.Struct, frozen=True):
    """Token counts. `completion_tokens_details` are present if the model's format has reasoning or the answer a draft,
    and `prompt_tokens_details` if the engine had any of the prompt in its prefix cache.

    `attempts`: the number of answers that were generated, if it exceeds that of the answers returned.
    """

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    completion_tokens_details: CompletionTokensDetails | UnsetType = UNSET
    prompt_tokens_details: PromptTokensDetails | UnsetType = UNSET
    attempts: int | UnsetType = UNSET


def usage_of(tokens: TokenCounts) -> Usage:
    return Usage(
        tokens.prompt,
        tokens.generated,
        tokens.prompt + tokens.generated,
        UNSET if tokens.reasoning is None else CompletionTokensDetails(tokens.reasoning),
        PromptTokensDetails(tokens.cached) if tokens.cached else UNSET,
        tokens.attempts or UNSET,
    )
