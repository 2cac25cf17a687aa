"""A model's vocabulary as llguidance needs it; it can be sent to another process, where it imports nothing heavy."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from latticework.engines.text_tokens import Markup, of_text
from latticework.engines.token_texts import TokenTexts
from turngrammar.matching import limits_of

# `eos_token_id` in a generation config.
EndTokens = int | Sequence[int] | None


def all_ends(own: int | None, configured: EndTokens) -> tuple[int, ...]:
    """The tokenizer's own first, then those of the generation config in their order; each once."""
    listed = [configured] if isinstance(configured, int) else list(configured or ())
    return tuple(dict.fromkeys(token_id for token_id in (own, *listed) if token_id is not None))


@dataclass(frozen=True, slots=True)
class Trial:
    """What llguidance makes of a grammar.

    Attributes:
        error: why it can't be used; None if it can.
        opening: the tokens with which every answer begins.
        walked: whether it allowed the text along which it was tried.
    """

    error: str | None = None
    opening: tuple[int, ...] = ()
    walked: bool = False


@dataclass(frozen=True, slots=True)
class Beginning:
    """How far a grammar allows a text as the beginning of an answer.

    Attributes:
        token_ids: of the text; no special tokens.
        allowed: the number of its characters that the grammar allows.
        expected: the only text that the grammar allows behind them; "" if it allows several.
        complete: whether nothing can follow the text.
    """

    token_ids: tuple[int, ...]
    allowed: int
    expected: str = ""
    complete: bool = False


def is_special(token: str, *, flagged: bool) -> bool:
    """Whether llguidance takes an added token for special: it does so for any `<...>`, flagged or not."""
    return flagged or (token.startswith("<") and token.endswith(">"))


def with_special(source: str, added: Mapping[str, bool], special: Collection[str]) -> str:
    """The JSON of a tokenizer of which llguidance takes exactly these added tokens for special.

    Args:
        source: the tokenizer's JSON.
        added: its added tokens: text, and whether it is flagged special.
        special: the texts of the tokens that should be special.
    """
    wrong = {text for text, flagged in added.items() if is_special(text, flagged=flagged) != (text in special)}
    if not wrong:
        return source
    content = json.loads(source)
    vocabulary = content["model"].get("vocab")
    if isinstance(vocabulary, dict):  # an ordinary token belongs to the model's own vocabulary
        ordinary = [token for token in content["added_tokens"] if token["content"] in wrong - set(special)]
        vocabulary.update({token["content"]: token["id"] for token in ordinary})
        content["added_tokens"] = [token for token in content["added_tokens"] if token not in ordinary]
    for token in content["added_tokens"]:
        token["special"] = token["special"] or token["content"] in special
    return json.dumps(content, ensure_ascii=False)


@dataclass(frozen=True)
class TiktokenVocabulary:
    """A byte-level BPE in tiktoken's terms.

    Attributes:
        ranks: the id of each token by its bytes; pairs with lower ids merge first.
        pattern: the regex that splits a text before it is encoded.
        special_tokens: text and id of each special token.
    """

    ranks: Mapping[bytes, int]
    pattern: str
    special_tokens: Mapping[str, int]

    def matchable(self, size: int | None, end: int | None) -> LLTokenizer:
        make: Callable[..., LLTokenizer] = getattr(LLTokenizer, "from_tiktoken")  # noqa: B009 - its stubs lack it
        return make(
            encoder=self.ranks,
            special_tokens=self.special_tokens,
            pattern=self.pattern,
            n_vocab=size,
            eos_token=end,
        )


@dataclass(frozen=True)
class SentencePieceVocabulary:
    """A SentencePiece model.

    Attributes:
        model: its serialized protocol buffer. It adds no blank before a text: texts here continue others.
        special_tokens: text and id of each special token, the model's own included.
        added_tokens: text and id of each token that was added after the model's own and is not special.
    """

    model: bytes
    special_tokens: Mapping[str, int]
    added_tokens: Mapping[str, int] = field(default_factory=dict)

    def matchable(self, size: int | None, end: int | None) -> LLTokenizer:
        from sentencepiece import SentencePieceProcessor

        processor = SentencePieceProcessor(model_proto=self.model)
        return LLTokenizer(TokenizerWrapper(_SentencePieceTokens(self, processor, size or 0, end)))


class _SentencePieceTokens:
    """The attributes that llguidance's wrapper reads. An id without a token is named by its number, and special."""

    bos_token_id = None

    def __init__(self, pieces: SentencePieceVocabulary, processor: Any, size: int, end: int | None) -> None:
        named = {**pieces.special_tokens, **pieces.added_tokens}
        known = {token_id: text.encode() for text, token_id in named.items()}
        size = max(size, processor.get_piece_size(), *(token_id + 1 for token_id in known))
        own = {token_id: _piece_bytes(processor, token_id) for token_id in range(processor.get_piece_size())}
        tokens = own | known
        self.eos_token_id = end
        self.tokens = [tokens.get(token_id) or b"<[%d]>" % token_id for token_id in range(size)]
        nameless = [token_id for token_id in range(size) if not tokens.get(token_id)]
        self.special_token_ids = [*pieces.special_tokens.values(), *nameless]
        self._encode = processor.encode

    def __call__(self, text: str) -> list[int]:
        return list(self._encode(text))


