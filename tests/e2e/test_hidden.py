"""A vLLM whose private parts look different is served without what rests on them, and /health lists it."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from openai import OpenAI

from tests.e2e.conftest import ENGINE, KEY, MODEL, RunningServer, serving

if ENGINE != "vllm":
    pytest.skip("of vLLM", allow_module_level=True)

HIDING = Path(__file__).parent / "hiding"
PERSON: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
ASK: dict[str, Any] = {
    "model": MODEL,
    "messages": [{"role": "user", "content": "Describe Ada, who is 36, in JSON."}],
    "response_format": {"type": "json_schema", "json_schema": {"name": "person", "schema": PERSON}},
    "temperature": 0,
    "max_tokens": 60,
}


@cache
def compat() -> Any:
    """Takes seconds to import, and vLLM warns meanwhile."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from latticework.engines.vllm import compat
    return compat


def needs(*, of_drafts: bool) -> set[str]:
    """What is needed of vLLM's private parts: all of it, or all that drafts do without."""
    kept = () if of_drafts else compat().DRAFTS.needs
    return {need for patch in compat().PATCHES for need in patch.needs if need not in kept}


@pytest.fixture(scope="module", params=[True, False], ids=["all of it", "all but what drafts need"])
def hidden(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    environ = {
        "LATTICEWORK_API_KEYS": KEY,
        "LATTICEWORK_TEST_HIDDEN": "\n".join(needs(of_drafts=request.param)),
        "PYTHONPATH": os.pathsep.join([str(HIDING), os.environ.get("PYTHONPATH", "")]),
    }
    command = [str(Path(sys.executable).with_name("latticework")), "serve", "--port", "0", "--engine", ENGINE]
    with serving(command, environ, tmp_path_factory.mktemp("hidden") / "log") as server:
        yield server


def missed(server: RunningServer) -> set[str]:
    with server.http() as http:
        return {notice.partition(":")[0] for notice in http.get("/health").json()["models"][MODEL]["degraded"]}


def test_it_serves_the_same_and_lists_what_it_does_without(hidden: RunningServer, client: OpenAI) -> None:
    """`client` is of the server with a vLLM in which all is there."""
    everything = {patch.name for patch in compat().PATCHES}
    notices = missed(hidden)
    with hidden.client() as other:
        answers = [each.chat.completions.create(**ASK).choices[0].message.content for each in (client, other)]
        chunks = other.chat.completions.create(**ASK, stream=True, stream_options={"include_usage": True})
        streamed = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert answers[0] == answers[1] == streamed
    if "grammars" in notices:
        useless = {"drafts", *(patch.name for patch in (*compat().WITH_DRAFTS, *compat().WITH_GRAMMARS))}
        assert notices == everything - useless
    else:
        assert notices == everything - {"drafts", "grammars", compat().TOKENIZER_CHECK.name} | {"guesses"}


def test_what_is_there_is_not_missed(server: RunningServer) -> None:
    assert missed(server) == set()
