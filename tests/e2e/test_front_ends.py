"""`--api-servers 2` with the real engine: both processes answer, and a killed one is replaced."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from latticework.telemetry.totals import families_of
from tests.fronts import FrontsServer
from tests.real import ENGINE, MODEL, serving

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows can't hand connections over")

CHAT = "/v1/chat/completions"
PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
DOCUMENT = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Save this person: Ada Lovelace, age 36."}],
    "temperature": 0,
    "max_tokens": 60,
    "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}},
}
STORY = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Tell me a long story."}],
    "max_tokens": 120,
    "ignore_eos": True,
    "stream": True,
}


@pytest.fixture(scope="module")
def fronts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrontsServer]:
    command = [str(Path(sys.executable).with_name("latticework")), "serve", "--port", "0", "--engine", ENGINE]
    log = tmp_path_factory.mktemp("fronts") / "log"
    with serving([*command, "--api-servers", "2"], {}, log) as server:
        yield FrontsServer(server)


def answer(http: httpx.Client) -> Any:
    response = http.post(CHAT, json=DOCUMENT)
    assert response.status_code == 200, response.text
    return json.loads(response.json()["choices"][0]["message"]["content"])


def running_in_engine(server: FrontsServer) -> float:
    with server.client() as http:
        families = families_of(http.get("/metrics").content)
    return sum(families["vllm:num_requests_running"].samples.values())


def test_both_answer_alike_and_one_survives_the_other(fronts: FrontsServer) -> None:
    with fronts.client() as one, fronts.client() as other:
        documents = [answer(http) for http in (one, other)]
        assert documents[0] == documents[1]
        assert documents[0].keys() == {"name", "age"}
        health = one.get("/health").json()
        assert health["models"][MODEL]["self_test"] == "held"
        assert health["front_ends"] == {"configured": 2, "running": 2, "restarts": 0}
        assert one.get("/metrics").text.count("# TYPE vllm:num_requests_running") == (ENGINE == "vllm")

    with fronts.client() as one, fronts.client() as other:
        with one.stream("POST", CHAT, json=STORY) as first, other.stream("POST", CHAT, json=STORY) as second:
            streams = [response.iter_lines() for response in (first, second)]
            assert all(next(lines).startswith("data: ") for lines in streams)
            killed = fronts.fronts()[0]
            killed.kill()
            ends = [last_of(lines) for lines in streams]
        assert sorted(end == "data: [DONE]" for end in ends) == [False, True]
    if ENGINE == "vllm":
        assert running_in_engine(fronts) == 0  # the other one's story was aborted long before
    fronts.running.output.until(rf"has replaced {killed.pid}")
    with fronts.client() as one, fronts.client() as other:
        assert [answer(http) for http in (one, other)] == documents


def last_of(lines: Iterator[str]) -> str:
    """The last line that is not empty, or that came before the connection broke."""
    last = ""
    try:
        for line in lines:
            last = line or last
    except httpx.TransportError:
        return "broken"
    return last
