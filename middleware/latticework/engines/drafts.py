"""Drafts: tokens that need no forward pass of their own, because they can be predicted without the model.

A grammar forces nearly half of a document's tokens, and much of the rest is copied from the prompt. Both are drafted
here, one after the other, and then checked by the model in a single pass. What the grammar forces is certain: the mask
allows nothing else. A copy is a guess, cut to what the grammar allows; a wrong one costs a little time and never
changes the answer.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from llguidance import LLMatcher, LLTokenizer

from latticework.engines.worth import Chances, kind

# Bytes of context that a copy needs in common with the text before it; more than the most predict no better.
LEAST_CONTEXT = 2
MOST_CONTEXT = 48
# How many bytes back matches are searched.
REACH = 1 << 16
# Of a word within which a copy begins, the tokens that are tokenized anew.
MOST_PIECES = 6

# Keys of a request's `extra_args`: whether guesses may be drafted, besides what its grammar forces; whether the sources
# of its tokens are reported.
GUESSES = "latticework_guesses"
WANTS_SOURCES = "latticework_wants_sources"
# Keys of what an output reports, in `kv_transfer_params`, which vLLM passes on unread. A letter for each token of the
# answer up to the last drafted one: all, since of merged outputs only the last one's report is kept. And with the last
# output the numbers of drafted tokens that were accepted: (forced, copied).
SOURCES = "latticework_sources"
SAVED = "latticework_saved"


@dataclass(frozen=True, slots=True)
class Draft:
    """What may come next.

    Attributes:
        kinds: for each token CERTAIN, or for a guess the kind of its context (worth.py).
        lead: the token before the first one and its kind, where that token is not known yet.
    """

    token_ids: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()
    lead: tuple[int, int] | None = None

    def after(self, count: int) -> Draft:
        """Without its first tokens, the last of which leads the rest."""
        if not count:
            return self
        if len(self.token_ids) <= count:
            return NOTHING
        return Draft(self.token_ids[count:], self.kinds[count:], (self.token_ids[count - 1], self.kinds[count - 1]))


CERTAIN = -1
NOTHING = Draft()


class _TokenLengths(dict[int, int]):
    """The bytes of each token that was asked for."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer

    def __missing__(self, token: int) -> int:
        length = self[token] = len(self._tokenizer.decode_bytes([token]))
        return length


class CopySource:
    """Prompt and answer so far, as bytes and as tokens: what can be copied from."""

    def __init__(self, tokenizer: LLTokenizer, lengths: Mapping[int, int]) -> None:
        self._tokenizer = tokenizer
        self._lengths = lengths
        self._bytes = bytearray()
        self._tokens: list[int] = []
        self._starts: list[int] = []  # of the tokens, in bytes
        # Where the text had `_searched` bytes, its end had no precedent with more than `_longest` of them.
        self._longest = 0
        self._searched = 0

    def add(self, token_ids: Sequence[int]) -> None:
        start, lengths = len(self._bytes), self._lengths
        self._bytes += self._tokenizer.decode_bytes(list(token_ids))
        self._tokens += token_ids
        for token in token_ids:
            self._starts.append(start)
            start += lengths[token]

    def __len__(self) -> int:
        return len(self._bytes)

    def mark(self) -> tuple[int, int, int, int]:
        """For `cut`."""
        return len(self._bytes), len(self._tokens), self._longest, self._searched

    def cut(self, mark: tuple[int, int, int, int]) -> None:
        """Removes what was added since the mark: a draft."""
        length, count, self._longest, self._searched = mark
        del self._bytes[length:]
        del self._tokens[count:]
        del self._starts[count:]

    def precedent(self, least: int = LEAST_CONTEXT) -> tuple[int, int]:
        """How many bytes of the text's end occurred before, and where what followed them last time begins.

        (0, 0) where they are fewer than `least`, which is at least 1.
        """
        text = self._bytes
        end = len(text) - 1  # the end itself is no precedent
        start = max(0, end - REACH)
        # With each byte that is added, a context gets longer by one at most.
        most = min(MOST_CONTEXT, end - start, self._longest + len(text) - self._searched)
        if most < least:
            return 0, 0
        found, place, length = least - 1, 0, least
        # What follows a longer context follows each shorter one: the longest is searched by halving.
        while found < most:
            at = text.rfind(text[-length:], start, end)
            if at < 0:
                most = length - 1
            else:
                found, place = length, at + length
            length = (found + most + 1) // 2
        self._longest, self._searched = found, len(text)
        return (found, place) if place else (0, 0)

    def following(self, place: int, most: int) -> Sequence[int]:
        """At most so many of the tokens that follow this place.

        Within a token, the rest of its word is tokenized anew: its beginning stands elsewhere.
        """
        index = bisect_left(self._starts, place)
        if index < len(self._starts) and self._starts[index] == place:
            return self._tokens[index : index + most]
        edge = index
        while edge < len(self._starts) and edge < index + MOST_PIECES and self._within_word(self._starts[edge]):
            edge += 1
        stop = self._starts[edge] if edge < len(self._starts) else len(self._bytes)
        rest = self._tokenizer.tokenize_bytes(bytes(self._bytes[place:stop]))
        return [*rest, *self._tokens[edge : edge + most]][:most]

    def _within_word(self, place: int) -> bool:
        return _is_of_word(self._bytes[place - 1]) and _is_of_word(self._bytes[place])


