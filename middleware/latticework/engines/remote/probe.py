"""Tests whether a remote is suitable, before any request goes there.

The remote alone enforces an answer's grammar. So the probe requests an answer with a grammar that only llguidance
parses, which applies from the first token on, and forces a known text: the token ids must decode to that text here.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import msgspec

from latticework.engines.base import Sampling
from latticework.engines.remote.card import RESPONSE_TIMEOUT, Requirements, context_length, list_cards
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import COMPLETIONS, GENERATE, Endpoint, RemoteOutput, RemoteRequest
from latticework.engines.remote.errors import BAD_REQUESTS, BUSY, Incompatible, RemoteRefused, RemoteTimedOut
from latticework.engines.remote.stream import whole_answer
from latticework.engines.sampling import FROM_MODEL
from latticework.engines.tokenizer import ModelTokenizer

# Seconds for a short answer: a remote may have a queue.
ANSWER_TIMEOUT = 120.0
# As many as OpenAI's.
MOST_LOGPROBS = 20

# A text that tokenizers split differently; special tokens follow it.
SAMPLE = 'Zürich, 東京:\n\n {"a": [15]} don\'t '
# With intersected and complemented terminals, which vLLM's other backends can't parse.
PROBE_GRAMMAR = 'start: {text} AB %json {{"const": 7}}{special}\nAB: /[ab]{{2}}/ & ~/aa/'
PROBE_ENDING = re.compile(r"(ab|ba|bb)7")
# xgrammar lets a reference that it can't resolve be anything, llguidance refuses it. So `auto`, which tries xgrammar
# first, accepts this, and passes it to whichever backend had the first request.
UNRESOLVED = {"$ref": "https://unresolved.invalid/schema"}

GUIDANCE = "Start it with --structured-outputs-config.backend guidance"
NOT_GUIDANCE = f"its grammar backend does not support llguidance's grammars ({{}}). {GUIDANCE}"
AUTO = f"its grammar backend is 'auto', which passes grammars to whichever backend had the first request. {GUIDANCE}"
NO_TOKENIZER = (
    "it has no tokenizer, and without one vLLM enforces no grammar ({}). "
    "Start it with --enable-scale-out instead of --tokens-only"
)
LATE_START = (
    "it does not enforce grammars from the first token on, as with a --reasoning-parser. Start it without that option: "
    "reasoning is part of the grammar here. Or start it with --enable-scale-out, which lets requests override it"
)
OTHER_TOKENIZER = (
    "its tokenizer differs from this server's. Name the remote's with --tokenizer PATH_OR_ID, or start it with the "
    "model of this server's tokenizer"
)


@dataclass(frozen=True)
class RemoteInfo:
    """A suitable remote: its endpoint, its context in tokens, the most likeliest tokens that it returns for each
    position, and its model's sampling parameters, if requests must contain them."""

    endpoint: Endpoint
    max_model_len: int
    most_logprobs: int
    defaults: Mapping[str, Any]


async def probe(client: Client, required: Requirements) -> RemoteInfo:
    """Takes the time of a few short answers. Raises Incompatible, and RemoteError if the test can't be done."""
    length = context_length(await list_cards(client), required)
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await _remote_info(_Probed(client, required), length)
    except TimeoutError as error:
        raise RemoteTimedOut(f"it took more than {ANSWER_TIMEOUT:g} s for a few short answers") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Incompatible(f"it sent a response that vLLM does not send: {error}") from error


@dataclass(frozen=True)
class _Probed:
    """A remote, and what is required of it."""

    client: Client
    required: Requirements

    @property
    def name(self) -> str:
        return self.required.names[0]

    @property
    def tokenizer(self) -> ModelTokenizer:
        return self.required.tokenizer


async def _remote_info(probed: _Probed, length: int) -> RemoteInfo:
    compared = await _refuse_other_tokenizer(probed)
    defaults = await _defaults(probed)
    endpoint = COMPLETIONS if defaults is None else GENERATE
    await _refuse_other_backend(probed, endpoint, LATE_START if compared else f"{LATE_START}. Or {OTHER_TOKENIZER}")
    await _refuse_auto(probed)
    return RemoteInfo(endpoint, length, await _most_logprobs(probed, endpoint), defaults or {})


async def _refuse_other_tokenizer(probed: _Probed) -> bool:
    """Whether it could be compared. A remote may have no /tokenize: then the text forced by the grammar shows it."""
    text = SAMPLE + "".join(probed.tokenizer.special_tokens)
    body = {"model": probed.name, "prompt": text, "add_special_tokens": False}
    try:
        answer = msgspec.json.decode(await probed.client.post("/tokenize", body, RESPONSE_TIMEOUT), type=dict[str, Any])
    except RemoteRefused as error:
        if error.status in BUSY:
            raise
        return False
    if answer.get("tokens") != probed.tokenizer.encode(text):
        raise Incompatible(OTHER_TOKENIZER)
    return True


