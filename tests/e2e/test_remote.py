"""latticework in front of a real `vllm serve`: by its command line, and as an app; over both ways to ask for tokens.

One engine in all: the layer in front is started in seconds.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from openai import OpenAI

from benchmarks.servers import Server, running, vllm
from benchmarks.targets import embedded_target
from latticework import Settings, create_app
from latticework.engines.checkpoint import load_tokenizer
from latticework.engines.remote import RemoteEngine, probe
from latticework.engines.remote.endpoints import COMPLETIONS, GENERATE
from tests.e2e.conftest import KEY, MODEL, serving
from tests.e2e.test_tools import ANSWER, ASK, check_calls
from tests.remote import byte_tokenizer
from tests.serving import served

REMOTE_KEY = "a-key-of-the-remote"
FLAGS = (
    *("--structured-outputs-config.backend", "guidance"),
    *("--enable-scale-out", "--api-key", REMOTE_KEY),
    # A seeded request whose prefill is cut would kill vLLM's CPU engine.
    *("--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"),
)
TELL: dict[str, Any] = {"model": MODEL, "messages": [{"role": "user", "content": "Where is Oslo, and what is it? ☃"}]}
AS_ANSWER: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": ANSWER}}
# Seconds until a remote no longer works at an answer that nobody wants: one, and what a machine at work takes besides.
SOON = 5.0


@dataclass(frozen=True)
class Front:
    """Where the layer is served, and where it asks the remote."""

    url: str
    path: str


@pytest.fixture(scope="module")
def remote() -> Iterator[Server]:
    with pytest.MonkeyPatch.context() as patch:
        # Another engine may run beside it, and threads that wait for each other wait for that one, too.
        patch.setenv("VLLM_CPU_OMP_THREADS_BIND", "nobind")
        patch.setenv("OMP_NUM_THREADS", "1")
        with running(embedded_target(), vllm(*FLAGS)) as (server,):
            yield server


@pytest.fixture(scope="module", params=["command line", "app without scale-out"])
def front(request: pytest.FixtureRequest, remote: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Front]:
    if request.param == "command line":
        command = [str(Path(sys.executable).with_name("latticework")), "serve", "--port", "0", "--engine", remote.url]
        environ = {"LATTICEWORK_API_KEYS": KEY, "LATTICEWORK_ENGINE_API_KEY": REMOTE_KEY}
        log = tmp_path_factory.mktemp("front") / "log"
        with serving(command, environ, log) as here:
            yield Front(here.url, GENERATE.path)
        return
    settings = Settings(api_keys=(KEY,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(probe, "_defaults", _not_told)
        engine = RemoteEngine([remote.url], partial(load_tokenizer, stock_matcher=True), key=REMOTE_KEY)
        with served(create_app(engine, settings=settings), settings) as app:
            yield Front("http://{}:{}".format(*app.address), COMPLETIONS.path)


async def _not_told(probed: object) -> None:
    """As a remote that is started without --enable-scale-out."""


@pytest.fixture(scope="module")
def client(front: Front) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{front.url}/v1", api_key=KEY, max_retries=0, timeout=300) as client:
        yield client


def at_work(remote: Server) -> int:
    told = httpx.get(f"{remote.url}/metrics", timeout=60).text
    counts = re.findall(r"^vllm:num_requests_(?:running|waiting)\{[^}]*\} (\S+)$", told, re.MULTILINE)
    assert len(counts) >= 2
    return int(sum(map(float, counts)))


def test_free_text_with_log_probabilities(client: OpenAI) -> None:
    answer = client.chat.completions.create(**TELL, max_tokens=12, temperature=0, logprobs=True, top_logprobs=3)
    choice = answer.choices[0]
    assert choice.logprobs is not None and choice.logprobs.content is not None
    told = choice.logprobs.content
    assert len(told) == (answer.usage and answer.usage.completion_tokens) == 12
    assert "".join(one.token for one in told) == choice.message.content
    for one in told:
        assert len(one.top_logprobs) == 3
        assert (one.top_logprobs[0].token, one.top_logprobs[0].logprob) == (one.token, one.logprob)
        assert one.top_logprobs[0].logprob >= one.top_logprobs[1].logprob >= one.top_logprobs[2].logprob


def test_a_stream_is_the_whole_answer_and_a_seed_repeats(client: OpenAI) -> None:
    fields: dict[str, Any] = {**TELL, "max_tokens": 25, "temperature": 1, "seed": 7}
    whole = client.chat.completions.create(**fields).choices[0].message.content
    chunks = list(client.chat.completions.create(**fields, stream=True))
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(texts) == whole
    assert len([text for text in texts if text]) > 5


def test_an_answer_fits_its_schema(client: OpenAI) -> None:
    answer = client.chat.completions.create(**TELL, max_tokens=100, temperature=1, seed=3, response_format=AS_ANSWER)
    assert answer.choices[0].finish_reason == "stop"
    Draft202012Validator(ANSWER).validate(json.loads(answer.choices[0].message.content or ""))


def test_a_tool_is_called(client: OpenAI) -> None:
    one: dict[str, Any] = {**ASK, "max_tokens": 100, "parallel_tool_calls": False, "tool_choice": "required"}
    choice = client.chat.completions.create(**one, temperature=0).choices[0]
    assert choice.finish_reason == "tool_calls"
    assert check_calls(choice)


def test_the_remote_is_asked_in_the_way_that_it_offers(client: OpenAI, front: Front, remote: Server) -> None:
    client.chat.completions.create(**TELL, max_tokens=1)
    *_, last = re.findall(r"POST (\S+) HTTP/1.1. 200", remote.log.read_text())
    assert last == front.path


def test_a_client_that_goes_away_ends_the_work_on_the_remote(client: OpenAI, remote: Server) -> None:
    endless: dict[str, Any] = {**TELL, "max_tokens": 2000, "temperature": 1, "extra_body": {"ignore_eos": True}}
    stream = client.chat.completions.create(**endless, stream=True)
    for _, _ in zip(range(5), stream, strict=False):
        pass
    assert at_work(remote) == 1
    stream.close()
    left = time.monotonic()
    while at_work(remote):
        assert time.monotonic() - left < SOON


def test_more_than_the_remote_gives_is_refused_by_name(client: OpenAI, front: Front) -> None:
    """vLLM gives 20 unless told otherwise; over its endpoint for tokens, one less is all that can be relied on."""
    body = {**TELL, "max_tokens": 1, "logprobs": True, "top_logprobs": 20}
    response = httpx.post(
        f"{front.url}/v1/chat/completions", json=body, headers={"authorization": f"Bearer {KEY}"}, timeout=60
    )
    if response.status_code == 200:
        assert len(response.json()["choices"][0]["logprobs"]["content"][0]["top_logprobs"]) == 20
    else:
        assert (response.status_code, response.json()["error"]["param"]) == (400, "top_logprobs")
        assert "at most 19" in response.json()["error"]["message"]


@pytest.mark.parametrize(("key", "told"), [("wrong", "LATTICEWORK_ENGINE_API_KEY"), (REMOTE_KEY, "tokenizer")])
def test_a_remote_that_would_break_answers_ends_the_start(remote: Server, tmp_path: Path, key: str, told: str) -> None:
    byte_tokenizer()._tokenizer.save_pretrained(tmp_path)
    command = [str(Path(sys.executable).with_name("latticework")), "serve", "--port", "0", "--engine", remote.url]
    environ = {**os.environ, "LATTICEWORK_ENGINE_API_KEY": key}
    ended = subprocess.run(
        [*command, "--tokenizer", str(tmp_path)], env=environ, capture_output=True, text=True, timeout=120
    )
    assert ended.returncode == 1
    assert told in ended.stderr
