"""Whether an engine hangs: it is queried for a sign of life, again and again, and counts as hung where none comes.

A hang is a death that nobody reports. A process that is stopped, or waits for another one forever, is still there.
"""

from __future__ import annotations

import asyncio

from latticework.engines.base import Engine, Heartbeat

# Seconds between an answer and the next question, and the part of the timeout that they are at most.
INTERVAL = 5.0
SHARE = 1 / 6
# On a machine that is too busy, an engine may take so many times what it may take elsewhere.
PATIENCE = 10.0

HUNG = "The engine hangs: it has answered nothing for {:.0f} s (engine_hang_timeout: {:g})."


class Pulse:
    """Of one life of an engine. Time in which its processes waited for a processor counts little: see PATIENCE.

    Time is what `tick` gets. A server that did not run itself, because it was stopped or busy, has not waited: the
    answers that came meanwhile are read first.
    """

    def __init__(self, engine: Engine, timeout: float) -> None:
        """`timeout`: seconds; 0: a hang is not looked for."""
        self._engine = engine
        self._timeout = timeout
        self._silent = 0.0
        self._starved = 0.0
        self._asked: asyncio.Future[object] | None = None
        self._heartbeat: Heartbeat | None = None

    def tick(self, seconds: float) -> str | None:
        """`seconds` more have passed. Returns why the engine counts as hung, or None."""
        if not self._timeout:
            return None
        self._silent += seconds
        if self._asked is None:
            if self._silent >= min(INTERVAL, SHARE * self._timeout):
                self._ask()
        elif self._asked.done():
            self.close()
            self._silent = self._starved = 0.0
        elif self._is_over(seconds):
            return HUNG.format(self._silent, self._timeout)
        return None

    def _ask(self) -> None:
        self._heartbeat = heartbeat = self._engine.heartbeat()
        if heartbeat is None:
            self._timeout = 0
        else:
            heartbeat.starved()  # what was before does not count
            self._asked = asyncio.ensure_future(heartbeat.answer)

    def _is_over(self, seconds: float) -> bool:
        heartbeat = self._heartbeat
        assert heartbeat is not None
        self._starved += min(seconds, heartbeat.starved())
        allowed = self._timeout + heartbeat.allowance
        return self._silent - self._starved >= allowed or self._silent >= PATIENCE * allowed

    def close(self) -> None:
        """Withdraws the question. An error was an answer: whether the engine is dead is found out elsewhere."""
        asked, self._asked = self._asked, None
        if asked is not None and not asked.cancel() and not asked.cancelled():
            asked.exception()
