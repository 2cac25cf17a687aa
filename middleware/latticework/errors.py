"""The errors of requests, of all APIs.

ApiError                    status  code
├── BadRequest              400     (depends on the parameter)
│   ├── ContextExceeded     400     context_length_exceeded
│   └── GrammarExceeded     400     grammar_limit_exceeded
├── Unauthorized            401     invalid_api_key
├── UnknownRoute            404     unknown_url
├── UnknownModel            404     model_not_found
├── UnknownResponse         404     response_not_found
├── WrongMethod             405     method_not_supported
├── SlowRequest             408     request_timeout
├── TooLarge                413     request_too_large
├── RateLimited             429     rate_limit_exceeded
├── HeadTooLarge            431     request_headers_too_large
├── BrokenGuarantee         500     invalid_output
├── SchemaViolation         503     schema_violation
├── ServerFault             500     internal_error
├── TimedOut                504     timeout
└── Unavailable             503     engine_unavailable
    ├── StoreUnavailable    503     store_unavailable
    └── Overloaded          503     overloaded

Clients (openai, the AI SDK) retry 408, 409, 429 and 5xx, but no other 4xx: so a client's mistake has another status.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from latticework.engines.base import EngineBusy, EngineDead, EngineError, EngineFailed, GrammarGivenUp, PromptRefused
from turngrammar.errors import GrammarError

# The maximum length of an error's message: what it quotes may have any.
MOST_LETTERS = 500


def shortened(message: str) -> str:
    """With the middle left out of what is too long: the end has the fix."""
    if len(message) <= MOST_LETTERS:
        return message
    kept = MOST_LETTERS // 2 - 5
    return f"{message[:kept]} [...] {message[-kept:]}"


class ApiError(Exception):
    """An error that the client sees. Each API has its own envelope for it.

    Attributes:
        message: a sentence with the parameter first, then the limit and the fix; at most MOST_LETTERS long.
        param: the path of the invalid parameter, such as `messages[0].role`, or None.
        code: a machine-readable name, or None.
        status: of the HTTP response.
        headers: of the HTTP response.
    """

    status: ClassVar[int]
    default_code: ClassVar[str | None] = None
    headers: Mapping[str, str] = {}

    def __init__(self, message: str, *, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = shortened(message)
        self.param = param
        self.code = code or self.default_code


class BadRequest(ApiError):
    status = 400


class ContextExceeded(BadRequest):
    """`prompt`: the tokens of a prompt that leaves no room for an answer, or the least that it has; and how many it may
    have.
    """

    default_code = "context_length_exceeded"

    def __init__(self, message: str, *, param: str | None = None, prompt: tuple[int, int] | None = None) -> None:
        super().__init__(message, param=param)
        self.prompt = prompt


class GrammarExceeded(BadRequest):
    """The grammar of the request exceeded a limit in the middle of the answer, which is then invalid."""

    default_code = "grammar_limit_exceeded"


class Unauthorized(ApiError):
    status = 401
    default_code = "invalid_api_key"
    headers: Mapping[str, str] = {"www-authenticate": "Bearer"}


class UnknownRoute(ApiError):
    status = 404
    default_code = "unknown_url"


class UnknownModel(ApiError):
    status = 404
    default_code = "model_not_found"


class UnknownResponse(ApiError):
    status = 404
    default_code = "response_not_found"


class WrongMethod(ApiError):
    status = 405
    default_code = "method_not_supported"


class SlowRequest(ApiError):
    status = 408
    default_code = "request_timeout"


class TooLarge(ApiError):
    status = 413
    default_code = "request_too_large"


class RateLimited(ApiError):
    """`retry_after`: seconds until a retry can succeed."""

    status = 429
    default_code = "rate_limit_exceeded"

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.headers = {"retry-after": str(retry_after)}


class HeadTooLarge(ApiError):
    status = 431
    default_code = "request_headers_too_large"


class BrokenGuarantee(ApiError):
    """A finished answer that violates its schema: a bug of this server. The answer is never returned."""

    status = 500
    default_code = "invalid_output"


class SchemaViolation(ApiError):
    """All attempts of the model violated a checked keyword. A retry may succeed."""

    status = 503
    default_code = "schema_violation"
    headers: Mapping[str, str] = {"retry-after": "1"}


class ServerFault(ApiError):
    status = 500
    default_code = "internal_error"


class Unavailable(ApiError):
    status = 503
    default_code = "engine_unavailable"
    headers: Mapping[str, str] = {"retry-after": "5"}


class StoreUnavailable(Unavailable):
    default_code = "store_unavailable"


class Overloaded(Unavailable):
    default_code = "overloaded"


class TimedOut(ApiError):
    """The caller's deadline or the server's has passed. The response asks clients (openai) not to retry automatically.

    An answer after the deadline is useless, and two retries would triple the load of a server that is already late.
    """

    status = 504
    default_code = "timeout"
    headers: Mapping[str, str] = {"x-should-retry": "false"}


# By class. A subclass that is not listed counts as its base class.
OF_ENGINES: Mapping[type[EngineError], type[ApiError]] = {
    GrammarGivenUp: GrammarExceeded,
    EngineFailed: ServerFault,
    EngineBusy: Overloaded,
    EngineDead: Unavailable,
    EngineError: ServerFault,
}


def as_api_error(error: Exception) -> ApiError | None:
    """The error that the client sees; None for an unexpected one."""
    match error:
        case ApiError():
            return error
        case GrammarError():
            return BadRequest(error.message, param=from_pointer(error.pointer))
        case PromptRefused():
            return BadRequest(str(error), param=error.param)
        case EngineError():
            known = next(OF_ENGINES[base] for base in type(error).__mro__ if base in OF_ENGINES)
            return known(str(error))
    return None


def from_pointer(pointer: str) -> str | None:
    """The path of a JSON pointer: `/tools/0/function/name` is `tools[0].function.name`. None for the whole."""
    path = ""
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        path += f"[{part}]" if part.isdecimal() else f".{part}" if path else part
    return path or None
