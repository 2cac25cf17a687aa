"""How much is taken on at once: what comes on top is refused at once, rather than late."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from latticework.errors import BadRequest, Overloaded


class Places:
    """As many answers as may be generated, or wait to be, at once."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    @contextmanager
    def taken(self, answers: int) -> Iterator[None]:
        """A place for each. Raises Overloaded where there are not so many left, BadRequest where there never are."""
        if answers > self._most:
            raise BadRequest(f"'n' must be at most {self._most}, all answers that this server works on.", param="n")
        if self._taken + answers > self._most:
            raise Overloaded(f"This server works on {self._taken} answers, and {self._most} are the most.")
        self._taken += answers
        try:
            yield
        finally:
            self._taken -= answers
