"""An answer's token ids as text, as they come, and as tokens with log probabilities."""

from __future__ import annotations

from codecs import utf_8_decode
from collections.abc import Collection, Mapping, Sequence

from latticework.engines.base import Sampling, Source, TokenLogprob, TokenSource
from latticework.engines.tokenizer import ModelTokenizer

# JSON has no infinity; OpenAI sends this for a token that can't occur.
IMPOSSIBLE = -9999.0


class Detokenizer:
    """Of one answer. A character that several tokens make up is passed on with the last of them.

    `hidden` tokens have no text; invalid UTF-8 becomes U+FFFD. A character that the end of the answer cuts is dropped,
    unless the model itself ended there.
    """

    def __init__(self, token_bytes: Sequence[bytes], hidden: Collection[int] = ()) -> None:
        self._token_bytes = token_bytes
        self._hidden = hidden
        self._rest = b""

    def feed(self, token_ids: Sequence[int], *, last: bool = False) -> str:
        """The text that these tokens complete; with the `last` of an answer that was not cut, all that is left."""
        shown = [self._token_bytes[token_id] for token_id in token_ids if token_id not in self._hidden]
        pending = self._rest + b"".join(shown)
        text, length = utf_8_decode(pending, "replace", last)
        self._rest = pending[length:]
        return text


class TokenText:
    """One answer's tokens, in their order. `feed` is its detokenizer's."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling) -> None:
        hidden = () if sampling.special_tokens else tokenizer.special_tokens.values()
        self._token_bytes = tokenizer.token_bytes
        self._by_token = sampling.sources
        self.feed = Detokenizer(tokenizer.token_bytes, frozenset(hidden)).feed

    def texts(self, token_ids: Sequence[int], *, last: bool) -> list[str]:
        """The text that these tokens complete; token by token where the request wants their sources."""
        if not self._by_token or not token_ids:
            return [self.feed(token_ids, last=last)]
        *before, end = token_ids
        return [*(self.feed((token_id,)) for token_id in before), self.feed((end,), last=last)]

    def logprob(self, token_id: int, logprob: float, rank: int = 0) -> TokenLogprob:
        token = self._token_bytes[token_id]
        text = token.decode(errors="replace")
        return TokenLogprob(text, max(logprob, IMPOSSIBLE), tuple(token), id=token_id, rank=rank)


# The source of each token, as an engine core reports it: a letter.
SAMPLED, FORCED, COPIED = "sfc"
SOURCE_NAMES: Mapping[str, Source] = {SAMPLED: "sampled", FORCED: "forced", COPIED: "copied"}


def token_sources(texts: Sequence[str], letters: str) -> tuple[TokenSource, ...]:
    """One for each letter. The token that ends an answer has no text."""
    padded = [*texts, ""]
    return tuple(TokenSource(text, SOURCE_NAMES[letter]) for text, letter in zip(padded, letters, strict=False))
