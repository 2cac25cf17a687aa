"""What the tokens of an answer say: their text, and how likely each was."""

from __future__ import annotations

from collections.abc import Sequence

from latticework.engines.base import Sampling, TokenLogprob
from latticework.engines.detokenizer import Detokenizer
from latticework.engines.tokenizer import ModelTokenizer

# JSON knows no infinity; OpenAI writes this for a token that can't come.
IMPOSSIBLE = -9999.0


class Written:
    """One answer's tokens, in their order. `feed` is its detokenizer's."""

    def __init__(self, tokenizer: ModelTokenizer, sampling: Sampling) -> None:
        hidden = () if sampling.special_tokens else tokenizer.special_tokens.values()
        self._token_bytes = tokenizer.token_bytes
        self._tells = sampling.sources
        self.feed = Detokenizer(tokenizer.token_bytes, frozenset(hidden)).feed

    def texts(self, token_ids: Sequence[int], *, last: bool) -> list[str]:
        """What is new of the text; token by token, where it is told how each came."""
        if not self._tells or not token_ids:
            return [self.feed(token_ids, last=last)]
        *before, end = token_ids
        return [*(self.feed((one,)) for one in before), self.feed((end,), last=last)]

    def logprob(self, token_id: int, logprob: float) -> TokenLogprob:
        spelled = self._token_bytes[token_id]
        return TokenLogprob(spelled.decode(errors="replace"), max(logprob, IMPOSSIBLE), tuple(spelled))
