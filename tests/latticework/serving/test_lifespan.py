"""An app that can't be started is reported by its engine's message."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from latticework import create_app
from latticework.engines.base import EngineDead
from latticework.options import InvalidSetting
from latticework.serving.draining import Draining
from tests.scripted import ScriptedEngine, says


class Lame(ScriptedEngine):
    """It can't be started."""

    def __init__(self, why: Exception) -> None:
        super().__init__(says("hello"))
        self._why = why

    async def start(self) -> None:
        raise self._why


def lifespan_messages(
    engine: ScriptedEngine, *events: str, sent: list[dict[str, Any]] | None = None
) -> list[dict[str, Any]]:
    """What the server is sent, `sent`, while it starts the app and does whatever else `events` say."""
    waiting, sent = [f"lifespan.{event}" for event in events], [] if sent is None else sent

    async def receive() -> dict[str, Any]:
        return {"type": waiting.pop(0)}

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asyncio.run(Draining(create_app(engine))({"type": "lifespan", "state": {}}, receive, send))
    return sent


def test_an_engine_that_cannot_be_started_says_why() -> None:
    [failed] = lifespan_messages(Lame(EngineDead("There is no such model.")), "startup")
    assert failed == {"type": "lifespan.startup.failed", "message": "There is no such model."}


def test_settings_that_do_not_fit_a_started_engine_are_reported() -> None:
    [failed] = lifespan_messages(Lame(InvalidSetting("aliases: no such model")), "startup")
    assert failed == {"type": "lifespan.startup.failed", "message": "aliases: no such model"}


def test_a_bug_keeps_its_traceback() -> None:
    sent: list[dict[str, Any]] = []
    with pytest.raises(ZeroDivisionError):
        lifespan_messages(Lame(ZeroDivisionError("a bug")), "startup", sent=sent)
    [failed] = sent
    assert failed["type"] == "lifespan.startup.failed"
    assert "Traceback" in failed["message"]


def test_a_start_and_a_stop_are_the_apps_own() -> None:
    sent = lifespan_messages(ScriptedEngine(says("hello")), "startup", "shutdown")
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
