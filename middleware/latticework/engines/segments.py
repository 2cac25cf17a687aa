"""Encodes texts in which nothing becomes markup, with markup between them, as a single text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from secrets import token_hex
from typing import Any

# A noncharacter, at both ends of a secret: no text has a token, a merge or a normal form with it.
_EDGE = "\ufdd1"


class SegmentEncoder:
    """A `tokenizers.Tokenizer` with the same model, in which a secret text replaces that of each markup token.

    The model, which is nearly all of a tokenizer's memory, is shared. Ordinary text is split, normalized and merged as
    if the markup's tokens had never been added; at a secret, the text is cut as at the token itself.
    """

    def __init__(self, backend: Any, markup: Collection[str]) -> None:
        self._backend = _bare(backend)
        self._secret = token_hex(8)
        added = backend.get_added_tokens_decoder()
        contents = {
            token_id: self._stand_in(token_id) if token.content in markup else token.content
            for token_id, token in added.items()
        }
        self._stand_ins = {token.content: contents[token_id] for token_id, token in added.items()}
        # A token without meaning, across which no text is merged.
        self._cut = self._stand_in("")
        self._backend.add_tokens([_copy(added[token_id], contents[token_id]) for token_id in sorted(added)])
        self._backend.add_tokens([self._cut])
        self._ids = {self._backend.token_to_id(contents[token_id]): token_id for token_id in added}
        # Some models' own vocabularies have the markup too, where ordinary text may become it: Mistral's.
        known = {backend.model.token_to_id(text): text for text in markup}
        self._reachable = {token_id: text for token_id, text in known.items() if token_id is not None}

    def encode(self, segments: Sequence[str]) -> list[int]:
        """Token ids of the segments together. Those at even places are text, the others markup."""
        ids = self._encode(segments)
        forged = self._reachable.keys() & set(ids)
        if forged:
            cut = self._backend.token_to_id(self._cut)
            ids = [token_id for token_id in self._encode(self._broken(segments, forged)) if token_id != cut]
        return [self._ids.get(token_id, token_id) for token_id in ids]

    def _encode(self, segments: Sequence[str]) -> list[int]:
        text = "".join(self._stand_ins[segment] if place % 2 else segment for place, segment in enumerate(segments))
        return encoded(self._backend, text)

    def _broken(self, segments: Sequence[str], forged: Collection[int]) -> Sequence[str]:
        """With a cut in each text that became a `forged` token."""
        broken = list(segments)
        for text in (self._reachable[token_id] for token_id in forged):
            cut = text[:1] + self._cut + text[1:]
            broken[::2] = [segment.replace(text, cut) for segment in broken[::2]]
        return broken

    def _stand_in(self, of: object) -> str:
        return f"{_EDGE}{self._secret}-{of}{_EDGE}"


def encoded(backend: Any, text: str, *, special: bool = False) -> list[int]:
    """Token ids of a text, of which a `tokenizers.Tokenizer` makes a batch: for one alone it would hold Python's lock,
    which stalls every stream for as long as a long text takes.
    """
    (encoding,) = backend.encode_batch_fast([text], add_special_tokens=special)
    return list(encoding.ids)


def _bare(backend: Any) -> Any:
    """A tokenizer of the same model and steps, without added tokens."""
    bare = type(backend)(backend.model)
    if backend.normalizer is not None:
        bare.normalizer = backend.normalizer
    if backend.pre_tokenizer is not None:
        bare.pre_tokenizer = backend.pre_tokenizer
    return bare


def _copy(token: Any, content: str) -> Any:
    """The token, unchanged under its own text; under another, it is found wherever that occurs."""
    same = content == token.content
    return type(token)(
        content,
        single_word=token.single_word and same,
        lstrip=token.lstrip,
        rstrip=token.rstrip,
        normalized=token.normalized and same,
        special=False,
    )