def _is_of_word(byte: int) -> bool:
    """Of a letter or a digit; what is not ASCII counts as letters."""
    return byte >= 0x80 or chr(byte).isalnum()


class Drafter:
    """Drafts for any number of answers.

    Attributes:
        looked: seconds that went into looking for guesses so far.
        guesses: how many were drafted.
    """

    def __init__(self, tokenizer: LLTokenizer, clock: Callable[[], float] = time.thread_time) -> None:
        self.looked = 0.0
        self.guesses = 0
        self._tokenizer = tokenizer
        self._clock = clock
        self._lengths = _TokenLengths(tokenizer)
        ends = tokenizer.eos_tokens
        # Where several tokens may end an answer, the model chooses.
        self._end = ends[0] if len(ends) == 1 else None

    def text(self, token_ids: Sequence[int]) -> CopySource:
        """A new source that begins with these tokens."""
        text = CopySource(self._tokenizer, self._lengths)
        text.add(token_ids)
        return text

    def certain(self, matcher: LLMatcher, most: int, ahead: Sequence[int] | None = None) -> Draft:
        """At most `most` tokens that the grammar forces. `matcher` is left as it was.

        `ahead`: tokens that are likely to come first, and behind them one more, the draft's lead; None where the next
        token is the draft's first.
        """
        before = 0 if ahead is None else len(ahead) + 1
        sketch = _Sketch(matcher, before + most)
        if sketch.assume(ahead or ()):
            while sketch.forced():
                pass
            sketch.end(self._end)
        return sketch.undo().after(before)

    def likely(
        self,
        matcher: LLMatcher,
        text: CopySource,
        most: int,
        chances: Chances,
        least: float,
        ahead: Sequence[int] | None = None,
        share: int | None = None,
    ) -> Draft:
        """The same, with guesses between them while the probability of the whole draft is at least `least`.

        `share`: the tokens behind which nothing is guessed any more; None for `most`.
        """
        before = 0 if ahead is None else len(ahead) + 1
        guessed = before + (most if share is None else min(most, share))
        sketch = _Guessing(matcher, before + most, guessed, text, self._tokenizer, self._lengths)
        if sketch.assume(ahead or ()):
            while sketch.forced() or self._guessed(sketch, chances, least):
                pass
            sketch.end(self._end)
        return sketch.undo().after(before)

    def _guessed(self, sketch: _Guessing, chances: Chances, least: float) -> bool:
        began = self._clock()
        found = sketch.guessed(chances, least)
        self.guesses += found
        self.looked += self._clock() - began
        return bool(found)


