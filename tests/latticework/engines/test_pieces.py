"""How an answer ends that its engine has given up."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from vllm.outputs import CompletionOutput

from latticework.engines.base import EngineDead, EngineError, EngineFailed, Sampling
from latticework.engines.pieces import Pieces

TOKENIZER: Any = SimpleNamespace(token_bytes=[b"a"], special_tokens={})


@pytest.mark.parametrize(
    ("reason", "error"),
    [
        ("error", EngineFailed),  # this answer alone
        ("abort", EngineDead),  # the engine stops: another can answer, and this one once it runs again
    ],
)
def test_what_an_engine_has_given_up_is_no_answer(reason: str, error: type[EngineError]) -> None:
    read = Pieces(TOKENIZER, Sampling(9), opening=())
    assert read.piece(CompletionOutput(0, "", [0], None, None)).text == "a"
    with pytest.raises(error, match=reason):
        read.piece(CompletionOutput(0, "", [0], None, None, finish_reason=reason))
