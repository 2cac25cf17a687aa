"""A remote's /v1/models, and what is required of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from msgspec import Struct

from latticework.engines.remote.client import Client
from latticework.engines.remote.errors import Incompatible, RemoteRefused
from latticework.engines.tokenizer import ModelTokenizer

# Seconds that a response to a short request may take.
RESPONSE_TIMEOUT = 10.0

UNAUTHORIZED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
NO_KEY = "it refuses this key, or requires one: set LATTICEWORK_ENGINE_API_KEY to its --api-key"


class Card(Struct):
    """A model in `/v1/models`: `root` is where the remote has its files, `parent` the model that it adapts."""

    id: str
    root: str | None = None
    parent: str | None = None
    max_model_len: int | None = None


class _Cards(Struct):
    data: Sequence[Card]


@dataclass(frozen=True)
class Requirements:
    """What every remote of an engine must have: the model under these names, its tokenizer, and this context length."""

    names: tuple[str, ...]
    tokenizer: ModelTokenizer
    max_model_len: int = 1


async def list_cards(client: Client) -> Sequence[Card]:
    """Raises RemoteError, and Incompatible if it is not vLLM."""
    try:
        listed = msgspec.json.decode(await client.get("/v1/models", RESPONSE_TIMEOUT), type=_Cards).data
    except msgspec.DecodeError as error:
        raise Incompatible(f"its /v1/models is not vLLM's: {error}") from error
    except RemoteRefused as error:
        if error.elsewhere:
            raise
        raise Incompatible(NO_KEY if error.status in UNAUTHORIZED else f"it has no /v1/models ({error})") from error
    if not own_cards(listed):
        raise Incompatible("it serves no model")
    return listed


def own_cards(cards: Sequence[Card]) -> Sequence[Card]:
    """The model under its own names, without adapters."""
    return [card for card in cards if card.parent is None]


def context_length(cards: Sequence[Card], required: Requirements) -> int:
    """In tokens. Raises Incompatible if it is too short, or a name is missing."""
    lengths = {card.id: card.max_model_len for card in cards}
    for name in required.names:
        if name not in lengths:
            known = ", ".join(lengths) or "no model"
            raise Incompatible(f"it does not serve '{name}', but {known}. Start it with --served-model-name {name}")
    # An adapter has the length of its model.
    length = lengths[required.names[0]] or next((card.max_model_len for card in own_cards(cards)), None)
    if length is None:
        raise Incompatible("its /v1/models has no max_model_len, which vLLM's has")
    if length < required.max_model_len:
        raise Incompatible(
            f"its max_model_len is {length}, less than the {required.max_model_len} that this server has announced. "
            f"Start it with --max-model-len {required.max_model_len}"
        )
    return length