class _Sketch:
    """A draft that grows. Its tokens are fed to the matcher until `undo`."""

    def __init__(self, matcher: LLMatcher, most: int) -> None:
        self._matcher = matcher
        self._most = most
        self._tokens: list[int] = []
        self._kinds: list[int] = []
        self._fed = 0

    def assume(self, tokens: Sequence[int]) -> bool:
        """Adds these tokens; whether the grammar allows them all."""
        taken = self._take(tokens)
        self._kinds += [CERTAIN] * len(taken)
        return len(taken) == len(tokens)

    def forced(self) -> bool:
        """Adds what the grammar forces; whether there is any."""
        forced = self._matcher.compute_ff_tokens()
        if not forced:
            return False
        tokens = self._take(forced)
        self._kinds += [CERTAIN] * len(tokens)
        return bool(tokens)

    def end(self, token: int | None) -> None:
        """Adds the token that ends the answer where nothing else can follow. The matcher does not get it.

        A guess may have ended the answer already: a chat in the prompt has the ends of earlier answers.
        """
        if token is None or not self._matcher.is_stopped():
            return
        if len(self._tokens) < self._most and self._tokens[-1:] != [token]:
            self._tokens.append(token)
            self._kinds.append(CERTAIN)

    def undo(self) -> Draft:
        """Returns the draft, and restores everything else."""
        if not self._tokens:
            return NOTHING
        if self._fed:
            self._matcher.rollback(self._fed)
        return Draft(tuple(self._tokens), tuple(self._kinds))

    def _take(self, tokens: Sequence[int]) -> Sequence[int]:
        """Adds the first of these tokens, as many as there is room for and the grammar allows."""
        tokens = tokens[: self._most - len(self._tokens)]
        tokens = tokens[: self._matcher.try_consume_tokens(list(tokens))] if tokens else tokens
        self._fed += len(tokens)
        self._tokens += tokens
        return tokens


class _Guessing(_Sketch):
    """With guesses. Its tokens are added to the text too."""

    def __init__(
        self,
        matcher: LLMatcher,
        most: int,
        most_guessed: int,
        text: CopySource,
        tokenizer: LLTokenizer,
        lengths: Mapping[int, int],
    ) -> None:
        """`most_guessed`: the length up to which guesses are added."""
        super().__init__(matcher, most)
        self._most_guessed = most_guessed
        self._text = text
        self._tokenizer = tokenizer
        self._lengths = lengths
        self._chance = 1.0
        self._mark: tuple[int, int, int, int] | None = None

    def guessed(self, chances: Chances, least: float) -> int:
        """Adds what probably comes next, as far as the grammar allows it; how many tokens.

        Bytes that the grammar forces are a guess where a longer token may begin with them, and a good one. Nothing is
        searched or tokenized whose chance is too small from the start.
        """
        room = self._most_guessed - len(self._tokens)
        if room <= 0:
            return 0
        if forced := self._matcher.compute_ff_bytes():
            worth = self._chance * chances[0] >= least
            return self._guess(0, self._tokenizer.tokenize_bytes(forced)[:room] if worth else (), chances, least)
        shortest = chances.shortest(least / self._chance) if self._chance else None
        context, place = (0, 0) if shortest is None else self._text.precedent(max(shortest, LEAST_CONTEXT))
        worth = place > 0 and self._chance * chances[kind(context)] >= least
        return self._guess(context, self._text.following(place, room) if worth else (), chances, least)

    def _guess(self, context: int, tokens: Sequence[int], chances: Chances, least: float) -> int:
        kinds: list[int] = []
        for token in tokens:
            self._chance *= chances[kind(context)]
            if self._chance < least:
                break
            kinds.append(kind(context))
            context += self._lengths[token] if context else 0
        taken = self._take(tokens[: len(kinds)])
        self._kinds += kinds[: len(taken)]
        return len(taken)

    def _take(self, tokens: Sequence[int]) -> Sequence[int]:
        taken = super()._take(tokens)
        if taken:
            # Not before: what was searched without a draft holds for the text without it.
            self._mark = self._mark or self._text.mark()
            self._text.add(taken)
        return taken

    def undo(self) -> Draft:
        if self._mark is not None:
            self._text.cut(self._mark)
        return super().undo()
