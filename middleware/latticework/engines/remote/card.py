"""What a remote says of its models, and what of that is expected of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus

import msgspec
from msgspec import Struct

from latticework.engines.remote.client import Client
from latticework.engines.remote.errors import Refused, Unfit
from latticework.engines.tokenizer import ModelTokenizer

# Seconds.
ANSWERS = 10.0

UNKNOWN = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
NO_KEY = "it does not take this key, or wants one: set LATTICEWORK_ENGINE_API_KEY to what its --api-key says"


class Card(Struct):
    """One of `/v1/models`: `root` is where its files are, for the remote, and `parent` what it adapts."""

    id: str
    root: str | None = None
    parent: str | None = None
    max_model_len: int | None = None


class _Cards(Struct):
    data: Sequence[Card]


@dataclass(frozen=True)
class Expected:
    """What every remote of an engine must have: the model by these names, this tokenizer, and as long a context."""

    names: tuple[str, ...]
    tokenizer: ModelTokenizer
    max_model_len: int = 1


async def cards(client: Client) -> Sequence[Card]:
    """Raises RemoteError, and Unfit where it is no vLLM."""
    try:
        found = msgspec.json.decode(await client.get("/v1/models", ANSWERS), type=_Cards).data
    except msgspec.DecodeError as error:
        raise Unfit(f"its /v1/models are not vLLM's: {error}") from error
    except Refused as error:
        if error.elsewhere:
            raise
        raise Unfit(NO_KEY if error.status in UNKNOWN else f"it has no /v1/models, as vLLM has ({error})") from error
    if not own(found):
        raise Unfit("it serves no model")
    return found


def own(cards: Sequence[Card]) -> Sequence[Card]:
    """The model's own names, without what adapts it."""
    return [card for card in cards if card.parent is None]


def length(cards: Sequence[Card], expected: Expected) -> int:
    """The context, in tokens. Raises Unfit for one that is too short, and where a name is missing."""
    lengths = {card.id: card.max_model_len for card in cards}
    for name in expected.names:
        if name not in lengths:
            known = ", ".join(lengths) or "none at all"
            raise Unfit(f"it does not serve '{name}', but {known}. Start it with --served-model-name {name}")
    # What adapts a model has its length.
    found = lengths[expected.names[0]] or next((card.max_model_len for card in own(cards)), None)
    if found is None:
        raise Unfit("its /v1/models do not tell max_model_len, as vLLM's do")
    if found < expected.max_model_len:
        raise Unfit(
            f"its max_model_len is {found}, and {expected.max_model_len} is what this server has told its clients. "
            f"Start it with --max-model-len {expected.max_model_len}"
        )
    return found
