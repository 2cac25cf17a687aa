"""The probabilities of the outcomes that are possible at a place of an answer, exact over all tokenizations.

Behind each text that leaves several outcomes possible, the engine computes the probabilities of all tokens that the
grammar allows there: a request of one token, whose prompt is in the prefix cache. Where only one outcome is left, no
request is sent.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from latticework.engines.base import EngineFailed, SampledToken, Sampling
from latticework.engines.vocabulary import Vocabulary
from latticework.generate.attempt import TextGenerator
from latticework.generate.outcomes import OTHER, Decide, Explorer, OutcomeTree, whole_text

__all__ = ["AnswerPlace", "Distribution", "Question", "Scored", "Tokens", "score", "whole_text"]

# Of a tokenization, the probability below which it is not followed: what follows it is taken to be what follows the
# same text in other tokens.
LEAST = 1e-5
# Requests for one place and for all places of an answer, and how many times some of them are sent.
MOST_NODES = 64
MOST_PASSES = 512
MOST_ROUNDS = 8
# Requests that are sent together.
AT_ONCE = 64
# What may be left at the end in tokenizations that were not followed.
MOST_SHARED = 1e-3
# How far the probabilities of all tokens that the grammar allows may be from 1 together: engines compute in 32 bits.
DEVIATION = 1e-3
# What the tokens that are not listed may have together where the likeliest ones are taken for all.
UNLISTED = 1e-6

Tokens = tuple[int, ...]
Distribution = Mapping[int, float]
Masses = dict[Hashable, float]
Likely = tuple[float, Sequence[tuple[int, float]]]
NEVER: Likely = (0.0, ())


@dataclass(frozen=True)
class Question:
    """The frame of an answer: what its places have in common.

    Attributes:
        prompt: token ids, without the answer's.
        grammar: of the whole answer, llguidance Lark.
        sampling: its `cache_salt`, `adapter` and `priority` count, and nothing else.
        opened: the tokens of the grammar's text with which the prompt ends.
    """

    prompt: Sequence[int]
    grammar: str
    vocabulary: Vocabulary
    sampling: Sampling
    opened: Sequence[int] = ()


@dataclass(frozen=True)
class AnswerPlace:
    """Where an answer may go on in several ways.

    Attributes:
        tokens: the answer's.
        at: how many of these are before it.
        decide: see `outcomes.Decide`.
        known: lists the distributions of next tokens that are already known, with the tokens behind the place. Called
            where there are few outcomes only: for a long string, the list would be large.
    """

    tokens: Tokens
    at: int
    decide: Decide
    known: Callable[[], Iterable[tuple[Tokens, Distribution]]] = tuple


@dataclass(frozen=True)
class Scored:
    """Attributes:

    outcomes: for each place the probability of each outcome, 1 together; None where there are too many of them, or too
        many nodes.
    passes: the number of requests to the engine, of one token each.
    rounds: how many times some were sent. Those of one round are computed together.
    """

    outcomes: Sequence[Mapping[Hashable, float] | None]
    passes: int = 0
    rounds: int = 0


async def score(model: TextGenerator, question: Question, places: Sequence[AnswerPlace], request_id: str) -> Scored:
    """The probability of each outcome at each of the places, which are in the order of the text.

    It is that of sampling at temperature 1 under the grammar's mask, given the tokens before the place, summed over all
    tokenizations. Penalties, biases and what else changes a distribution don't count. Raises EngineError.
    """
    trees = await asyncio.to_thread(_explored, question, places)
    room = model.max_model_len - len(question.prompt) - 1
    explored = zip(places, trees, strict=True)
    walks = [None if tree is None else _Tokenizations(place, tree, room) for place, tree in explored]
    passes = rounds = 0
    while rounds < MOST_ROUNDS:
        nodes = [(walk, node) for walk in walks if walk is not None for node in walk.nodes()][: MOST_PASSES - passes]
        if not nodes:
            break
        asked = [
            partial(_asked, model, question, walk.request(node), f"{request_id}-{passes + at}")
            for at, (walk, node) in enumerate(nodes)
        ]
        for (walk, node), distribution in zip(nodes, await _together(asked), strict=True):
            walk.learn(node, distribution)
        passes, rounds = passes + len(nodes), rounds + 1
    return Scored([None if walk is None else walk.result() for walk in walks], passes, rounds)


def _explored(question: Question, places: Sequence[AnswerPlace]) -> Sequence[OutcomeTree | None]:
    explorer = Explorer(question.vocabulary, question.grammar, question.opened)
    return [explorer.tree(place.tokens, place.at, place.decide) for place in places]


@dataclass(frozen=True)
class _Node:
    """A text behind a place, in certain tokens. Behind it, several outcomes are possible."""

    tokens: Tokens
    text: bytes


class _Tokenizations:
    """The tokenizations of one place's outcomes, and what is known of their probabilities."""

    def __init__(self, place: AnswerPlace, tree: OutcomeTree, room: int) -> None:
        """`room`: for tokens behind the prompt."""
        self._place = place
        self._ways = tree.ways
        self._room = room - place.at
        self._known: dict[Tokens, Distribution] = dict(place.known())
        self._usual = frozenset(node for tokens in tree.usual for node in self._nodes_of(tokens))
        self._likeliest: dict[bytes, Likely] = {}
        self._asked = 0

    def nodes(self) -> Sequence[_Node]:
        """Those to be asked for next: tokenizations that are likely, and usual ones of which that is not known yet."""
        _, unknown = self._masses()
        likely = [node for node in sorted(unknown, key=lambda node: -unknown[node]) if unknown[node] > LEAST]
        behind = [node for node in self._usual if any(_is_behind(node, first) for first in likely)]
        fitting = [node for node in dict.fromkeys((*likely, *behind)) if len(node.tokens) <= self._room]
        return fitting[: MOST_NODES - self._asked]

    def request(self, node: _Node) -> tuple[Tokens, Sequence[int]]:
        """The tokens behind the prompt, and those whose probabilities are asked for behind them."""
        return (*self._place.tokens[: self._place.at], *node.tokens), tuple(self._ways[node.text].tokens)

    def learn(self, node: _Node, distribution: Distribution) -> None:
        self._asked += 1
        self._known[node.tokens] = distribution

    def result(self) -> Masses | None:
        """None where more nodes were needed than may be asked for."""
        masses, unknown = self._masses()
        if sum(unknown.values()) > MOST_SHARED:
            return None
        for node, mass in unknown.items():
            for outcome, part in self._following(node.text).items():
                masses[outcome] += mass * part
        masses.pop(OTHER, None)
        total = sum(masses.values())
        return {outcome: mass / total for outcome, mass in masses.items()} if total > 0 else None

    def _nodes_of(self, tokens: Sequence[int]) -> Iterator[_Node]:
        """The nodes along these tokens, as far as the grammar allows them."""
        text = b""
        for count, token in enumerate(tokens):
            if len(self._ways[text].outcomes) < 2:
                return
            if len(self._ways[text].tokens) > 1:
                yield _Node(tuple(tokens[:count]), text)
            if token not in self._ways[text].tokens:
                return
            text = self._ways[text].tokens[token]

    def _masses(self) -> tuple[Masses, dict[_Node, float]]:
        """The probability of each outcome as far as it is known, and of the nodes behind which nothing is known."""
        masses: Masses = dict.fromkeys(self._ways[b""].outcomes, 0.0)
        unknown: dict[_Node, float] = {}
        left = [(_Node((), b""), 1.0)]
        while left:
            node, mass = left.pop()
            ways = self._ways[node.text]
            if len(ways.outcomes) == 1:
                (outcome,) = ways.outcomes
                masses[outcome] += mass
            elif (next_ := self._distribution(node)) is None:
                unknown[node] = mass
            else:
                self._likeliest[node.text] = max(self._likeliest.get(node.text, NEVER), (mass, next_))
                left += [(_Node((*node.tokens, token), ways.tokens[token]), mass * p) for token, p in next_]
        return masses, unknown

    def _distribution(self, node: _Node) -> Sequence[tuple[int, float]] | None:
        """Of the tokens that the grammar allows behind it; None if it is not known."""
        allowed = self._ways[node.text].tokens
        if len(allowed) == 1:
            return [(token, 1.0) for token in allowed]
        known = self._known.get(node.tokens)
        return None if known is None else [(token, p) for token in allowed if (p := known.get(token, 0.0)) > 0]

    def _following(self, text: bytes) -> Mapping[Hashable, float]:
        """The probabilities of the outcomes behind a text, as behind its likeliest tokens; if none are known, equal."""
        ways = self._ways[text]
        known = self._likeliest.get(text)
        if len(ways.outcomes) == 1 or known is None:
            return dict.fromkeys(ways.outcomes, 1 / len(ways.outcomes))
        masses = dict.fromkeys(ways.outcomes, 0.0)
        for token, p in known[1]:
            for outcome, part in self._following(ways.tokens[token]).items():
                masses[outcome] += p * part
        return masses


