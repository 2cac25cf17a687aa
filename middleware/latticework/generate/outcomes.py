"""The ways in which an answer may go on from one place, up to where each has settled an outcome.

They are found by exploring the grammar, which follows bytes: however a text is split into tokens, the same may follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

from llguidance import LLMatcher

from latticework.engines.base import MOST_SCORED
from latticework.engines.vocabulary import Vocabulary
from turngrammar.matching import limits_of

# Of one place: outcomes, texts that have settled none, and tokens that may follow one text. Of an answer: such texts.
MOST_OUTCOMES = 64
MOST_TEXTS = 1024
MOST_EXPLORED = 16 * MOST_TEXTS
MOST_TOKENS = MOST_SCORED

# From the text behind a place, and whether the answer ends with it, to the outcome that it settles; None: not yet.
Decide = Callable[[bytes, bool], Hashable | None]
_ALLOWED = re.compile(rb"[^\0]")
# Stands for a token that ends the answer.
_END = b"\0end"


class _Other:
    """No outcome of the place: the text has left what the place is asked about."""

    def __repr__(self) -> str:
        return "OTHER"


OTHER = _Other()


class TooMany(Exception):
    """There are more ways than can be counted here, or infinitely many."""


def whole_text(text: bytes, ended: bool) -> str | None:
    """For answers that are one of a few texts: each of them is an outcome."""
    return text.decode() if ended else None


@dataclass(frozen=True)
class Ways:
    """What may follow one text.

    Attributes:
        tokens: the tokens that the grammar allows, each with the text behind it. None of them, if the text has settled
            an outcome.
        outcomes: those that are still possible.
    """

    tokens: Mapping[int, bytes]
    outcomes: frozenset[Hashable]


@dataclass(frozen=True)
class OutcomeTree:
    """All ways from one place.

    Attributes:
        ways: by the text behind the place.
        usual: for each outcome one text, as the tokenizer writes it.
    """

    ways: Mapping[bytes, Ways]
    usual: Sequence[Sequence[int]]


class Explorer:
    """Of one answer's grammar. A matcher goes forward only: ask for places in their order."""

    def __init__(self, vocabulary: Vocabulary, grammar: str, opened: Sequence[int] = ()) -> None:
        """Compiles the grammar, which takes seconds for a large one. `opened`: the first tokens of its text."""
        self._vocabulary = vocabulary
        self._matcher = LLMatcher(vocabulary.matchable, grammar, log_level=0, limits=limits_of(grammar))
        self._matcher.consume_tokens(list(opened))
        self._read = 0
        self._left = MOST_EXPLORED

    def tree(self, tokens: Sequence[int], at: int, decide: Decide) -> OutcomeTree | None:
        """The ways behind the first `at` of these tokens, which are not less than in the last call.

        None where there are too many, where the matcher is in error, which allows nothing to be counted, and once all
        calls together have explored too much.
        """
        self._matcher.consume_tokens(list(tokens[self._read : at]))
        self._read = at
        exploration = _Exploration(self._vocabulary, decide, min(MOST_TEXTS, self._left))
        try:
            return exploration.tree(self._matcher)
        except TooMany:
            return None
        finally:
            self._left -= exploration.texts


class _Exploration:
    """Of one place."""

    def __init__(self, vocabulary: Vocabulary, decide: Decide, most: int) -> None:
        """`most`: texts that may be explored."""
        self._tokenizer = vocabulary.matchable
        self._ends = frozenset((*self._tokenizer.eos_tokens, vocabulary.eos, *vocabulary.ends))
        self._decide = decide
        self._most = most
        self._tokens: dict[bytes, dict[int, bytes]] = {}
        self._settled: dict[bytes, Hashable] = {}
        self._outcomes: set[Hashable] = set()

    @property
    def texts(self) -> int:
        """How many have been explored."""
        return len(self._tokens)

    def tree(self, matcher: LLMatcher) -> OutcomeTree:
        """Raises TooMany."""
        unread = [(b"", matcher)]
        while unread:
            text, here = unread.pop()
            self._tokens[text] = {}
            for token in self._allowed(here):
                behind = text + (_END if token in self._ends else self._tokenizer.decode_bytes([token]))
                self._tokens[text][token] = behind
                if not self._is_known(behind):
                    further = here.deep_copy()
                    further.consume_token(token)
                    self._tokens[behind] = {}
                    unread.append((behind, further))
        return OutcomeTree(self._ways(), self._usual())

    def _is_known(self, text: bytes) -> bool:
        """Whether it has been reached before; if it is settled, it is from here on. Raises TooMany."""
        if text not in self._tokens and text not in self._settled:
            ended = text.endswith(_END)
            outcome = self._decide(text.removesuffix(_END), ended)
            if outcome is None and not ended:
                return False
            self._settled[text] = outcome = OTHER if outcome is None else outcome
            self._outcomes.add(outcome)
            if len(self._outcomes) - (OTHER in self._outcomes) > MOST_OUTCOMES:
                raise TooMany
        return True

    def _allowed(self, matcher: LLMatcher) -> Sequence[int]:
        """Raises TooMany."""
        mask = bytes(matcher.compute_bitmask())
        if matcher.is_error() or len(self._tokens) > self._most or len(mask) - mask.count(0) > MOST_TOKENS:
            raise TooMany
        places = (match.start() for match in _ALLOWED.finditer(mask))
        allowed = [8 * place + bit for place in places for bit in range(8) if mask[place] >> bit & 1]
        if not allowed or len(allowed) > MOST_TOKENS:
            raise TooMany
        return allowed

    def _ways(self) -> Mapping[bytes, Ways]:
        ways = {text: Ways({}, frozenset((outcome,))) for text, outcome in self._settled.items()}
        for text in sorted(self._tokens, key=len, reverse=True):  # what follows a text is longer
            tokens = self._tokens[text]
            ways[text] = Ways(tokens, frozenset().union(*(ways[behind].outcomes for behind in tokens.values())))
        return ways

    def _usual(self) -> Sequence[Sequence[int]]:
        shortest: dict[Hashable, bytes] = {}
        for text in sorted(self._settled, key=len):
            shortest.setdefault(self._settled[text], text)
        return [self._tokenizer.tokenize_bytes(text.removesuffix(_END)) for text in shortest.values()]
