"""Clients' regexes and grammars tried along texts that a random model writes under them.

llguidance's lexer and parser have limits for each step, and what exceeds them looks harmless: the shortest text may
hold where nearly all others don't.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from time import process_time

from llguidance import LLMatcher

from latticework.engines.vocabulary import Vocabulary
from turngrammar.client import content_expression
from turngrammar.errors import InvalidGrammar, cut
from turngrammar.matching import limits_of
from turngrammar.plan import Plan
from turngrammar.turn import ClientGrammar, Turn, enclosing

WALKS = 2
STEPS = 32  # tokens of each
# CPU seconds of each: masks of ambiguous rules take longer and longer, and are no error.
MOST_SECONDS = 1.0
GUESSES = 64  # random tokens of which one is probably allowed; beyond them, all are gone through
TEXT_LENGTH = 60  # characters of the text in an error


@dataclass(frozen=True)
class _Text:
    """A client's grammar: its Lark, and its place in the request."""

    lark: str
    pointer: str
    tool: str = ""


def walk_texts(turn: Turn, plan: Plan, vocabulary: Vocabulary) -> None:
    """Raises InvalidGrammar for a client's regex or grammar that llguidance gives up in the middle of a text."""
    for text in _texts(turn, plan):
        for seed in range(WALKS):
            walk = _Walk(text.lark, vocabulary, seed)
            if (error := walk.error()) is not None:
                begun = cut(walk.text()[-TEXT_LENGTH:], TEXT_LENGTH)
                problem = f"llguidance gives the grammar up after {begun!r}: {error}."
                fix = "Use smaller counts, fewer alternatives that begin alike, and rules that end."
                raise InvalidGrammar(f"{problem} {fix}").inside(text.pointer, text.tool)


def _texts(turn: Turn, plan: Plan) -> Iterator[_Text]:
    content = turn.content
    if isinstance(content, ClientGrammar) and content.kind != "choice":
        yield _Text(f"start: {content_expression(content)}", content.pointer)
    inputs = ((tool, tool.input.text) for tool in plan.tools if tool.input)
    yield from (_Text(lark, enclosing(tool.pointer), tool.name) for tool, lark in inputs if lark)


class _Walk:
    def __init__(self, lark: str, vocabulary: Vocabulary, seed: int) -> None:
        self._random = random.Random(seed)
        self._vocabulary = vocabulary.matchable
        self._ends = frozenset((*self._vocabulary.eos_tokens, *vocabulary.ends))
        self._matcher = LLMatcher(self._vocabulary, lark, log_level=0, limits=limits_of(lark))
        self._tokens: list[int] = []

    def error(self) -> str | None:
        """llguidance's, in one line; None if the walk ends, or gets through all its steps or its time."""
        end = process_time() + MOST_SECONDS
        for _ in range(STEPS):
            if process_time() > end or not (tokens := self._matcher.compute_ff_tokens() or self._chosen()):
                break
            self._matcher.consume_tokens(tokens)
            self._tokens += tokens
        return self._matcher.get_error().partition("\n")[0] if self._matcher.is_error() else None

    def text(self) -> str:
        return self._vocabulary.decode_str(self._tokens)

    def _chosen(self) -> list[int]:
        mask = self._matcher.compute_bitmask()
        token = None if self._matcher.is_error() else self._allowed(mask)
        return [] if token is None else [token]

    def _allowed(self, mask: bytes) -> int | None:
        """A random token of the mask that ends nothing; None where there is none."""
        guesses = (self._random.randrange(self._vocabulary.vocab_size) for _ in range(GUESSES))
        guess = next((token for token in guesses if self._is_of(mask, token)), None)
        if guess is not None:
            return guess
        allowed = [
            token
            for place, byte in enumerate(mask)
            if byte
            for token in range(8 * place, 8 * place + 8)
            if self._is_of(mask, token)
        ]
        return self._random.choice(allowed) if allowed else None

    def _is_of(self, mask: bytes, token: int) -> bool:
        return bool(mask[token // 8] >> token % 8 & 1) and token not in self._ends
