"""What goes wrong over HTTP, in OpenAI's error envelope.

ApiError                    status  type                    code
├── BadRequest              400     invalid_request_error   (a field's own, or none)
│   └── ContextExceeded     400     invalid_request_error   context_length_exceeded
├── Unauthorized            401     invalid_request_error   invalid_api_key
├── UnknownRoute            404     invalid_request_error   unknown_url
├── UnknownModel            404     invalid_request_error   model_not_found
├── WrongMethod             405     invalid_request_error   method_not_supported
├── SlowRequest             408     invalid_request_error   request_timeout
├── TooLarge                413     invalid_request_error   request_too_large
├── RateLimited             429     requests                rate_limit_exceeded
├── HeadTooLarge            431     invalid_request_error   request_headers_too_large
├── BrokenGuarantee         500     server_error            invalid_output
├── SchemaViolation         503     server_error            schema_violation
├── ServerFault             500     server_error            internal_error
├── TimedOut                504     server_error            timeout
└── Unavailable             503     server_error            engine_unavailable
    └── Overloaded          503     server_error            overloaded

Clients retry 408, 409, 429 and 5xx, and no other 4xx (openai, the AI SDK): a caller's mistake is never one of those.
OpenAI's own 429 names what was used up as its type.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import msgspec

from latticework.engines.base import EngineBusy, EngineDead, EngineError, EngineFailed, PromptRefused
from turngrammar.errors import GrammarError


class ErrorBody(msgspec.Struct):
    """OpenAI's error object. `param` is a path such as `messages[0].role`."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorResponse(msgspec.Struct):
    """The envelope: the body of every response that is an error, and of an error event in a stream."""

    error: ErrorBody


class ApiError(Exception):
    """An error that the caller gets to see."""

    status: ClassVar[int]
    type: ClassVar[str] = "invalid_request_error"
    code: ClassVar[str | None] = None
    headers: Mapping[str, str] = {}

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.envelope = ErrorResponse(ErrorBody(message, self.type, param, code or self.code))

    def encode(self) -> bytes:
        """The envelope as JSON."""
        return msgspec.json.encode(self.envelope)


class BadRequest(ApiError):
    status = 400


class ContextExceeded(BadRequest):
    code = "context_length_exceeded"


class Unauthorized(ApiError):
    status = 401
    code = "invalid_api_key"
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class UnknownRoute(ApiError):
    status = 404
    code = "unknown_url"


class UnknownModel(ApiError):
    status = 404
    code = "model_not_found"


class WrongMethod(ApiError):
    status = 405
    code = "method_not_supported"


class SlowRequest(ApiError):
    status = 408
    code = "request_timeout"


class TooLarge(ApiError):
    status = 413
    code = "request_too_large"


class RateLimited(ApiError):
    """`retry_after`: the seconds after which it is worth trying again."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"retry-after": str(retry_after)}


class HeadTooLarge(ApiError):
    status = 431
    code = "request_headers_too_large"


class BrokenGuarantee(ApiError):
    """A finished answer that its own schema forbids: a bug of this server, and never passed on as an answer."""

    status = 500
    type = "server_error"
    code = "invalid_output"


class SchemaViolation(ApiError):
    """The model broke a keyword that can only be checked, as often as it was allowed to try. Next time it may not."""

    status = 503
    type = "server_error"
    code = "schema_violation"
    headers: Mapping[str, str] = {"retry-after": "1"}


class ServerFault(ApiError):
    status = 500
    type = "server_error"
    code = "internal_error"


class Unavailable(ApiError):
    status = 503
    type = "server_error"
    code = "engine_unavailable"
    headers: Mapping[str, str] = {"retry-after": "5"}


class Overloaded(Unavailable):
    code = "overloaded"


class TimedOut(ApiError):
    """The caller's deadline or the server's. Clients that try again by themselves (openai) are told not to.

    Whoever set it has no use for an answer after it, and a server that is late would have thrice as much to do.
    """

    status = 504
    type = "server_error"
    code = "timeout"
    headers: Mapping[str, str] = {"x-should-retry": "false"}


ENGINE_ERRORS: dict[type[Exception], type[ApiError]] = {
    PromptRefused: BadRequest,
    EngineFailed: ServerFault,
    EngineBusy: Overloaded,
    EngineDead: Unavailable,
}


def as_api_error(error: Exception) -> ApiError | None:
    """What the caller sees of an error; None for one that nobody has foreseen."""
    match error:
        case ApiError():
            return error
        case GrammarError():
            return BadRequest(error.message, param=from_pointer(error.pointer))
        case EngineError():
            return ENGINE_ERRORS[type(error)](str(error))
    return None


def raised(status: int | None, error: Mapping[str, Any], headers: Mapping[str, str]) -> ApiError:
    """The error that became a response, or an event of a stream: then it has no status. `error`: the envelope's."""
    code = error.get("code")
    kinds = [kind for kind in _below(ApiError) if status in (None, kind.status)]
    named = [kind for kind in kinds if kind.code and kind.code == code]
    like = [kind for kind in kinds if status is not None or kind is ServerFault]
    found = ApiError.__new__((named or like or [ServerFault])[0])
    ApiError.__init__(found, str(error.get("message")), param=error.get("param"), code=code)
    found.headers = headers
    return found


def _below(kind: type[ApiError]) -> Iterator[type[ApiError]]:
    """Its kinds, and theirs."""
    for one in kind.__subclasses__():
        yield one
        yield from _below(one)


def from_pointer(pointer: str) -> str | None:
    """OpenAI's spelling of a JSON pointer: `/tools/0/function/name` is `tools[0].function.name`. None for the whole."""
    path = ""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        path += f"[{part}]" if part.isdecimal() else f".{part}" if path else part
    return path or None
