"""`vllm serve` on other machines, one or several that serve the same model, as a single engine.

Prompts go there as token ids and answers come back as token ids. Their text, and all that is parsed from it, is made
here, as for an engine of this machine. The remotes enforce grammars.
"""

from __future__ import annotations

import asyncio
import logging
from array import array
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from types import MappingProxyType

from latticework.engines.base import EngineDead, EngineError, Piece, PromptRefused, Sampling
from latticework.engines.pieces import VllmPieces
from latticework.engines.remote.card import Card, Requirements, list_cards, own_cards
from latticework.engines.remote.client import Client
from latticework.engines.remote.endpoints import RemoteRequest
from latticework.engines.remote.errors import Incompatible, RemoteError, as_engine_error
from latticework.engines.remote.probe import MOST_LOGPROBS
from latticework.engines.remote.remote import CHECK_INTERVAL, Remote, RemoteAnswer, RemoteMetrics, keep_checking
from latticework.engines.sampling import unsupported
from latticework.engines.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

# Answers that a remote generates at once, by vLLM's default: a remote's --max-num-seqs can't be read.
RUNNING = 256
# The most remotes on which an answer is begun.
MOST_TRIES = 2

# Tokens of a prompt's beginning: system prompts differ within them, and shorter prompts are read quickly.
BEGINNING = 256
# Prompts go to another remote once the one that knows their beginning has this many more answers than the least loaded
# one, or this share of its load.
SLACK = 4
SHARE = 1 / 4

UNREACHABLE = "The engine can't be reached. It is used again as soon as it can."

Load = Callable[[str], ModelTokenizer]


