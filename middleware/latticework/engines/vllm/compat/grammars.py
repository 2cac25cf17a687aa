"""Compiled grammars in the engine core: vLLM compiles one for each request, this backend one for each text."""

from __future__ import annotations

from typing import Any

from llguidance import LLMatcher
from vllm.v1.structured_output.backend_guidance import GuidanceBackend, GuidanceGrammar
from vllm.v1.structured_output.backend_types import StructuredOutputOptions

from latticework.engines.base import EngineDead
from latticework.engines.checkpoint import wrap_tokenizer
from latticework.engines.vllm.compat.requests import parse_specification
from latticework.engines.vocabulary import Vocabulary
from turngrammar.cache import Cache

# The memory that compiled grammars may take together. llguidance does not report it: measured, it is some 30 KB each,
# and for large ones up to ten times their text, most of which running answers share.
MOST_BYTES = 256 * 2**20
BYTES_EACH = 32 * 2**10
BYTES_PER_LETTER = 10

UNSUPPORTED = """Drafts are off, so that vLLM's own backend enforces grammars. It supports fast tokenizers and \
tekken.json only; this model has a {}. Switch drafts on, or save the tokenizer as a tokenizer.json and name that with \
--tokenizer."""


class CachedGrammars(GuidanceBackend):
    """llguidance, each text compiled once.

    Raises ValueError for a text that is no grammar: its request ends, and up to vLLM 0.25 the whole engine. The layer
    above lets none through.
    """

    def __post_init__(self) -> None:
        """vLLM's own takes fast tokenizers and tekken alone."""
        config = self.vllm_config.structured_outputs_config
        self.disable_any_whitespace = config.disable_any_whitespace
        self.disable_additional_properties = config.disable_additional_properties
        self.vocabulary = _vocabulary(self.tokenizer, self.vocab_size)
        self.ll_tokenizer = self.vocabulary.matchable
        self.kept: Cache[str, LLMatcher] = Cache(MOST_BYTES, _estimated_bytes)

    def compile_grammar(
        self, request_type: StructuredOutputOptions, grammar_spec: str, *args: Any, **kwargs: Any
    ) -> GuidanceGrammar:
        opening, grammar = parse_specification(grammar_spec)
        matcher = self.kept.get(grammar, lambda: self._compiled(request_type, grammar)).deep_copy()
        matcher.consume_tokens(opening)
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        return GuidanceGrammar(ll_matcher=matcher, ll_tokenizer=self.ll_tokenizer, vocab_size=self.vocab_size)

    def _compiled(self, request_type: StructuredOutputOptions, grammar: str) -> LLMatcher:
        matcher: LLMatcher = super().compile_grammar(request_type, grammar).ll_matcher
        return matcher


def _vocabulary(tokenizer: Any, size: int) -> Vocabulary:
    try:
        return wrap_tokenizer(tokenizer, size).vocabulary
    except EngineDead:  # the server process reports it, and stops
        return Vocabulary("byte")


def refuse_unsupported(tokenizer: Any) -> None:
    """Raises EngineDead for a tokenizer that vLLM's own backend does not take."""
    if not GuidanceBackend.is_tokenizer_supported(tokenizer):
        raise EngineDead(UNSUPPORTED.format(type(tokenizer).__name__.removeprefix("Cached")))


def _estimated_bytes(grammar: str, matcher: LLMatcher) -> int:
    return BYTES_EACH + BYTES_PER_LETTER * len(grammar)
