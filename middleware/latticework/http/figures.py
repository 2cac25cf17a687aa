"""What the answers of a whole response took, in its headers: written by the server, read by `latticework batch`.

A stream has sent its headers by the time these are known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

ATTEMPTS = "x-latticework-attempts"
SAVED = "x-latticework-saved-passes"


@dataclass(frozen=True)
class Figures:
    """Attributes:

    attempts: how many times an answer was begun, over all answers; 0 where a server does not say.
    forced, copied: tokens that took no forward pass of their own.
    """

    attempts: int = 0
    forced: int = 0
    copied: int = 0

    def headers(self) -> dict[str, str]:
        saved = {SAVED: f"forced={self.forced}, copied={self.copied}"} if self.forced or self.copied else {}
        return {ATTEMPTS: str(self.attempts), **saved}

    @classmethod
    def of_headers(cls, headers: Mapping[str, str]) -> Figures:
        """Of a response; the names of its headers are matched in any case."""
        attempts = headers.get(ATTEMPTS, "")
        saved = dict(re.findall(r"(\w+)=(\d+)", headers.get(SAVED, "")))
        return cls(
            int(attempts) if attempts.isdecimal() else 0, int(saved.get("forced", 0)), int(saved.get("copied", 0))
        )
