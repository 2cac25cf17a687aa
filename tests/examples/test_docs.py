"""The snippets of docs/mounting.md, run as they stand."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from tests.scripted import ScriptedEngine

PAGE = (Path(__file__).parents[2] / "docs" / "mounting.md").read_text()
SNIPPETS = [
    (section.partition("\n")[0], snippet)
    for section in PAGE.split("\n## ")[1:]
    for snippet in re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
]
TOKEN = {"authorization": "Bearer token-of-ada", "origin": "https://app.example.com"}


def test_each_way_has_one() -> None:
    assert [way for way, _ in SNIPPETS] == [
        "Under a prefix",
        "Behind your own users",
        "CORS",
        "Without a socket",
    ]


@pytest.mark.parametrize(("way", "snippet"), SNIPPETS)
def test_it_runs(way: str, snippet: str, engine: ScriptedEngine, capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(snippet, names)
    if "app" in names:
        assert asyncio.run(models(names["app"], engine)).json()["data"][0]["id"] == "scripted"
    else:
        assert "id='scripted'" in capsys.readouterr().out
    assert engine.starts == 0


async def models(app: Starlette, engine: ScriptedEngine) -> httpx.Response:
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers=TOKEN) as client,
    ):
        assert engine.starts == 1
        return await client.get("/llm/v1/models")
