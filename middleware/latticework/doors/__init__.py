"""The doors: APIs and pages. Each translates between a wire format and the core, and imports no other door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from latticework import errors
from latticework.doors.envelopes import OPENAI, Envelope
from latticework.errors import ApiError
from latticework.models import Models
from latticework.settings import Settings

JSON, EVENTS, TEXT, HTML = "application/json", "text/event-stream", "text/plain", "text/html"

FAULTS = (errors.ServerFault, errors.Unavailable)
STORED = (errors.UnknownResponse, errors.StoreUnavailable)
REFUSALS = (
    errors.Unauthorized,
    errors.BadRequest,
    errors.UnknownModel,
    errors.SlowRequest,
    errors.TooLarge,
    errors.RateLimited,
    errors.Overloaded,
)
BROKEN = (errors.GrammarExceeded, errors.BrokenGuarantee, errors.SchemaViolation)

Endpoint = ASGIApp | Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, eq=False)
class Operation:
    """One method of one path, as /openapi.json describes it.

    Attributes:
        responses: the types of a 200, by media type.
        request: the type of the body; `field_docs` has the meaning of each field.
        rules: the constraints that the types lack, as JSON Schema, by component.
        guarded: whether it requires a key, if the server has keys.
        parameters: headers and query parameters, as OpenAPI describes them.
    """

    method: str
    path: str
    summary: str
    responses: Mapping[str, tuple[Any, ...]]
    request: type[BaseModel] | None = None
    field_docs: Mapping[str, str] = field(default_factory=dict)
    rules: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    errors: tuple[type[ApiError], ...] = ()
    guarded: bool = False
    parameters: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, eq=False)
class Door:
    """An operation and its endpoint.

    Attributes:
        endpoint: made once for each app.
        limited: whether quotas and the timeout of the body apply, because it costs work.
        recorded: whether each request is logged, counted and traced.
        envelope: of its errors, as `envelope_for` has it.
    """

    operation: Operation
    endpoint: Callable[[Models, Settings], Endpoint]
    limited: bool = False
    recorded: bool = False
    envelope: Envelope = OPENAI