def _piece_bytes(processor: Any, token_id: int) -> bytes | None:
    """None for a control token, which has no text."""
    piece = str(processor.id_to_piece(token_id))
    if processor.is_byte(token_id):
        return bytes([int(piece[1:-1], 16)])  # <0x0A>
    if processor.is_control(token_id) or processor.is_unknown(token_id) or processor.is_unused(token_id):
        return None
    return piece.replace("▁", " ").encode()


VocabularySource = str | TiktokenVocabulary | SentencePieceVocabulary


@dataclass(frozen=True)
class Vocabulary:
    """Attributes:

    source: the JSON of a Hugging Face tokenizer, "byte" for one token per byte, or a tiktoken or SentencePiece one.
    size: the number of the model's logits; None: as many as the tokenizer has entries.
    eos: the tokenizer's own end of sequence, which ends an answer.
    ends: the ids of the other tokens that may end an answer.
    special_tokens: text and id of each token that the matcher takes for special: no text in a grammar matches it.
    stock: whether something else enforces grammars, which takes the names of special tokens in a text for them.
    """

    source: VocabularySource
    size: int | None = None
    eos: int | None = None
    ends: tuple[int, ...] = ()
    special_tokens: Mapping[str, int] = field(default_factory=dict)
    stock: bool = False

    def __getstate__(self) -> dict[str, Any]:
        """The fields; what is cached of them is made again."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def matchable(self) -> LLTokenizer:
        """Takes a second for a large vocabulary."""
        return self._as_read if self.stock else of_text(self._as_read, self.special_tokens)

    @property
    def _as_read(self) -> LLTokenizer:
        if not isinstance(self.source, str):
            return self.source.matchable(self.size, self.eos)
        return LLTokenizer(self.source, n_vocab=self.size, eos_token=self.eos)

    def with_markup(self, text: str) -> list[int]:
        """The tokens of a text in which the names of special tokens stand for them."""
        return Markup(self.matchable, self.special_tokens).tokens(text.encode())

    @cached_property
    def texts(self) -> TokenTexts:
        """Takes a second for a large vocabulary."""
        tokens = (self.matchable.decode_bytes([token_id]) for token_id in range(self.matchable.vocab_size))
        return TokenTexts([*tokens, *(text.encode() for text in self.special_tokens)])

    @cached_property
    def longest(self) -> int:
        """Bytes of the longest token that a text may have."""
        ordinary = (one for one in range(self.matchable.vocab_size) if not self.matchable.is_special_token(one))
        return max(len(self.matchable.decode_bytes([token_id])) for token_id in ordinary)

    def trial(self, grammar: str, text: str = "") -> Trial:
        """Compiles the grammar, llguidance Lark, and begins to generate with it, up to the first mask behind `text`.

        Takes seconds for a large grammar.
        """
        matcher = LLMatcher(self.matchable, grammar, log_level=0, limits=limits_of(grammar))
        if matcher.is_error():
            return Trial(matcher.get_error())
        matcher.compute_bitmask()
        opening = matcher.compute_ff_tokens()
        matcher.consume_tokens(opening)
        matcher.compute_bitmask()
        if matcher.is_error():
            return Trial(matcher.get_error(), tuple(opening))
        matcher.reset()
        tokens = self.matchable.tokenize_str(text)
        walked = matcher.try_consume_tokens(tokens) == len(tokens)
        if walked:
            matcher.compute_bitmask()
        return Trial(matcher.get_error() if matcher.is_error() else None, tuple(opening), walked)

    def beginning(self, grammar: str, text: str) -> Beginning:
        """How far the grammar, which `trial` has tried, allows the text. Takes seconds for a large grammar.

        A matcher follows bytes, so any tokens will do that have those of the text and are not special.
        """
        vocabulary = self.matchable
        matcher = LLMatcher(vocabulary, grammar, log_level=0, limits=limits_of(grammar))
        token_ids = vocabulary.greedy_tokenize(text)
        taken = matcher.try_consume_tokens(token_ids)
        if taken == len(token_ids):
            return Beginning(tuple(token_ids), len(text), complete=matcher.is_stopped())
        matcher.reset()
        allowed = next(place for place, letter in enumerate(text) if not self._takes(matcher, letter))
        return Beginning(tuple(token_ids), allowed, matcher.compute_ff_bytes().decode(errors="ignore"))

    def _takes(self, matcher: LLMatcher, letter: str) -> bool:
        """Feeds the matcher a character, unless it does not allow that."""
        token_ids = self.matchable.greedy_tokenize(letter)
        taken = matcher.try_consume_tokens(token_ids)
        if taken == len(token_ids):
            return True
        matcher.rollback(taken)
        return False
