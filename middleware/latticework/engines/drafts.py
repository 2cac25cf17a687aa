"""Tokens that need no forward pass of their own, since they can be told before the model is asked.

A grammar forces nearly half of a document's tokens, and much of the rest is copied from the prompt. Both are drafted
here, one behind the other, and then checked by the model in a single pass. What the grammar forces is certain: the
mask allows nothing else. A copy is a guess, cut to what the grammar allows; a wrong one costs a little time and never
changes the answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from llguidance import LLMatcher, LLTokenizer

from latticework.engines.worth import Chances, kind

# A copy needs this many bytes of context that stand in the text too, and more than this many tell nothing more.
LEAST_CONTEXT = 2
MOST_CONTEXT = 48
# Bytes of text behind a match that may be copied, and how far back matches are looked for.
STRETCH = 96
REACH = 1 << 16


@dataclass(frozen=True, slots=True)
class Draft:
    """What may come next.

    `kinds` says of each token what it rests on: CERTAIN, or a guess, with the kind of its context (worth.py).
    """

    token_ids: tuple[int, ...] = ()
    kinds: tuple[int, ...] = ()


CERTAIN = -1
NOTHING = Draft()


class Text:
    """Prompt and answer so far, as bytes: what can be copied from."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        self._bytes = bytearray()

    def add(self, token_ids: Sequence[int]) -> None:
        self._bytes += self._tokenizer.decode_bytes(list(token_ids))

    def __len__(self) -> int:
        return len(self._bytes)

    def cut(self, length: int) -> None:
        """Forgets what was added behind `length` bytes, a draft."""
        del self._bytes[length:]

    def precedent(self) -> tuple[int, bytes]:
        """What followed the last time that the text ended as it ends now, and in how many bytes it did.

        Nothing, where the context is too short to tell.
        """
        text = self._bytes
        end = len(text) - 1  # the end itself is no precedent
        start = max(0, end - REACH)
        found, least, most = -1, 0, min(MOST_CONTEXT, end - start)
        # What stands behind a longer context stands behind each shorter one: the longest is found by halving.
        while least < most:
            length = (least + most + 1) // 2
            at = text.rfind(text[-length:], start, end)
            if at < 0:
                most = length - 1
            else:
                least, found = length, at + length
        return least, bytes(text[found : found + STRETCH]) if least >= LEAST_CONTEXT else b""


class Drafter:
    """Drafts for any number of answers."""

    def __init__(self, tokenizer: LLTokenizer) -> None:
        self._tokenizer = tokenizer
        ends = tokenizer.eos_tokens
        # Where there are several ends, the model chooses.
        self._end = ends[0] if len(ends) == 1 else None

    def text(self, token_ids: Sequence[int]) -> Text:
        """A fresh text that begins with these tokens."""
        text = Text(self._tokenizer)
        text.add(token_ids)
        return text

    def certain(self, matcher: LLMatcher, text: Text, most: int) -> Draft:
        """At most `most` tokens that the grammar forces. `matcher` and `text` are left as they were."""
        return self._drafted(_Sketch(self._tokenizer, matcher, text, most), None, 1.0)

    def likely(self, matcher: LLMatcher, text: Text, most: int, chances: Chances, least: float) -> Draft:
        """The same, and guesses between them as long as the whole is at least so likely to hold."""
        return self._drafted(_Sketch(self._tokenizer, matcher, text, most), chances, least)

    def _drafted(self, sketch: _Sketch, chances: Chances | None, least: float) -> Draft:
        while sketch.forced() or (chances is not None and sketch.guessed(chances, least)):
            pass
        if self._end is not None:
            sketch.end(self._end)
        return sketch.undo()


class _Sketch:
    """A draft that grows. Its tokens are fed to the matcher and added to the text until `undo`."""

    def __init__(self, tokenizer: LLTokenizer, matcher: LLMatcher, text: Text, most: int) -> None:
        self._tokenizer = tokenizer
        self._matcher = matcher
        self._text = text
        self._most = most
        self._length = len(text)
        self._tokens: list[int] = []
        self._kinds: list[int] = []
        self._fed = 0
        self._chance = 1.0

    def forced(self) -> bool:
        """Adds what the grammar forces; whether there was any."""
        tokens = self._take(self._matcher.compute_ff_tokens())
        self._kinds += [CERTAIN] * len(tokens)
        return bool(tokens)

    def guessed(self, chances: Chances, least: float) -> bool:
        """Adds what probably comes, as far as the grammar allows it; whether there was any.

        Bytes that the grammar forces are no certain token where a longer one may begin with them, but a good guess.
        """
        likely = self._matcher.compute_ff_bytes()
        context, likely = (0, likely) if likely else self._text.precedent()
        kinds = []
        tokens = self._tokenizer.tokenize_bytes(likely) if likely else []
        for token in tokens:
            self._chance *= chances[kind(context)]
            if self._chance < least:
                break
            kinds.append(kind(context))
            context += len(self._tokenizer.decode_bytes([token])) if context else 0
        taken = self._take(tokens[: len(kinds)])
        self._kinds += kinds[: len(taken)]
        return bool(taken)

    def end(self, token: int) -> None:
        """Adds the end of the answer where nothing else can come. The matcher is not fed it.

        A guess may have ended it: a chat in the prompt has the ends of earlier answers.
        """
        if self._matcher.is_stopped() and len(self._tokens) < self._most and self._tokens[-1:] != [token]:
            self._tokens.append(token)
            self._kinds.append(CERTAIN)

    def undo(self) -> Draft:
        """The draft, and everything else as it was."""
        if self._fed:
            self._matcher.rollback(self._fed)
        self._text.cut(self._length)
        return Draft(tuple(self._tokens), tuple(self._kinds))

    def _take(self, tokens: Sequence[int]) -> Sequence[int]:
        """The first of these tokens, as many as there is room for and the grammar allows."""
        tokens = tokens[: self._most - len(self._tokens)]
        tokens = tokens[: self._matcher.try_consume_tokens(list(tokens))] if tokens else tokens
        self._fed += len(tokens)
        self._tokens += tokens
        self._text.add(tokens)
        return tokens
