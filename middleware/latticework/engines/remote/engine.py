"""`vllm serve` on other machines, one or several that serve the same model, as one engine.

Prompts go there as token ids and answers come back as token ids: the text, and all that is read from it, is made here,
as for an engine of this process. Answers are held to their grammars there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress

from latticework.engines.base import EngineDead, EngineError, Piece, PromptRefused, Sampling
from latticework.engines.pieces import Pieces
from latticework.engines.remote import card
from latticework.engines.remote.balance import chosen
from latticework.engines.remote.card import Card, Expected
from latticework.engines.remote.client import Client
from latticework.engines.remote.counts import Counts
from latticework.engines.remote.endpoints import Asked
from latticework.engines.remote.errors import RemoteError, Unfit, as_engine_error
from latticework.engines.remote.probe import MOST_LOGPROBS
from latticework.engines.remote.remote import LOOK, Answer, Remote, looked_after
from latticework.engines.sampling import unsupported
from latticework.engines.tokenizer import ModelTokenizer

logger = logging.getLogger(__name__)

# Answers that a remote generates at once. It does not tell: so many they are unless its --max-num-seqs says otherwise.
RUNNING = 256
# How often an answer is begun at most, each time on another remote.
TRIES = 2

Load = Callable[[str], ModelTokenizer]


class RemoteEngine:
    """Nothing is asked of the remotes before `start`. What is told of the model stays while all of them are away."""

    recovers = True
    degraded: tuple[str, ...] = ()

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
        """`load` makes the tokenizer out of a path or a name on a hub: `tokenizer`, or else what the remotes call their
        model's `root`. `names` are those of the model, the first of which it is asked for by; by default the remotes'.
        """
        alone = len(addresses) == 1
        clients = [Client(address, key) for address in addresses]
        self._remotes = [Remote(client, number, alone=alone) for number, client in enumerate(clients, 1)]
        self._load = load
        self._names = tuple(names)
        self._source = tokenizer
        self._sleep = sleep
        self._counts = Counts()
        self._expected: Expected | None = None
        self._watches: list[asyncio.Task[None]] = []

    @property
    def model_ids(self) -> tuple[str, ...]:
        """Before the remotes have been asked, a place stands for the name."""
        return self._names or (self._remotes[0].client.address,)

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
    def _known(self) -> Expected:
        if self._expected is None:
            raise EngineDead("The engine has not been started.")
        return self._expected

    async def start(self) -> None:
        """Waits for a remote, as long as that takes: a large model loads for minutes.

        Raises EngineDead where one is up that must not be used as it is.
        """
        for remote in self._remotes:
            await remote.client.open()
        try:
            self._expected = await self._agreed()
        except BaseException:
            await self.stop()
            raise
        logger.info("Drafts are off: engines elsewhere take none")
        for remote in self._remotes:
            looks = looked_after(remote, self._expected, self._sleep)
            self._watches.append(asyncio.create_task(looks, name=f"remote {remote.number}"))

    async def _agreed(self) -> Expected:
        """What all remotes have in common, and later ones must have. At least one of them is well then."""
        first = await self._first_cards()
        self._names = self._names or tuple(one.id for one in card.own(first))
        tokenizer = await self._loaded(first)
        wanted = Expected(self._names, tokenizer)
        while True:
            await asyncio.gather(*(remote.look(wanted) for remote in self._remotes))
            if unfit := [f"{remote.client.address}: {remote.why}." for remote in self._remotes if remote.unfit]:
                raise EngineDead("\n".join(unfit))
            if lengths := [remote.found.max_model_len for remote in self._remotes if remote.found is not None]:
                return Expected(self._names, tokenizer, min(lengths))
            await self._sleep(LOOK)

    async def _first_cards(self) -> Sequence[Card]:
        """Those of the first remote that answers."""
        while True:
            for remote in self._remotes:
                try:
                    return await card.cards(remote.client)
                except RemoteError as error:
                    remote.leave(str(error))
                except Unfit as error:
                    raise EngineDead(f"{remote.client.address}: {error}.") from error
            await self._sleep(LOOK)

    async def _loaded(self, cards: Sequence[Card]) -> ModelTokenizer:
        source = self._source or next((one.root for one in card.own(cards) if one.root), None)
        if source is None:
            raise EngineDead("The remote does not tell what its model's files are called: name them with --tokenizer.")
        try:
            tokenizer = await asyncio.to_thread(self._load, source)
        except (OSError, ValueError) as error:
            raise EngineDead(
                f"There is no tokenizer in {source!r}; name it with --tokenizer PATH_OR_ID. {error}"
            ) from error
        # Vocabularies are large: what is made of one is made before the first request.
        await asyncio.to_thread(lambda: tokenizer.token_bytes)
        return tokenizer

    async def stop(self) -> None:
        watches, self._watches = self._watches, []
        for watch in watches:
            watch.cancel()
        for watch in watches:
            with suppress(asyncio.CancelledError):
                await watch
        for remote in self._remotes:
            remote.found = None
            await remote.client.close()

    async def check_health(self) -> None:
        if not any(remote.found for remote in self._remotes):
            raise EngineDead("The engine can't be reached. It is used again as soon as it can.")

    def running(self) -> int:
        return sum(remote.running for remote in self._remotes)

    def metrics(self) -> bytes:
        """Each remote tells its own, at its own address."""
        return self._counts.text(self._remotes)

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        if (refused := unsupported(sampling, "remote")) is not None or sampling.logprobs is None:
            return refused
        most = min((remote.found.most_logprobs for remote in self._remotes if remote.found), default=MOST_LOGPROBS)
        if most < sampling.logprobs:
            return "top_logprobs", f"This server gives at most {most} top_logprobs."
        return None

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        pieces = Pieces(self.tokenizer, sampling, ())
        remote, answer = await self._begun(Asked(self._names[0], prompt, sampling, request_id))
        try:
            output = answer.first
            while output.finish_reason is None:
                yield pieces.piece(output)
                output = await answer.next()
            yield pieces.piece(output)
        except RemoteError as error:
            raise self._failure(remote, error) from error
        finally:
            answer.close()

    async def _begun(self, asked: Asked) -> tuple[Remote, Answer]:
        """An answer, with the first of it. Where one remote fails before that, another may try."""
        tried: list[Remote] = []
        while True:
            remote = self._chosen(asked.prompt, tried)
            try:
                answer = await remote.begin(asked)
            except RemoteError as error:
                failure = self._failure(remote, error)
                tried.append(remote)
                if not error.elsewhere or len(tried) == TRIES or not self._left(tried):
                    raise failure from error
                self._counts.retries.inc()
            else:
                self._counts.begun.labels(remote.number).inc()
                return remote, answer

    def _left(self, tried: Sequence[Remote]) -> Sequence[Remote]:
        return [remote for remote in self._remotes if remote.found is not None and remote not in tried]

    def _chosen(self, prompt: Sequence[int], tried: Sequence[Remote]) -> Remote:
        left = self._left(tried)
        if not left:
            raise EngineDead("The engine can't be reached. It is used again as soon as it can.")
        return left[chosen(prompt, [one.client.address for one in left], [one.load for one in left])]

    def _failure(self, remote: Remote, error: RemoteError) -> EngineError:
        """Told and counted here; the layer above gets to know less."""
        failure = as_engine_error(error)
        if not isinstance(failure, PromptRefused):
            logger.warning("%s failed at an answer: %s", remote.client.address, error)
            self._counts.failed.labels(remote.number).inc()
        return failure
