"""Hugging Face's fast tokenizers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from pickle import PicklingError
from typing import Any

from latticework.engines.encoder import BackendEncoder, Encoder
from latticework.engines.markup import markup
from latticework.engines.sent_tokenizer import facts_of, sent_tokenizer
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vocabulary import EndTokens, Vocabulary, all_ends, is_special, with_special

# Stands for the tokens of a text.
_TEXT = -1


class HuggingFaceTokenizer(ModelTokenizer):
    """Wraps a `PreTrainedTokenizerFast`.

    `vocabulary_size` counts the model's logits, which may exceed the tokenizer's entries. `ends` is `eos_token_id` of
    the model's generation config.
    """

    def __init__(
        self,
        tokenizer: Any,
        vocabulary_size: int,
        ends: EndTokens = None,
        backend: Any = None,
        *,
        stock_matcher: bool = False,
    ) -> None:
        """`backend`: the `tokenizers.Tokenizer` that it was converted to, if it has none of its own.

        `stock_matcher`: whether something else enforces grammars, with llguidance's own view of the tokenizer: then the
        tokens that llguidance takes for special are. Otherwise markup is special, and Gemma's `<b>` is not.
        """
        super().__init__(max(vocabulary_size, len(tokenizer)), all_ends(tokenizer.eos_token_id, ends))
        self._tokenizer = tokenizer
        self._converted = backend
        self._stock_matcher = stock_matcher

    def __reduce__(self) -> tuple[Any, ...]:
        """To another process goes what it needs, not what this one is made of: that would bring its engine along.

        Raises PicklingError.
        """
        encoder = self.encoder
        if encoder is None or self._cleans_up:
            raise PicklingError("it is written in Python")
        return sent_tokenizer, (facts_of(self), encoder)

    @property
    def chat_template(self) -> str | None:
        template = self._tokenizer.chat_template
        return one_template(template) if isinstance(template, Mapping) else template

    @property
    def response_template(self) -> Mapping[str, Any] | None:
        return getattr(self._tokenizer, "response_template", None)

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
        special = self._is_special_to_stock if self._stock_matcher else self._is_special_to_ours
        added = self._tokenizer.added_tokens_decoder.items()
        return {token.content: token_id for token_id, token in added if special(token)}

    def _is_special_to_stock(self, token: Any) -> bool:
        return is_special(token.content, flagged=token.special)

    def _is_special_to_ours(self, token: Any) -> bool:
        return token.special or token.content in self._markup

    @cached_property
    def _markup(self) -> frozenset[str]:
        return markup(self.added_tokens, self.chat_template or "")

    def encode(self, text: str, special: bool = False) -> list[int]:
        """Safe in any thread; threads share one tokenizer.

        vLLM's tokenizer would lend each thread a copy, and where none was left, vLLM's own next request would make one:
        on the event loop, for longer than a dozen streamed tokens take.
        """
        return self._encoder.encode(text, special)

    def decode(self, token_ids: Sequence[int]) -> str:
        text = self._encoder.decode(token_ids)
        return str(self._tokenizer.clean_up_tokenization(text)) if self._cleans_up else text

    @cached_property
    def _cleans_up(self) -> bool:
        """Whether transformers removes blanks before punctuation: never for BPE, whatever the tokenizer's files say."""
        configured = getattr(self._tokenizer, "clean_up_tokenization_spaces", False)
        return bool(configured) and type(self._backend.model).__name__ != "BPE"

    def token_strings(self, token_ids: Sequence[int]) -> list[str]:
        return self._encoder.token_strings(token_ids)

    def encode_segments(self, segments: Sequence[str], markup: frozenset[str]) -> list[int]:
        return self._encoder.encode_segments(segments, markup)

    @property
    def encoder(self) -> Encoder | None:
        return self._encoder

    @cached_property
    def _encoder(self) -> BackendEncoder:
        if self._converted is None:
            return BackendEncoder(self._backend)
        built = list(self._tokenizer.build_inputs_with_special_tokens([_TEXT]))
        at = built.index(_TEXT)
        return BackendEncoder(self._backend, (built[:at], built[at + 1 :]))

    @cached_property
    def vocabulary(self) -> Vocabulary:
        source = self._backend.to_str()
        if not self._stock_matcher:
            source = with_special(source, self.added_tokens, self.special_tokens)
        return replace(self.vocabulary_of(source, self._tokenizer.eos_token_id), stock=self._stock_matcher)

    @cached_property
    def _backend(self) -> Any:
        """A `tokenizers.Tokenizer` that nothing else changes."""
        backend = copy(self._converted or self._tokenizer.backend_tokenizer)
        backend.no_padding()
        backend.no_truncation()
        return backend


def one_template(named: Mapping[str, str]) -> str | None:
    """A repository's named templates as a single one: as in transformers, "tool_use" with tools, else "default"."""
    default, tools = named.get("default"), named.get("tool_use")
    if default is None or tools is None:
        return default or tools
    return f"{{% if tools %}}{tools}{{% else %}}{default}{{% endif %}}"