class RemoteEngine:
    """Nothing is requested of the remotes before `start`. What is known of the model stays while all are down."""

    adapters = None
    recovers = True
    degraded: tuple[str, ...] = ()
    details: Mapping[str, str] = MappingProxyType({})

    def __init__(
        self,
        addresses: Sequence[str],
        load: Load,
        *,
        names: Sequence[str] = (),
        tokenizer: str | None = None,
        key: str | None = None,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        """`load` makes the tokenizer from a path or a name on a hub: `tokenizer`, by default the `root` of the remotes'
        model. `names` are the model's, of which requests to remotes use the first; by default the remotes' own.
        """
        alone = len(addresses) == 1
        clients = [Client(address, key) for address in addresses]
        self._remotes = [Remote(client, number, alone=alone) for number, client in enumerate(clients, 1)]
        self._load = load
        self._names = tuple(names)
        self._source = tokenizer
        self._sleep = sleep
        self._metrics = RemoteMetrics()
        self._requirements: Requirements | None = None
        self._checks: list[asyncio.Task[None]] = []

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Before the start an address, if no name is configured."""
        return self._names or (self._remotes[0].client.address,)

    @property
    def learns_names(self) -> bool:
        return not self._names

    @property
    def max_model_len(self) -> int:
        return self._known.max_model_len

    @property
    def max_running(self) -> int:
        return RUNNING * len(self._remotes)

    @property
    def tokenizer(self) -> ModelTokenizer:
        return self._known.tokenizer

    @property
    def _known(self) -> Requirements:
        if self._requirements is None:
            raise EngineDead("The engine has not been started.")
        return self._requirements

    async def start(self) -> None:
        """Waits for a remote, however long: a large model loads for minutes.

        Raises EngineDead if a remote is up and incompatible.
        """
        for remote in self._remotes:
            await remote.client.open()
        try:
            self._requirements = await self._agreed()
        except BaseException:
            await self.stop()
            raise
        logger.info("Drafts are off: engines at HTTP addresses take none")
        for remote in self._remotes:
            checking = keep_checking(remote, self._requirements, self._sleep)
            self._checks.append(asyncio.create_task(checking, name=f"remote {remote.number}"))

    async def _agreed(self) -> Requirements:
        """What all remotes that are up have in common, and later ones must have. At least one is up then."""
        first = await self._first_cards()
        self._names = self._names or tuple(card.id for card in own_cards(first))
        tokenizer = await self._loaded_tokenizer(first)
        required = Requirements(self._names, tokenizer)
        while True:
            await asyncio.gather(*(remote.check(required) for remote in self._remotes))
            incompatible = [remote for remote in self._remotes if remote.incompatible]
            if incompatible:
                raise EngineDead("\n".join(f"{remote.client.address}: {remote.reason}." for remote in incompatible))
            if lengths := [remote.info.max_model_len for remote in self._remotes if remote.info is not None]:
                return Requirements(self._names, tokenizer, min(lengths))
            await self._sleep(CHECK_INTERVAL)

    async def _first_cards(self) -> Sequence[Card]:
        """Those of the first remote that responds."""
        while True:
            for remote in self._remotes:
                try:
                    return await list_cards(remote.client)
                except RemoteError as error:
                    remote.leave(str(error))
                except Incompatible as error:
                    raise EngineDead(f"{remote.client.address}: {error}.") from error
            await self._sleep(CHECK_INTERVAL)

    async def _loaded_tokenizer(self, cards: Sequence[Card]) -> ModelTokenizer:
        source = self._source or next((card.root for card in own_cards(cards) if card.root), None)
        if source is None:
            raise EngineDead("The remote's /v1/models does not name its model's files: name them with --tokenizer.")
        try:
            tokenizer = await asyncio.to_thread(self._load, source)
        except (OSError, ValueError) as error:
            raise EngineDead(
                f"There is no tokenizer in {source!r}; name it with --tokenizer PATH_OR_ID. {error}"
            ) from error
        # Large vocabularies take seconds: what is made of them is made before the first request.
        await asyncio.to_thread(lambda: tokenizer.token_bytes)
        return tokenizer

    async def stop(self) -> None:
        checks, self._checks = self._checks, []
        for check in checks:
            check.cancel()
        for check in checks:
            with suppress(asyncio.CancelledError):
                await check
        for remote in self._remotes:
            remote.info = None
            await remote.client.close()

    async def check_health(self) -> None:
        if not any(remote.info for remote in self._remotes):
            raise EngineDead(UNREACHABLE)

    def heartbeat(self) -> None:
        """Remotes are asked for their health by this engine itself."""

    def running(self) -> int:
        return sum(remote.running for remote in self._remotes)

    def metrics(self) -> bytes:
        """Without the remotes' own, which each has at its own address."""
        return self._metrics.text(self._remotes)

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        if (refused := unsupported(sampling, "remote")) is not None or sampling.logprobs is None:
            return refused
        most = min((remote.info.most_logprobs for remote in self._remotes if remote.info), default=MOST_LOGPROBS)
        if most < sampling.logprobs:
            return "top_logprobs", f"This server gives at most {most} top_logprobs."
        return None

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        pieces = VllmPieces(self.tokenizer, sampling, ())
        remote, answer = await self._begin(RemoteRequest(self._names[0], prompt, sampling, request_id))
        try:
            output = answer.first
            while output.finish_reason is None:
                for part in pieces.parts(output):
                    yield pieces.piece(part)
                output = await answer.next()
            for part in pieces.parts(output):
                yield pieces.piece(part, output.transfer)
        except RemoteError as error:
            raise self._failure(remote, error) from error
        finally:
            answer.close()

    async def _begin(self, request: RemoteRequest) -> tuple[Remote, RemoteAnswer]:
        """An answer with its first output. If a remote fails before that, another may try."""
        tried: list[Remote] = []
        while True:
            remote = self._choose(request.prompt, tried)
            try:
                answer = await remote.begin(request)
            except RemoteError as error:
                failure = self._failure(remote, error)
                tried.append(remote)
                if not error.elsewhere or len(tried) == MOST_TRIES or not self._untried(tried):
                    raise failure from error
                self._metrics.retries.inc()
            else:
                self._metrics.begun.labels(remote.number).inc()
                return remote, answer

    def _untried(self, tried: Sequence[Remote]) -> Sequence[Remote]:
        return [remote for remote in self._remotes if remote.info is not None and remote not in tried]

    def _choose(self, prompt: Sequence[int], tried: Sequence[Remote]) -> Remote:
        untried = self._untried(tried)
        if not untried:
            raise EngineDead(UNREACHABLE)
        addresses = [remote.client.address for remote in untried]
        return untried[choose_remote(prompt, addresses, [remote.load for remote in untried])]

    def _failure(self, remote: Remote, error: RemoteError) -> EngineError:
        """Logged and counted here; the layer above gets fewer details."""
        failure = as_engine_error(error)
        if not isinstance(failure, PromptRefused):
            logger.warning("%s failed at an answer: %s", remote.client.address, error)
            self._metrics.failed.labels(remote.number).inc()
        return failure


def choose_remote(prompt: Sequence[int], names: Sequence[str], loads: Sequence[int]) -> int:
    """The index of the remote that has read the prompt's beginning before, unless it is too busy.

    A remote caches what it has read, so prompts that begin alike go to the same remote: the first in the prompt's
    order of preference with a load near the least. `names` must not be empty.
    """
    if len(names) == 1:
        return 0
    least = min(loads)
    most = least + max(SLACK, least * SHARE)
    return next(index for index in preferences(prompt, names) if loads[index] <= most)


def preferences(prompt: Sequence[int], names: Sequence[str]) -> Sequence[int]:
    """The indices of all names in an order that depends on the prompt's beginning alone (rendezvous hashing).

    Where a remote comes or goes, only its own prompts move.
    """
    beginning = array("q", prompt[:BEGINNING]).tobytes()
    key = blake2b(beginning, digest_size=32).digest()
    weights = [blake2b(name.encode(), digest_size=8, key=key).digest() for name in names]
    return sorted(range(len(names)), key=weights.__getitem__, reverse=True)
