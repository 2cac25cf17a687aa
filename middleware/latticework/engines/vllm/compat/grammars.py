"""Compiled grammars in the engine core: vLLM compiles one for each request, this backend one for each text."""

from __future__ import annotations

from typing import Any

from vllm.v1.structured_output.backend_guidance import GuidanceBackend, GuidanceGrammar
from vllm.v1.structured_output.backend_types import StructuredOutputOptions

from latticework.engines.base import EngineDead
from latticework.engines.checkpoint import wrap_tokenizer
from latticework.engines.following import Following
from latticework.engines.grammars import Grammars
from latticework.engines.vllm.compat import GRAMMAR_WATCH
from latticework.engines.vllm.compat.requests import parse_specification
from latticework.engines.vocabulary import Vocabulary

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
        self.grammars = Grammars(self.ll_tokenizer)
        self._watch = GRAMMAR_WATCH.chosen()

    def compile_grammar(
        self, request_type: StructuredOutputOptions, grammar_spec: str, *args: Any, **kwargs: Any
    ) -> GuidanceGrammar:
        opening, grammar = parse_specification(grammar_spec)
        following = Following(self.grammars, grammar, opening)
        watched: GuidanceGrammar | None = self._watch(following, self.ll_tokenizer, self.vocab_size)
        return watched or GuidanceGrammar(following.matcher, self.ll_tokenizer, self.vocab_size)


def _vocabulary(tokenizer: Any, size: int) -> Vocabulary:
    try:
        return wrap_tokenizer(tokenizer, size).vocabulary
    except EngineDead:  # the server process reports it, and stops
        return Vocabulary("byte")


def refuse_unsupported(tokenizer: Any) -> None:
    """Raises EngineDead for a tokenizer that vLLM's own backend does not take."""
    if not GuidanceBackend.is_tokenizer_supported(tokenizer):
        raise EngineDead(UNSUPPORTED.format(type(tokenizer).__name__.removeprefix("Cached")))
