"""How errors are encoded, by the API that a request is of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers
from starlette.types import Scope

from latticework.doors.anthropic import AnthropicErrorResponse, anthropic_envelope
from latticework.doors.openai import ErrorResponse, envelope
from latticework.errors import ApiError

# Sent by all of Anthropic's SDKs.
ANTHROPIC_VERSION = "anthropic-version"
# Wherever the app is mounted.
ANTHROPIC_PATHS = re.compile(r"/v1/messages(?:/|$)")


@dataclass(frozen=True)
class Envelope:
    """An API's error envelope.

    Attributes:
        encode: from an error and the id of its request to JSON.
        type: of the JSON.
    """

    encode: Callable[[ApiError, str | None], bytes]
    type: type[Any]


OPENAI = Envelope(lambda error, request_id: envelope(error), ErrorResponse)
ANTHROPIC = Envelope(anthropic_envelope, AnthropicErrorResponse)


def envelope_for(scope: Scope) -> Envelope:
    """Anthropic's for its paths and its clients, OpenAI's for all others."""
    is_anthropic = ANTHROPIC_PATHS.search(scope["path"]) is not None or ANTHROPIC_VERSION in Headers(scope=scope)
    return ANTHROPIC if is_anthropic else OPENAI
