"""`latticework batch` against the real server: all four APIs, each request twice: the second prompt is cached."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from latticework.cli import main
from tests.e2e.conftest import ENGINE, KEY, MODEL, RunningServer

TEXT = "The committee met on Thursday in Bergen, and Ada Lovelace, aged 36, took the chair. " * 6
SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
FORMAT = {"type": "json_schema", "schema": SCHEMA}
MESSAGES = [{"role": "user", "content": TEXT}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {
        "messages": MESSAGES,
        "response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": SCHEMA}},
    },
    "/v1/responses": {"input": TEXT, "text": {"format": {"name": "a", **FORMAT}}, "store": False},
    "/v1/completions": {"prompt": TEXT, "structured_outputs": {"json": SCHEMA}, "max_tokens": 30},
    "/v1/messages": {"messages": MESSAGES, "output_config": {"format": FORMAT}, "max_tokens": 30},
}


def test_a_batch_over_all_apis(
    server: RunningServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LATTICEWORK_API_KEY", KEY)
    file, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [
        {"custom_id": f"{url} {time}", "method": "POST", "url": url, "body": {"model": MODEL, "temperature": 0, **body}}
        for time in (1, 2)
        for url, body in BODIES.items()
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    arguments = ["batch", str(file), "-o", str(out), "--server", server.url, "--concurrency", "1", "--json"]
    assert main(arguments) == 0
    summary = json.loads(capfd.readouterr().out)
    assert (summary["finished"], summary["cut"], summary["attempts"]) == (8, 0, 8)
    assert summary["prompt"] > 0 and summary["generated"] > 0
    usages = {
        line["custom_id"]: line["response"]["body"]["usage"] for line in map(json.loads, out.read_text().splitlines())
    }
    assert usages.keys() == {line["custom_id"] for line in lines}
    for url in BODIES if ENGINE == "vllm" else ():  # the portable one has no cache that it counts
        assert cached(usages[f"{url} 2"]) > 0


def cached(usage: dict[str, Any]) -> int:
    """In each API's own place."""
    details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details") or {}
    return int(details.get("cached_tokens") or usage.get("cache_read_input_tokens") or 0)