async def _defaults(probed: _Probed) -> Mapping[str, Any] | None:
    """The model's own sampling parameters, as the remote has them. None if it has no scale-out endpoints."""
    body = {"model": probed.name, "prompt": _probe_prompt(probed), "max_tokens": 1}
    try:
        answer = await probed.client.post("/v1/completions/render", body, RESPONSE_TIMEOUT)
    except RemoteRefused as error:
        if error.elsewhere:
            raise
        return None
    (rendered,) = msgspec.json.decode(answer, type=list[dict[str, Any]])
    own = rendered.get("sampling_params") or {}
    return {name: own[name] for name in (*FROM_MODEL, "stop_token_ids") if own.get(name) is not None}


def probe_grammar(special: int | None) -> str:
    """Its answers end with the token of that id."""
    text = msgspec.json.encode(SAMPLE).decode()
    return PROBE_GRAMMAR.format(text=text, special="" if special is None else f" <[{special}]>")


async def _refuse_other_backend(probed: _Probed, endpoint: Endpoint, unenforced: str) -> None:
    special = _probe_token(probed.tokenizer)
    room = len(SAMPLE.encode()) + 8
    try:
        output = await _probe_answer(probed, endpoint, Sampling(room, probe_grammar(special), temperature=0))
    except RemoteRefused as error:
        if error.status not in BAD_REQUESTS:
            raise
        raise Incompatible(
            (NO_TOKENIZER if "tokenizer" in error.message else NOT_GUIDANCE).format(error.message)
        ) from error
    if output.finish_reason not in ("stop", "length"):
        raise Incompatible(NOT_GUIDANCE.format(f"it ended with '{output.finish_reason}'"))
    if not _is_enforced(probed.tokenizer, output, special):
        raise Incompatible(unenforced)


def _is_enforced(tokenizer: ModelTokenizer, output: RemoteOutput, special: int | None) -> bool:
    ids = [token_id for token_id in output.token_ids if token_id < len(tokenizer.token_bytes)]
    if special is not None:
        if special not in ids:
            return False
        ids = ids[: ids.index(special)]
    elif output.finish_reason == "stop":
        ids = ids[:-1]
    text = b"".join(tokenizer.token_bytes[token_id] for token_id in ids).decode(errors="replace")
    return text.startswith(SAMPLE) and PROBE_ENDING.fullmatch(text.removeprefix(SAMPLE)) is not None


def _probe_token(tokenizer: ModelTokenizer) -> int | None:
    """A special token that ends no answer."""
    eos = tokenizer.vocabulary.eos
    return next((token_id for token_id in tokenizer.special_tokens.values() if token_id != eos), None)


async def _refuse_auto(probed: _Probed) -> None:
    body = {
        "model": probed.name,
        "prompt": _probe_prompt(probed),
        "max_tokens": 1,
        "structured_outputs": {"json": UNRESOLVED},
    }
    try:
        await probed.client.post(COMPLETIONS.path, body, ANSWER_TIMEOUT)
    except RemoteRefused as error:
        if error.status in BAD_REQUESTS:
            return
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
    raise Incompatible(AUTO)


async def _most_logprobs(probed: _Probed, endpoint: Endpoint) -> int:
    """vLLM shows its limit only by refusing more, at no cost. Not streamed, since a stream would log an error."""
    for most in range(MOST_LOGPROBS, 0, -1):
        body = {**endpoint.body(_probe_request(probed, Sampling(1, temperature=0, logprobs=most))), "stream": False}
        try:
            await probed.client.post(endpoint.path, body, ANSWER_TIMEOUT)
        except RemoteRefused as error:
            if error.status not in BAD_REQUESTS:
                raise
        else:
            return most
    return 0


async def _probe_answer(probed: _Probed, endpoint: Endpoint, sampling: Sampling) -> RemoteOutput:
    return await whole_answer(probed.client, endpoint, _probe_request(probed, sampling))


def _probe_request(probed: _Probed, sampling: Sampling) -> RemoteRequest:
    return RemoteRequest(probed.name, _probe_prompt(probed), sampling, "latticework-probe")


def _probe_prompt(probed: _Probed) -> Sequence[int]:
    """Within reasoning, for most models that reason: a grammar that applies there applies everywhere."""
    return probed.tokenizer.encode("Hello<think>")
