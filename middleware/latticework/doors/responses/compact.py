"""`POST /v1/responses/compact`: refused by name, so that clients learn the reason and not that a path is unknown."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from latticework import errors
from latticework.doors import FAULTS, JSON, Door, Endpoint, Operation
from latticework.doors.responses.output import ModelResponse
from latticework.errors import BadRequest
from latticework.models import Models
from latticework.settings import Settings


def _compact_refused(models: Models, settings: Settings) -> Endpoint:
    async def refused(request: Request) -> Response:
        raise BadRequest(
            "This server does not compact conversations: send the items themselves, or fewer of them.",
            code="compaction_not_supported",
        )

    return refused


DOOR = Door(
    Operation(
        "post",
        "/v1/responses/compact",
        "Refused: this server does not compact conversations.",
        {JSON: (ModelResponse,)},
        errors=(errors.Unauthorized, errors.BadRequest, *FAULTS),
        guarded=True,
    ),
    _compact_refused,
)
