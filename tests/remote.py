"""A remote that says what `vllm serve` says, and goes wrong on demand: faults that a real one can't be made to show."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, MutableSequence, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from aiohttp import web
from llguidance import LLMatcher

from latticework.engines.huggingface import HuggingFaceTokenizer
from tests.scripted import CHATML

END, START = "<|im_end|>", "<|im_start|>"
# Bytes that a writer puts first where its grammar lets it.
PREFERRED = tuple(b"abcdefghijklmnopqrstuvwxyz0123456789 ")


@cache
def byte_tokenizer(extra: tuple[str, ...] = ()) -> HuggingFaceTokenizer:
    """One token a byte and some special ones, in the order of the alphabet of byte-level tokenizers."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    backend = Tokenizer(models.BPE({letter: place for place, letter in enumerate([*extra, *alphabet])}, []))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=END, additional_special_tokens=[START], chat_template=CHATML
    )
    return HuggingFaceTokenizer(wrapped, len(wrapped))


@dataclass
class Fake:
    """How it is set up, what goes wrong, and what it has seen.

    Attributes:
        refuses: the status that answers are refused with.
        fails: the status of an error that comes where the first token should.
        cuts: after so many events, the connection is cut.
        garbles: whether what it sends is no JSON.
        hold: before the second event of each answer it waits for this.
        slow: whether its health is never told.
        transfer: what its connector says of each prompt, which streams don't have.
        bodies: what was asked of its two ways to generate, by path, without what a probe asked.
        connections: how many there have been.
        open: answers that it is at.
        closed: set whenever one of them ends, however.
    """

    name: str = "m"
    root: str = "/files/of/m"
    max_model_len: int = 4096
    tokenizer: HuggingFaceTokenizer = field(default_factory=byte_tokenizer)
    backend: Literal["guidance", "xgrammar", "auto"] = "guidance"
    scale_out: bool = True
    has_tokenize: bool = True
    reasoning_parser: bool = False
    tokens_only: bool = False
    max_logprobs: int = 20
    defaults: Mapping[str, Any] = field(default_factory=dict)
    key: str | None = None
    text: str = "hello there"
    event_tokens: int = 4
    health: int = 200
    elsewhere: int = 0
    refuses: int | None = None
    fails: int | None = None
    cuts: int | None = None
    garbles: bool = False
    hold: asyncio.Event | None = None
    slow: bool = False
    transfer: Mapping[str, Any] | None = None
    bodies: MutableSequence[tuple[str, dict[str, Any]]] = field(default_factory=list)
    probes: int = 0
    _transports: set[Any] = field(default_factory=set, repr=False)
    open: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def connections(self) -> int:
        return len(self._transports)

    def cut(self) -> None:
        """All connections, at once."""
        for transport in self._transports:
            transport.abort()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.get("/v1/models", self._models),
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
                web.post("/tokenize", self._tokenize),
                web.post("/v1/completions/render", self._render),
                web.post("/v1/completions", self._completions),
                web.post("/inference/v1/generate", self._generate),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        self._transports.add(request.transport)
        guarded = request.path.startswith(("/v1", "/inference"))
        if self.key and guarded and request.headers.get("authorization") != f"Bearer {self.key}":
            return web.json_response({"error": "Unauthorized"}, status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _models(self, request: web.Request) -> web.Response:
        card = {"id": self.name, "object": "model", "root": self.root, "parent": None}
        adapter = {"id": "adapter", "root": "/files/of/adapter", "parent": self.name, "max_model_len": None}
        return web.json_response({"object": "list", "data": [{**card, "max_model_len": self.max_model_len}, adapter]})

    async def _health(self, request: web.Request) -> web.Response:
        if self.slow:
            await asyncio.Event().wait()
        return web.Response(status=self.health)

    async def _metrics(self, request: web.Request) -> web.Response:
        return web.Response(
            text=f"""# HELP vllm:num_requests_running Number of requests in model execution batches.
vllm:num_requests_running{{engine="0",model_name="m"}} {self.open + self.elsewhere}.0
vllm:num_requests_waiting{{engine="0",model_name="m"}} 0.0
vllm:num_requests_waiting_by_reason{{engine="0",model_name="m",reason="capacity"}} 7.0
"""
        )

    async def _tokenize(self, request: web.Request) -> web.Response:
        if not self.has_tokenize:
            return web.json_response({"detail": "Not Found"}, status=404)
        return web.json_response({"tokens": self.tokenizer.encode((await request.json())["prompt"])})

    async def _render(self, request: web.Request) -> web.Response:
        if not self.scale_out:
            return error(403, "Scale-out endpoints are disabled.")
        return web.json_response([{"token_ids": [1], "sampling_params": {"max_tokens": 1, **self.defaults}}])

    async def _generate(self, request: web.Request) -> web.StreamResponse:
        if not self.scale_out:
            return error(403, "Scale-out endpoints are disabled.")
        body = await request.json()
        return await self._answer(
            request, body, body["sampling_params"], body.get("reasoning_ended", False), tokens_event
        )

    async def _completions(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        return await self._answer(request, body, body, False, completions_event)

    async def _answer(
        self,
        request: web.Request,
        body: dict[str, Any],
        params: Mapping[str, Any],
        reasoning_ended: bool,
        event: Callable[..., dict[str, Any]],
    ) -> web.StreamResponse:
        whole = bool(body.get("kv_transfer_params")) and not body["stream"]
        probing = body.get("request_id") == "latticework-probe" or not (body.get("stream") or whole)
        if probing:
            self.probes += 1
        else:
            self.bodies.append((request.path, body))
        said = None if probing else self.refuses
        if said is not None:
            return error(said, "no")
        if refused := self._refused(params):
            return error(400, refused)
        if whole:
            ids, finish = self._written(params, reasoning_ended)
            return web.json_response({**event(ids, finish, None), "kv_transfer_params": self.transfer})
        self.open += 1
        try:
            return await self._stream(request, params, reasoning_ended, event, probing)
        finally:
            self.open -= 1
            self.closed.set()

    def _refused(self, params: Mapping[str, Any]) -> str | None:
        if (params.get("logprobs") or 0) > self.max_logprobs:
            return f"Requested sample logprobs of {params['logprobs']}, which is greater than max allowed."
        asked = params.get("structured_outputs")
        if asked is None:
            return None
        if self.tokens_only:
            return "Structured outputs requires a tokenizer so it can't be used with 'skip_tokenizer_init'"
        if "json" in asked:
            return "Grammar error: it can't be resolved" if self.backend == "guidance" else None
        return "Lark error: terminal intersection '&' is not supported" if self.backend == "xgrammar" else None

    async def _stream(
        self,
        request: web.Request,
        params: Mapping[str, Any],
        reasoning_ended: bool,
        event: Callable[..., dict[str, Any]],
        probing: bool,
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"content-type": "text/event-stream"})
        await response.prepare(request)
        ids, finish = self._written(params, reasoning_ended)
        groups = [ids[place : place + self.event_tokens] for place in range(0, len(ids), self.event_tokens)]
        for place, group in enumerate(groups):
            if not probing and await self._goes_wrong(request, response, place):
                return response
            last = place == len(groups) - 1
            data = event(group, finish if last else None, params.get("logprobs"))
            await response.write(b"data: %b\n\n" % json.dumps(data).encode())
        await response.write(b": a comment\n\ndata: [DONE]\n\n")
        return response

    async def _goes_wrong(self, request: web.Request, response: web.StreamResponse, place: int) -> bool:
        if self.fails is not None:
            told = {"error": {"message": "it failed", "type": "InternalServerError", "code": self.fails}}
            await response.write(b"data: %b\n\ndata: [DONE]\n\n" % json.dumps(told).encode())
            return True
        if self.garbles:
            await response.write(b"data: {nothing\n\n")
        if place == self.cuts:
            assert request.transport is not None
            request.transport.abort()
            return True
        if place == 1 and self.hold is not None:
            await self.hold.wait()
        return False

    def _written(self, params: Mapping[str, Any], reasoning_ended: bool) -> tuple[list[int], str]:
        most = params["max_tokens"]
        grammar = (params.get("structured_outputs") or {}).get("grammar")
        if grammar is None or (self.reasoning_parser and not reasoning_ended):
            ids = self.tokenizer.encode(self.text + END)
        else:
            ids = self._held(grammar, most)
        return (ids, "stop") if len(ids) <= most else (ids[:most], "length")

    def _held(self, grammar: str, most: int) -> list[int]:
        matcher = LLMatcher(self.tokenizer.vocabulary.matchable, grammar)
        ends = self.tokenizer.vocabulary.eos
        assert ends is not None
        preferred = [self.tokenizer.encode(chr(letter))[0] for letter in PREFERRED]
        ids: list[int] = []
        while len(ids) < most and not matcher.is_stopped():
            mask = matcher.compute_bitmask()
            allowed = (
                one
                for one in (ends, *preferred, *range(self.tokenizer.vocabulary_size))
                if mask[one // 8] >> one % 8 & 1
            )
            token_id = next(allowed)
            matcher.consume_token(token_id)
            ids.append(token_id)
        return ids if ids[-1:] == [ends] else [*ids, ends]


def error(status: int, message: str) -> web.Response:
    told = {"message": message, "type": "BadRequestError", "param": None, "code": status}
    return web.json_response({"error": told}, status=status)


def tokens_event(ids: Sequence[int], finish: str | None, logprobs: int | None) -> dict[str, Any]:
    """As /inference/v1/generate has it: of so many likeliest tokens, the sampled one is the first."""
    choice: dict[str, Any] = {"index": 0, "token_ids": list(ids), "finish_reason": finish, "logprobs": None}
    if logprobs is not None:
        choice["logprobs"] = {"content": [_position(token_id, logprobs) for token_id in ids]}
    return {"request_id": "r", "output_mode": "tokens", "choices": [choice]}


def _position(token_id: int, logprobs: int) -> dict[str, Any]:
    likelier = [{"token_id": other, "logprob": -0.1 * (other + 1), "rank": other + 1} for other in range(logprobs)]
    sampled = {"token_id": token_id, "logprob": -9.0, "rank": 90}
    return {**sampled, "top_logprobs": [sampled, *likelier][: max(logprobs, 1)]}


def completions_event(ids: Sequence[int], finish: str | None, logprobs: int | None) -> dict[str, Any]:
    """As /v1/completions has it."""
    choice: dict[str, Any] = {
        "index": 0,
        "text": "?",
        "finish_reason": finish,
        "token_ids": list(ids),
        "logprobs": None,
    }
    if logprobs is not None:
        top = [{f"token_id:{other}": -0.1 * (other + 1) for other in range(logprobs)} for _ in ids]
        choice["logprobs"] = {
            "text_offset": [0] * len(ids),
            "tokens": [f"token_id:{token_id}" for token_id in ids],
            "token_logprobs": [-9.0] * len(ids),
            "top_logprobs": [{f"token_id:{ids[place]}": -9.0, **one} for place, one in enumerate(top)],
        }
    return {"id": "cmpl-r", "object": "text_completion", "choices": [choice]}


class Running:
    """Where a fake is served; it can be taken away and brought back."""

    def __init__(self, fake: Fake, runner: web.AppRunner, port: int = 0) -> None:
        self.fake = fake
        self._runner = runner
        self._site = web.TCPSite(runner, "127.0.0.1", port, reuse_address=True)
        self.port = port

    async def up(self) -> None:
        self._site = web.TCPSite(self._runner, "127.0.0.1", self.port, reuse_address=True)
        await self._site.start()
        self.port = self._runner.addresses[0][1]

    async def down(self) -> None:
        await self._site.stop()
        self.fake.cut()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def running(fake: Fake) -> AsyncIterator[Running]:
    runner = web.AppRunner(fake.app(), handler_cancellation=True, shutdown_timeout=0)
    await runner.setup()
    here = Running(fake, runner)
    await here.up()
    try:
        yield here
    finally:
        await runner.cleanup()
