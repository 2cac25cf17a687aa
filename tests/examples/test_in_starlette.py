"""Under a prefix, beside the host's own routes."""

from __future__ import annotations

import httpx

from examples import in_starlette
from tests.hosting import hosted
from tests.scripted import ScriptedEngine

ASKED = {"model": "scripted", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 5}


def test_host_and_model_answer_side_by_side(engine: ScriptedEngine) -> None:
    with hosted(in_starlette.app()) as host, httpx.Client(base_url=host.url) as http:
        assert engine.starts == 1
        assert "the host" in http.get("/").text
        assert http.get("/llm/health").json()["status"] == "ok"
        assert http.get("/llm/openapi.json").json()["servers"] == [{"url": "/llm"}]
        assert http.get("/llm/playground").status_code == 200
        assert http.post("/llm/v1/chat/completions", json=ASKED).json()["usage"]["completion_tokens"] == 5
        assert "error" in http.get("/llm/v1/nowhere").json()  # OpenAI's error envelope
        assert http.get("/v1/models").text == "Not Found"  # the host's own error
    assert engine.starts == 0
