"""Whether a remote is what it must be, before any request goes there: it is asked, not believed.

An answer is held to its grammar by the remote alone. So it is asked for one whose grammar only llguidance reads, that
must hold from the first token on, and that spells a known text: the ids it comes in must spell the same here.
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
from latticework.engines.remote import card
from latticework.engines.remote.card import ANSWERS, Expected
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import COMPLETIONS, GENERATE, Asked, Endpoint, Output
from latticework.engines.remote.errors import BUSY, CLIENTS, Late, Refused, Unfit
from latticework.engines.remote.stream import whole
from latticework.engines.sampling import FROM_MODEL
from latticework.engines.tokenizer import ModelTokenizer

# Seconds for a short answer: a remote may have a queue.
PATIENCE = 120.0
# As many as OpenAI gives.
MOST_LOGPROBS = 20

# A text that tokenizers cut differently; special tokens come behind it.
SAMPLE = 'Zürich, 東京:\n\n {"a": [15]} don\'t '
# Terminals that are intersected and complemented: vLLM's other backends read no such thing.
HELD = 'start: {text} AB %json {{"const": 7}}{special}\nAB: /[ab]{{2}}/ & ~/aa/'
SPELLED = re.compile(r"(ab|ba|bb)7")
# xgrammar takes what it can't resolve for anything, llguidance for a mistake. So `auto`, which asks xgrammar first,
# takes this, and hands it to whichever of the two has had the first request.
UNRESOLVED = {"$ref": "https://unresolved.invalid/schema"}

GUIDANCE = "Start it with --structured-outputs-config.backend guidance"
NOT_GUIDANCE = f"its grammar backend does not take llguidance's grammars ({{}}). {GUIDANCE}"
AUTO = f"its grammar backend is 'auto', which hands a grammar to whichever backend had the first request. {GUIDANCE}"
NO_TOKENIZER = (
    "it has no tokenizer, and without one vLLM holds no answer to a grammar ({}). "
    "Start it with --enable-scale-out instead of --tokens-only"
)
LATE_START = (
    "it does not hold answers to their grammar from the first token on, as with a --reasoning-parser. Start it without "
    "one: thoughts are part of the grammar here. Or with --enable-scale-out, where it can be told"
)
OTHER_TOKENIZER = (
    "its tokenizer is not the one of this server. Name the remote's with --tokenizer PATH_OR_ID, or start it with the "
    "model that belongs to this one"
)


@dataclass(frozen=True)
class Found:
    """What a remote is: how it is asked, the context in tokens, how many likeliest tokens it gives for each position,
    and its model's own sampling parameters, where they must be sent along."""

    endpoint: Endpoint
    max_model_len: int
    most_logprobs: int
    defaults: Mapping[str, Any]


async def probe(client: Client, expected: Expected) -> Found:
    """Takes a few short answers' time. Raises Unfit, and RemoteError where it can't be known."""
    length = card.length(await card.cards(client), expected)
    try:
        async with asyncio.timeout(PATIENCE):
            return await _found(_Probed(client, expected), length)
    except TimeoutError as error:
        raise Late(f"it took more than {PATIENCE:g} s for some short answers") from error
    except (msgspec.DecodeError, ValueError) as error:
        raise Unfit(f"it says what vLLM does not: {error}") from error


@dataclass(frozen=True)
class _Probed:
    """A remote, and what is expected of it."""

    client: Client
    expected: Expected

    @property
    def name(self) -> str:
        return self.expected.names[0]

    @property
    def tokenizer(self) -> ModelTokenizer:
        return self.expected.tokenizer


async def _found(probed: _Probed, length: int) -> Found:
    same = await _refuse_other_tokenizer(probed)
    defaults = await _defaults(probed)
    endpoint = COMPLETIONS if defaults is None else GENERATE
    await _refuse_other_backend(probed, endpoint, LATE_START if same else f"{LATE_START}. Or {OTHER_TOKENIZER}")
    await _refuse_auto(probed)
    return Found(endpoint, length, await _most_logprobs(probed, endpoint), defaults or {})


