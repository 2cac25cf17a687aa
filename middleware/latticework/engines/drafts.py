"""Drafts: tokens that need no forward pass of their own, because they can be predicted without the model.

A grammar forces nearly half of a document's tokens, and much of the rest is copied from the prompt. Both are drafted
here, one after the other, and then checked by the model in a single pass. What the grammar forces is certain: the mask
allows nothing else. A copy is a guess, cut to what the grammar allows; a wrong one costs a little time and never
changes the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from llguidance import LLMatcher, LLTokenizer

from latticework.engines.text_tokens import Markup
from latticework.engines.worth import Chances, kind

# Bytes of context that a copy needs in common with the text before it; more than the most predict no better.
LEAST_CONTEXT = 2
MOST_CONTEXT = 48
# Bytes that may be copied from behind a match, and how many bytes back matches are searched.
STRETCH = 96
REACH = 1 << 16

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


class CopySource:
    """Prompt and answer so far, as bytes: what can be copied from."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = bytearray()

    def add(self, token_ids: Sequence[int]) -> None:
        self._bytes += self._tokenizer.decode_bytes(list(token_ids))

    def __len__(self) -> int:
        return len(self._bytes)

    def cut(self, length: int) -> None:
        """Removes what was added after `length` bytes: a draft."""
        del self._bytes[length:]

    def precedent(self) -> tuple[int, bytes]:
        """How many bytes of the text's end occurred before, and what followed them last time.

        Nothing follows where the context is too short to predict anything.
        """
        text = self._bytes
        end = len(text) - 1  # the end itself is no precedent
        start = max(0, end - REACH)
        match, least, most = -1, 0, min(MOST_CONTEXT, end - start)
        # What follows a longer context follows each shorter one: the longest is searched by halving.
        while least < most:
            length = (least + most + 1) // 2
            at = text.rfind(text[-length:], start, end)
            if at < 0:
                most = length - 1
            else:
                least, match = length, at + length
        return least, bytes(text[match : match + STRETCH]) if least >= LEAST_CONTEXT else b""


class Drafter:
    """Drafts for any number of answers."""

    def __init__(self, tokenizer: LLTokenizer, special: Mapping[str, int] = MappingProxyType({})) -> None:
        """`special`: the special tokens of its vocabulary by their names."""
        self._tokenizer = tokenizer
        self._markup = Markup(tokenizer, special)
        ends = tokenizer.eos_tokens
        # Where several tokens may end an answer, the model chooses.
        self._end = ends[0] if len(ends) == 1 else None

    def text(self, token_ids: Sequence[int]) -> CopySource:
        """A new source that begins with these tokens."""
        text = CopySource(self._tokenizer)
        text.add(token_ids)
        return text

    def certain(self, matcher: LLMatcher, text: CopySource, most: int, ahead: Sequence[int] | None = None) -> Draft:
        """At most `most` tokens that the grammar forces. `matcher` and `text` are left as they were.

        `ahead`: tokens that are likely to come first, and behind them one more, the draft's lead; None where the next
        token is the draft's first.
        """
        return self._drafted(matcher, text, most, ahead, None, 1.0)

    def likely(
        self,
        matcher: LLMatcher,
        text: CopySource,
        most: int,
        chances: Chances,
        least: float,
        ahead: Sequence[int] | None = None,
    ) -> Draft:
        """The same, with guesses between them while the probability of the whole draft is at least `least`."""
        return self._drafted(matcher, text, most, ahead, chances, least)

    def _drafted(
        self,
        matcher: LLMatcher,
        text: CopySource,
        most: int,
        ahead: Sequence[int] | None,
        chances: Chances | None,
        least: float,
    ) -> Draft:
        before = 0 if ahead is None else len(ahead) + 1
        sketch = _Sketch(self._tokenizer, self._markup, matcher, text, before + most)
        if sketch.assume(ahead or ()):
            while sketch.forced() or (chances is not None and sketch.guessed(chances, least)):
                pass
            if self._end is not None:
                sketch.end(self._end)
        return sketch.undo().after(before)


class _Sketch:
    """A draft that grows. Its tokens are fed to the matcher and added to the text until `undo`."""

    def __init__(self, tokenizer: LLTokenizer, markup: Markup, matcher: LLMatcher, text: CopySource, most: int) -> None:
        self._tokenizer = tokenizer
        self._markup = markup
        self._matcher = matcher
        self._text = text
        self._most = most
        self._length = len(text)
        self._tokens: list[int] = []
        self._kinds: list[int] = []
        self._fed = 0
        self._chance = 1.0

    def assume(self, tokens: Sequence[int]) -> bool:
        """Adds these tokens; whether the grammar allows them all."""
        taken = self._take(tokens)
        self._kinds += [CERTAIN] * len(taken)
        return len(taken) == len(tokens)

    def forced(self) -> bool:
        """Adds what the grammar forces; whether there is any."""
        tokens = self._take(self._matcher.compute_ff_tokens())
        self._kinds += [CERTAIN] * len(tokens)
        return bool(tokens)

    def guessed(self, chances: Chances, least: float) -> bool:
        """Adds what probably comes next, as far as the grammar allows it; whether there is any.

        Bytes that the grammar forces are a guess where a longer token may begin with them, and a good one.
        """
        context, tokens = self._likely()
        kinds = []
        for token in tokens:
            self._chance *= chances[kind(context)]
            if self._chance < least:
                break
            kinds.append(kind(context))
            context += len(self._tokenizer.decode_bytes([token])) if context else 0
        taken = self._take(tokens[: len(kinds)])
        self._kinds += kinds[: len(taken)]
        return bool(taken)

    def _likely(self) -> tuple[int, Sequence[int]]:
        """The bytes of context of a copy, 0 for forced bytes, and the tokens. Only what is copied may be markup."""
        if forced := self._matcher.compute_ff_bytes():
            return 0, self._tokenizer.tokenize_bytes(forced)
        context, following = self._text.precedent()
        return context, self._markup.tokens(following)

    def end(self, token: int) -> None:
        """Adds the end of the answer where nothing else can follow. The matcher does not get it.

        A guess may have ended the answer already: a chat in the prompt has the ends of earlier answers.
        """
        if self._matcher.is_stopped() and len(self._tokens) < self._most and self._tokens[-1:] != [token]:
            self._tokens.append(token)
            self._kinds.append(CERTAIN)

    def undo(self) -> Draft:
        """Returns the draft, and restores everything else."""
        if self._fed:
            self._matcher.rollback(self._fed)
        self._text.cut(self._length)
        return Draft(tuple(self._tokens), tuple(self._kinds))

    def _take(self, tokens: Sequence[int]) -> Sequence[int]:
        """Adds the first of these tokens, as many as there is room for and the grammar allows."""
        tokens = tokens[: self._most - len(self._tokens)]
        tokens = tokens[: self._matcher.try_consume_tokens(list(tokens))] if tokens else tokens
        self._fed += len(tokens)
        self._tokens += tokens
        self._text.add(tokens)
        return tokens
