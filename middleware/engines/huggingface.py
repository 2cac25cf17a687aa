"""A Hugging Face fast tokenizer as the layer above needs it: templates, ids, and llguidance's view of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Any

from grammars.cache import Cache
from middleware.engines.segments import SegmentEncoder
from middleware.engines.vocabulary import EndTokens, Trial, Vocabulary, all_ends, is_special

# What is remembered of grammars that were tried: the weight of their texts together, in letters.
MOST_LETTERS = 32 * 2**20


class HuggingFaceTokenizer:
    """Wraps a `PreTrainedTokenizerFast`.

    `vocabulary_size` counts the model's logits, which may be more than the tokenizer's entries. `ends` is what the
    model's generation config has for `eos_token_id`.
    """

    def __init__(self, tokenizer: Any, vocabulary_size: int, ends: EndTokens = None) -> None:
        self._tokenizer = tokenizer
        self.ends = all_ends(tokenizer.eos_token_id, ends)
        self.vocabulary_size = max(vocabulary_size, len(tokenizer))
        self._encoders: dict[frozenset[str], SegmentEncoder] = {}
        self._tried: Cache[str, Trial] = Cache(MOST_LETTERS, lambda grammar, trial: len(grammar))

    @property
    def chat_template(self) -> str:
        return str(self._tokenizer.get_chat_template())

    @property
    def named_tokens(self) -> Mapping[str, str]:
        return {
            name: str(token) for name, token in self._tokenizer.special_tokens_map.items() if isinstance(token, str)
        }

    @cached_property
    def added_tokens(self) -> Mapping[str, bool]:
        return {token.content: token.special for token in self._tokenizer.added_tokens_decoder.values()}

    @cached_property
    def special_tokens(self) -> Mapping[str, int]:
        added = self._tokenizer.added_tokens_decoder.items()
        return {one.content: token_id for token_id, one in added if is_special(one.content, flagged=one.special)}

    def encode(self, text: str) -> list[int]:
        """Safe in any thread, and two at once share one tokenizer.

        Of the tokenizer that vLLM gives, each thread would borrow a copy, and where none was left, vLLM's own next
        request would make one: on the event loop, for longer than a dozen streamed tokens take.
        """
        return list(self._backend.encode(text, add_special_tokens=False).ids)

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        if markup not in self._encoders:
            self._encoders[markup] = SegmentEncoder(self._backend, markup)
        return self._encoders[markup].encode(segments)

    @cached_property
    def token_bytes(self) -> Sequence[bytes]:
        """What each token stands for: part of a character, sometimes. A special token stands for its name."""
        return [self.vocabulary.matchable.decode_bytes([token_id]) for token_id in range(self.vocabulary_size)]

    def tried(self, grammar: str) -> Trial:
        """Each text is compiled once, or never, where somebody else has."""
        return self._tried.get(grammar, lambda: self.vocabulary.trial(grammar))

    def remember(self, grammar: str, trial: Trial) -> None:
        self._tried.put(grammar, trial)

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """As llguidance.hf.from_tokenizer has it."""
        eos = self._tokenizer.eos_token_id
        others = tuple(end for end in self.ends if end != eos)
        return Vocabulary(self._backend.to_str(), self.vocabulary_size, eos, others, self.special_tokens)

    @cached_property
    def _backend(self) -> Any:
        """What tokenizes, a `tokenizers.Tokenizer` of one's own."""
        backend = copy(self._tokenizer.backend_tokenizer)
        backend.no_padding()
        backend.no_truncation()
        return backend