async def _refuse_other_tokenizer(probed: _Probed) -> bool:
    """Whether it could be compared. A remote may have no /tokenize: then a text that a grammar spells must tell."""
    text = SAMPLE + "".join(probed.tokenizer.special_tokens)
    body = {"model": probed.name, "prompt": text, "add_special_tokens": False}
    try:
        answer = msgspec.json.decode(await probed.client.post("/tokenize", body, ANSWERS), type=dict[str, Any])
    except Refused as error:
        if error.status in BUSY:
            raise
        return False
    if answer.get("tokens") != probed.tokenizer.encode(text):
        raise Unfit(OTHER_TOKENIZER)
    return True


async def _defaults(probed: _Probed) -> Mapping[str, Any] | None:
    """The model's own sampling parameters, as the remote has them. None where it has no scale-out endpoints."""
    body = {"model": probed.name, "prompt": _prompt(probed), "max_tokens": 1}
    try:
        answer = await probed.client.post("/v1/completions/render", body, ANSWERS)
    except Refused as error:
        if error.elsewhere:
            raise
        return None
    (rendered,) = msgspec.json.decode(answer, type=list[dict[str, Any]])
    told = rendered.get("sampling_params") or {}
    return {name: told[name] for name in (*FROM_MODEL, "stop_token_ids") if told.get(name) is not None}


def held(special: int | None) -> str:
    """The grammar, whose answers end with that token."""
    text = msgspec.json.encode(SAMPLE).decode()
    return HELD.format(text=text, special="" if special is None else f" <[{special}]>")


async def _refuse_other_backend(probed: _Probed, endpoint: Endpoint, unheld: str) -> None:
    special = _special(probed.tokenizer)
    room = len(SAMPLE.encode()) + 8
    try:
        output = await _short(probed, endpoint, Sampling(room, held(special), temperature=0))
    except Refused as error:
        if error.status not in CLIENTS:
            raise
        raise Unfit((NO_TOKENIZER if "tokenizer" in error.said else NOT_GUIDANCE).format(error.said)) from error
    if output.finish_reason not in ("stop", "length"):
        raise Unfit(NOT_GUIDANCE.format(f"it ended with '{output.finish_reason}'"))
    if not _is_held(probed.tokenizer, output, special):
        raise Unfit(unheld)


def _is_held(tokenizer: ModelTokenizer, output: Output, special: int | None) -> bool:
    ids = [token_id for token_id in output.token_ids if token_id < len(tokenizer.token_bytes)]
    if special is not None:
        if special not in ids:
            return False
        ids = ids[: ids.index(special)]
    elif output.finish_reason == "stop":
        ids = ids[:-1]
    text = b"".join(tokenizer.token_bytes[token_id] for token_id in ids).decode(errors="replace")
    return text.startswith(SAMPLE) and SPELLED.fullmatch(text.removeprefix(SAMPLE)) is not None


def _special(tokenizer: ModelTokenizer) -> int | None:
    """One that ends no answer."""
    eos = tokenizer.vocabulary.eos
    return next((token_id for token_id in tokenizer.special_tokens.values() if token_id != eos), None)


async def _refuse_auto(probed: _Probed) -> None:
    body = {
        "model": probed.name,
        "prompt": _prompt(probed),
        "max_tokens": 1,
        "structured_outputs": {"json": UNRESOLVED},
    }
    try:
        await probed.client.post(COMPLETIONS.path, body, PATIENCE)
    except Refused as error:
        if error.status in CLIENTS:
            return
        if error.status != HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
    raise Unfit(AUTO)


async def _most_logprobs(probed: _Probed, endpoint: Endpoint) -> int:
    """vLLM tells it in no other way than by refusing more, which costs it nothing. Only streams would log a fault."""
    for most in range(MOST_LOGPROBS, 0, -1):
        body = {**endpoint.body(_asked(probed, Sampling(1, temperature=0, logprobs=most))), "stream": False}
        try:
            await probed.client.post(endpoint.path, body, PATIENCE)
        except Refused as error:
            if error.status not in CLIENTS:
                raise
        else:
            return most
    return 0


async def _short(probed: _Probed, endpoint: Endpoint, sampling: Sampling) -> Output:
    return await whole(probed.client, endpoint, _asked(probed, sampling))


def _asked(probed: _Probed, sampling: Sampling) -> Asked:
    return Asked(probed.name, _prompt(probed), sampling, "latticework-probe")


def _prompt(probed: _Probed) -> Sequence[int]:
    """In the midst of thoughts, for most of those who know of any: what holds there holds everywhere."""
    return probed.tokenizer.encode("Hello<think>")
