"""A script that costs next to nothing: random text, held by the request's grammar as a model's would be."""

from __future__ import annotations

import asyncio
import codecs
import random
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace

from llguidance import LLMatcher

from latticework.engines.base import EngineFailed, Piece, SampledToken, Sampling, TokenLogprob
from tests.scripted import ByteTokenizer, Script, ScriptedEngine
from turngrammar.cache import Cache
from turngrammar.matching import limits_of

VOCABULARY = ByteTokenizer.vocabulary
WORDS = ("It ", "rains ", "in ", "Bergen. ", "é", "東京 ", "\n", "<b>", '"', "{", "🌦️ ")
# Tried first, half of the time: what brings most documents to an end.
CLOSERS = tuple(b'"}]1,')
COMMON = tuple(range(32, 127))
# Grammars that are kept compiled, and bytes a piece.
KEPT = 64
LONGEST_PIECE = 12


def free_engine(pace: float = 0.0, most: int = 100_000) -> ScriptedEngine:
    """It remembers the last few requests only."""
    return ScriptedEngine(free(pace, most), asked=deque(maxlen=4), prompts=deque(maxlen=4))


def free(pace: float, most: int) -> Script:
    """`pace`: seconds between two pieces of an answer. `most`: tokens of one, whatever the request would have.

    Answers of the same seed, or else the same prompt, are the same.
    """
    compiled: Cache[str, LLMatcher] = Cache(KEPT, lambda grammar, matcher: 1)

    async def script(prompt: Sequence[int], sampling: Sampling) -> AsyncGenerator[Piece, None]:
        rng = random.Random(sampling.seed if sampling.seed is not None else bytes(prompt))
        limited = replace(sampling, max_tokens=min(sampling.max_tokens, most))
        matcher = await _matcher(compiled, sampling.grammar)
        if matcher is not None and sampling.begun and not matcher.consume_tokens(list(sampling.begun)):
            raise EngineFailed(matcher.get_error())
        writer = _Writer(rng, matcher, limited)
        while True:
            piece = writer.piece()
            yield piece
            if piece.finish is not None:
                return
            await asyncio.sleep(pace)

    return script


async def _matcher(compiled: Cache[str, LLMatcher], grammar: str | None) -> LLMatcher | None:
    """A fresh one. Compiling takes a thread, for it may take a second."""
    if grammar is None:
        return None
    kept = compiled.find(grammar)
    if kept is None:
        kept = await asyncio.to_thread(LLMatcher, VOCABULARY.matchable, grammar, limits=limits_of(grammar))
        if kept.is_error():
            raise EngineFailed(kept.get_error())
        compiled.put(grammar, kept)
    return kept.deep_copy()


class _Writer:
    """One answer while it is written, a token a byte."""

    def __init__(self, rng: random.Random, matcher: LLMatcher | None, sampling: Sampling) -> None:
        self._rng = rng
        self._matcher = matcher
        self._sampling = sampling
        self._written = 0
        self._text = codecs.getincrementaldecoder("utf-8")("replace")

    def piece(self) -> Piece:
        """The next few tokens, the last of them all with why they end."""
        room = min(self._rng.randint(1, LONGEST_PIECE), self._sampling.max_tokens - self._written)
        ids, ended = self._free(room) if self._matcher is None else self._held(self._matcher, room)
        self._written += len(ids)
        cut = self._written >= self._sampling.max_tokens
        text = self._text.decode(bytes(ids), final=ended or cut)
        return Piece(text, tuple(ids), self._logprobs(ids), "stop" if ended else "length" if cut else None)

    def _free(self, room: int) -> tuple[list[int], bool]:
        ids = list(self._rng.choice(WORDS).encode())[:room]
        return ids, not self._sampling.ignore_eos and self._rng.random() < 0.05

    def _held(self, matcher: LLMatcher, room: int) -> tuple[list[int], bool]:
        """Raises EngineFailed, as an engine does, where the grammar and its matcher disagree."""
        ids: list[int] = []
        while len(ids) < room:
            step = self._step(matcher, room - len(ids))
            if not step:
                return ids, True
            if not matcher.consume_tokens(step):
                raise EngineFailed(matcher.get_error())
            ids += step
        return ids, matcher.is_stopped()

    def _step(self, matcher: LLMatcher, room: int) -> list[int]:
        """What is forced, or one token; none to end there."""
        if matcher.is_stopped() or (matcher.is_accepting() and self._rng.random() < 0.3):
            return []
        if forced := matcher.compute_ff_tokens():
            return list(forced[:room])
        mask = matcher.compute_bitmask()
        for wanted in (CLOSERS if self._rng.random() < 0.5 else (), COMMON, range(256)):
            if allowed := [token for token in wanted if mask[token // 8] >> token % 8 & 1]:
                return [self._rng.choice(allowed)]
        return []

    def _logprobs(self, ids: Sequence[int]) -> tuple[SampledToken, ...]:
        if self._sampling.logprobs is None:
            return ()
        tops = tuple(TokenLogprob(chr(97 + top), -1.0 - top, (97 + top,)) for top in range(self._sampling.logprobs))
        return tuple(SampledToken(chr(id), -0.5, (id,), tops) for id in ids)