def _is_behind(node: _Node, first: _Node) -> bool:
    return node.tokens[: len(first.tokens)] == first.tokens


async def _asked(
    model: TextGenerator, question: Question, request: tuple[Tokens, Sequence[int]], request_id: str
) -> Distribution:
    """The probabilities of these tokens behind a prompt, 1 together. Raises EngineError."""
    begun, allowed = request
    like = question.sampling
    sampling = Sampling(
        max_tokens=1,
        grammar=f"start: <[{','.join(map(str, allowed))}]>",
        temperature=0.0,
        logprobs=len(allowed),
        priority=like.priority,
        cache_salt=like.cache_salt,
        adapter=like.adapter,
    )
    async with aclosing(model.generate([*question.prompt, *begun], sampling, request_id)) as pieces:
        tokens = [token async for piece in pieces for token in piece.logprobs]
    listed = distribution(tokens[0]) if tokens else {}
    total = sum(listed.get(token, 0.0) for token in allowed)
    if abs(total - 1) > DEVIATION:
        raise EngineFailed("The engine's log probabilities are not those under the grammar's mask.")
    return {token: listed.get(token, 0.0) / total for token in allowed}


def distribution(sampled: SampledToken) -> Distribution:
    """The probabilities of the tokens that are listed at a position."""
    return {token.id: math.exp(token.logprob) for token in (*sampled.top, sampled)}


async def _together(requests: Sequence[Callable[[], Awaitable[Distribution]]]) -> Sequence[Distribution]:
    """The results of all, some at a time. Where one fails, the others end."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def sent(request: Callable[[], Awaitable[Distribution]]) -> Distribution:
        async with slots:
            return await request()

    running = [asyncio.ensure_future(sent(request)) for request in requests]
    try:
        return await asyncio.gather(*running)
    finally:
        for request in running:
            request.cancel()
        await asyncio.gather(*running, return_exceptions=True)
