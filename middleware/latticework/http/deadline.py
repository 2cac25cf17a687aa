"""By when a request must be answered."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from latticework.errors import BadRequest, TimedOut

# Not x-stainless-read-timeout, which openai's clients send with everything: that bounds the silence between two tokens.
HEADER = "x-request-timeout"
SECONDS = re.compile(r"\d{1,9}(\.\d{1,9})?")


class Deadline:
    """It runs from here on."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._at = asyncio.get_running_loop().time() + seconds

    @asynccontextmanager
    async def kept(self) -> AsyncIterator[None]:
        """Cancels what is done within when the time has come. Raises TimedOut then."""
        limit = asyncio.timeout_at(self._at)
        try:
            async with limit:
                yield
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise TimedOut(f"The request was not answered within {self._seconds:g} s, and has been ended.") from error


def deadline(asked: str | None, most: float) -> Deadline:
    """`asked` is the header; it can only shorten what the server grants, in seconds. Raises BadRequest."""
    if asked is None:
        return Deadline(most)
    if not SECONDS.fullmatch(asked) or not float(asked):
        raise BadRequest(f"The header '{HEADER}' must be a number of seconds above 0, such as 30 or 2.5.", param=HEADER)
    return Deadline(min(float(asked), most))
