"""Compiled grammars on the engine core's side: vLLM compiles one for each request, this backend one for each text.

A specification is an opening, the ids of tokens that the prompt ends with and that are the answer's first, and behind
a line break the grammar in Lark.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from llguidance import LLMatcher, LLTokenizer
from vllm.v1.structured_output.backend_guidance import GuidanceBackend, GuidanceGrammar
from vllm.v1.structured_output.backend_types import StructuredOutputOptions

from latticework.engines.base import EngineDead
from latticework.engines.wrapping import wrapped
from turngrammar.cache import Cache

# What compiled grammars may take together. llguidance does not tell what one takes: measured, it is some 30 KB, and for
# large ones up to ten times their text; running answers share the most of it.
MOST_BYTES = 256 * 2**20
BYTES_EACH = 32 * 2**10
BYTES_A_LETTER = 10

UNSUPPORTED = """Drafts are off, and without them vLLM itself holds answers to their grammars. It takes fast \
tokenizers and tekken.json alone; this model has a {}. Switch drafts on, or save the tokenizer as a tokenizer.json \
and name that with --tokenizer."""

# Seen in vLLM 0.32: its bitmask is as long as tekken.json's tokens, and what is beyond it is left unmasked.
UNMASKED = """Drafts are off, and without them vLLM itself holds answers to their grammars. With \
a tokenizer of Mistral's own it masks the {} tokens, but this model has {} logits. Switch drafts on."""


def specification(opening: Sequence[int], grammar: str) -> str:
    """What is sent to the engine core."""
    return f"{' '.join(map(str, opening))}\n{grammar}"


def read(specification: str) -> tuple[list[int], str]:
    """The opening and the grammar."""
    opening, _, grammar = specification.partition("\n")
    return [int(token) for token in opening.split()], grammar


class KeptGrammars(GuidanceBackend):
    """llguidance, each text compiled once.

    Raises ValueError for a text that is no grammar: its request ends, and up to vLLM 0.25 the whole engine. The layer
    above lets none through.
    """

    def __post_init__(self) -> None:
        """vLLM's own takes fast tokenizers and tekken alone."""
        config = self.vllm_config.structured_outputs_config
        self.disable_any_whitespace = config.disable_any_whitespace
        self.disable_additional_properties = config.disable_additional_properties
        self.ll_tokenizer = _matchable(self.tokenizer, self.vocab_size)
        self.kept: Cache[str, LLMatcher] = Cache(MOST_BYTES, _weight)

    def compile_grammar(
        self, request_type: StructuredOutputOptions, grammar_spec: str, *args: Any, **kwargs: Any
    ) -> GuidanceGrammar:
        opening, grammar = read(grammar_spec)
        matcher = self.kept.get(grammar, lambda: self._compiled(request_type, grammar)).deep_copy()
        matcher.consume_tokens(opening)
        if matcher.is_error():
            raise ValueError(matcher.get_error())
        return GuidanceGrammar(matcher, self.ll_tokenizer, self.vocab_size)

    def _compiled(self, request_type: StructuredOutputOptions, grammar: str) -> LLMatcher:
        matcher: LLMatcher = super().compile_grammar(request_type, grammar).ll_matcher
        return matcher


def _matchable(tokenizer: Any, size: int) -> LLTokenizer:
    try:
        return wrapped(tokenizer, size).vocabulary.matchable
    except EngineDead:  # whoever starts this engine finds the same, and says so
        return LLTokenizer("byte")


def refuse_unsupported(tokenizer: Any, size: int) -> None:
    """Raises EngineDead for a tokenizer that vLLM's own backend does not take, or would not mask all logits of."""
    is_supported = getattr(GuidanceBackend, "is_tokenizer_supported", None)
    if is_supported is not None and not is_supported(tokenizer):
        raise EngineDead(UNSUPPORTED.format(type(tokenizer).__name__.removeprefix("Cached")))
    if not hasattr(tokenizer, "backend_tokenizer") and len(tokenizer) < size:
        raise EngineDead(UNMASKED.format(len(tokenizer), size))


def _weight(grammar: str, matcher: LLMatcher) -> int:
    return BYTES_EACH + BYTES_A_LETTER * len(grammar)
