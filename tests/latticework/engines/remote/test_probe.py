"""Remotes that must not be used as they are, each with what it is to be started with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from aiohttp import web

from latticework.engines.remote.card import Requirements
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import COMPLETIONS, GENERATE
from latticework.engines.remote.errors import Incompatible
from latticework.engines.remote.probe import RemoteInfo, probe
from tests.remote import Fake, byte_tokenizer, running

Result = TypeVar("Result")


async def opened(address: str, key: str | None, use: Callable[[Client], Awaitable[Result]]) -> Result:
    client = Client(address, key)
    await client.open()
    try:
        return await use(client)
    finally:
        await client.close()


def found(fake: Fake, key: str | None = None, least: int = 1) -> RemoteInfo:
    expected = Requirements(("m",), byte_tokenizer(), least)

    async def once() -> RemoteInfo:
        async with running(fake) as here:
            return await opened(here.address, key, lambda client: probe(client, expected))

    return asyncio.run(once())


def test_a_remote_with_scale_out_is_asked_for_tokens_alone() -> None:
    fake = Fake(max_model_len=2048, defaults={"temperature": 0.7, "n": 1, "stop_token_ids": [3]})
    assert found(fake) == RemoteInfo(GENERATE, 2048, 19, {"temperature": 0.7, "stop_token_ids": [3]})


def test_a_remote_without_is_asked_for_completions() -> None:
    assert found(Fake(scale_out=False)) == RemoteInfo(COMPLETIONS, 4096, 20, {})


def test_how_many_logprobs_it_gives_is_found_out() -> None:
    assert [found(Fake(max_logprobs=most)).most_logprobs for most in (0, 1, 5, 21)] == [0, 0, 4, 20]
    assert found(Fake(scale_out=False, max_logprobs=5)).most_logprobs == 5


def test_a_remote_that_needs_a_key_gets_it() -> None:
    assert found(Fake(key="secret"), "secret").endpoint is GENERATE
    for wrong in (None, "other"):
        with pytest.raises(Incompatible, match="LATTICEWORK_ENGINE_API_KEY"):
            found(Fake(key="secret"), wrong)


def test_a_reasoning_parser_does_no_harm_where_it_can_be_told() -> None:
    assert found(Fake(reasoning_parser=True)).endpoint is GENERATE


BACKEND = r"--structured-outputs-config\.backend guidance"
UNFIT = [
    (Fake(backend="xgrammar"), BACKEND),
    (Fake(backend="xgrammar", scale_out=False), BACKEND),
    (Fake(backend="auto"), f"'auto'.*{BACKEND}"),
    (Fake(reasoning_parser=True, scale_out=False), "--reasoning-parser.*--enable-scale-out"),
    (Fake(tokens_only=True), "--enable-scale-out instead of --tokens-only"),
    (Fake(name="other"), "does not serve 'm', but other, adapter.*--served-model-name m"),
    (Fake(tokenizer=byte_tokenizer(("<|extra|>",))), "--tokenizer PATH_OR_ID"),
    (Fake(tokenizer=byte_tokenizer(("<|extra|>",)), has_tokenize=False), "--tokenizer PATH_OR_ID"),
]


@pytest.mark.parametrize(("fake", "told"), UNFIT)
def test_what_would_break_an_answer_is_refused(fake: Fake, told: str) -> None:
    with pytest.raises(Incompatible, match=told):
        found(fake)


class NoVllm(Fake):
    async def _render(self, request: web.Request) -> web.Response:
        return web.json_response([])


class NothingLikeIt(Fake):
    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"models": ["m"]})


@pytest.mark.parametrize("kind", [NoVllm, NothingLikeIt])
def test_what_is_no_vllm_is_refused(kind: type[Fake]) -> None:
    with pytest.raises(Incompatible, match=r"that vLLM does not send|not vLLM.s"):
        found(kind())


def test_a_context_that_is_shorter_than_told_is_refused() -> None:
    assert found(Fake(max_model_len=4096), least=4096).max_model_len == 4096
    with pytest.raises(Incompatible, match="--max-model-len 4096"):
        found(Fake(max_model_len=2048), least=4096)


def test_the_tokenizer_is_known_by_what_it_spells_where_there_is_no_tokenize() -> None:
    assert found(Fake(has_tokenize=False)).endpoint is GENERATE
