"""What a probe asks for, put to the installed vLLM: `guidance` alone takes the one and refuses the other."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vllm.config import StructuredOutputsConfig
from vllm.exceptions import VLLMValidationError
from vllm.sampling_params import SamplingParams, StructuredOutputsParams

from latticework.engines.remote.probe import UNRESOLVED, probe_grammar
from tests.remote import byte_tokenizer


def is_taken(backend: str, **constraint: Any) -> bool:
    asked = SamplingParams(structured_outputs=StructuredOutputsParams(**constraint))
    model: Any = SimpleNamespace(is_diffusion=False)
    try:
        asked._validate_structured_outputs(model, StructuredOutputsConfig(backend=backend), byte_tokenizer()._tokenizer)
    except (VLLMValidationError, ValueError):
        return False
    return True


@pytest.mark.parametrize("backend", ["guidance", "auto", "xgrammar", "outlines", "lm-format-enforcer"])
def test_each_backend_but_guidance_gives_itself_away(backend: str) -> None:
    taken = is_taken(backend, grammar=probe_grammar(1)), is_taken(backend, json=UNRESOLVED)
    assert (taken == (True, False)) == (backend == "guidance")


def test_auto_takes_both() -> None:
    assert is_taken("auto", grammar=probe_grammar(1))
    assert is_taken("auto", json=UNRESOLVED)
