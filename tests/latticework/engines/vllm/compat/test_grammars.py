"""Grammars in the engine core, without an engine core."""

from __future__ import annotations

from typing import Any

import pytest
from llguidance import LLTokenizer
from vllm.v1.structured_output.backend_types import StructuredOutputOptions

from latticework.engines.base import EngineDead
from latticework.engines.vllm.compat import grammars
from latticework.engines.vllm.compat.grammars import CachedGrammars
from latticework.engines.vllm.compat.requests import parse_specification, specification
from latticework.engines.vocabulary import Vocabulary
from tests.remote import byte_tokenizer

VOWELS = "start: /[aeiou]{3}x/"


def made(monkeypatch: pytest.MonkeyPatch) -> CachedGrammars:
    monkeypatch.setattr(grammars, "_vocabulary", lambda tokenizer, size: Vocabulary("byte"))
    return CachedGrammars(_Config(), None, 256)


class _Config:
    class structured_outputs_config:
        disable_any_whitespace = False
        disable_additional_properties = False


def compile_in(backend: CachedGrammars, opening: str, grammar: str) -> Any:
    return backend.compile_grammar(
        StructuredOutputOptions.GRAMMAR, specification(list(opening.encode()), grammar), stop_token_ids=None
    )


def test_a_specification_is_read_as_it_was_written() -> None:
    for opening in ([], [5], [1, 2, 300]):
        assert parse_specification(specification(opening, "start: A\nA: /x/")) == (opening, "start: A\nA: /x/")


def test_a_grammar_is_compiled_once_and_each_answer_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = made(monkeypatch)
    first, second = compile_in(backend, "", VOWELS), compile_in(backend, "ae", VOWELS)
    kept = backend.grammars.kept
    assert (kept.misses, kept.hits) == (1, 1)
    assert first.accept_tokens("1", list(b"aei"))
    assert second.validate_tokens(list(b"ix")) == list(b"ix")
    assert first.validate_tokens(list(b"x")) == list(b"x")


def test_what_is_no_grammar_or_no_beginning_of_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = made(monkeypatch)
    for opening, grammar in (("", "start: nowhere"), ("b", VOWELS)):
        with pytest.raises(ValueError, match=r"\S"):
            compile_in(backend, opening, grammar)
    assert compile_in(backend, "a", VOWELS).validate_tokens(list(b"e")) == list(b"e")


def test_a_tokenizer_that_nobody_reads_is_told_by_the_engines_own_process() -> None:
    """In the engine core a text of any vocabulary will do: no request comes."""
    assert CachedGrammars(_Config(), None, 256).ll_tokenizer.vocab_size == LLTokenizer("byte").vocab_size


def test_without_drafts_vllms_own_backend_takes_fast_tokenizers_alone() -> None:
    grammars.refuse_unsupported(byte_tokenizer()._tokenizer)
    with pytest.raises(EngineDead, match=r"Drafts are off.*this model has a object"):
        grammars.refuse_unsupported(object())
