"""Each hostile body gets the answer that names its limit, and comes no further than it has to.

What runs on the event loop, or holds Python's lock, is bounded by how many values are decoded and validated: these
numbers are compared, not times. `benchmarks/hostile_bodies.py` measures how long others wait.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from pydantic import BaseModel

from latticework import Settings, create_app
from latticework.doors.common.objects import ApiObject
from latticework.http import body as bodies_module
from tests.hostile.bodies import BODIES, LARGEST, Hostile
from tests.scripted import ScriptedEngine, says

SETTINGS = Settings(compile_timeout=60)


class Walked:
    """How many values were decoded of the last request, and how many of them validated."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded = self.validated = 0
        load, validate = bodies_module._load, BaseModel.model_validate.__func__  # type: ignore[attr-defined]

        def counted_load(text: bytes, name: str) -> Any:
            self.decoded = -1  # it is tried
            value = load(text, name)
            self.decoded = values(value)
            return value

        def counted_validation(cls: type[BaseModel], /, value: Any, **options: Any) -> Any:
            self.validated = values(value)
            return validate(cls, value, **options)

        monkeypatch.setattr(bodies_module, "_load", counted_load)
        monkeypatch.setattr(ApiObject, "model_validate", classmethod(counted_validation))


def values(value: Any) -> int:
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        count += 1
        waiting += item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
    return count


@asynccontextmanager
async def client() -> AsyncIterator[httpx.AsyncClient]:
    app = create_app(ScriptedEngine(says("hello")), settings=SETTINGS)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test", timeout=None) as http:
            yield http


def test_hostile_bodies(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one app, as they come one after the other in its life."""
    walked = Walked(monkeypatch)

    async def all_of_them() -> list[str]:
        async with client() as http:
            return [told for one in BODIES if (told := await judged(http, one, walked))]

    wrong = asyncio.run(all_of_them())
    assert wrong == [], "\n".join(wrong)


async def judged(http: httpx.AsyncClient, hostile: Hostile, walked: Walked) -> str:
    """What is wrong with the answer, or with how far the body has come."""
    walked.decoded = walked.validated = 0
    text = hostile.make()
    response = await http.post(hostile.path, content=text)
    told = f"{hostile.name}: {response.status_code} {response.text[:200]}"
    if response.status_code != hostile.status or not says_so(response, hostile.says):
        return told
    stage = stage_of(walked)
    if stage != hostile.stage:
        return f"{told}: refused by its {stage}: {walked.decoded} values decoded, {walked.validated} validated"
    if walked.decoded > SETTINGS.max_body_values or walked.validated not in (0, walked.decoded):
        return f"{told}: {walked.decoded} values decoded, {walked.validated} validated"
    return ""


def says_so(response: httpx.Response, words: str) -> bool:
    if response.status_code == 200:
        return words in response.headers.get("x-latticework-ignored", "")
    error = response.json()["error"]
    return words in error["message"] and len(error["message"]) < 1000


def stage_of(walked: Walked) -> str:
    if not walked.decoded:
        return "bytes"
    return "values" if walked.validated or walked.decoded < 0 else "counts"


def test_bodies_are_as_large_as_they_say() -> None:
    names = [one.name for one in BODIES]
    assert len(set(names)) == len(names)
    for one in BODIES:
        assert (len(one.make()) > LARGEST) == (one.status == 413), one.name


@pytest.mark.parametrize("limit", ["max_body_values", "max_body_fields", "max_body_depth"])
def test_limits_of_bodies_apply_to_small_ones_too(limit: str) -> None:
    options: dict[str, Any] = {limit: 2}
    app = create_app(ScriptedEngine(says("hello")), settings=Settings(**options))

    async def once() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            body = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}]}
            return await http.post("/v1/chat/completions", content=json.dumps(body))

    assert limit in asyncio.run(once()).json()["error"]["message"]
