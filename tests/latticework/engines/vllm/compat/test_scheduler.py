"""vLLM's scheduler with drafts. tests/e2e runs it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vllm.v1.executor import Executor

from latticework.engines.vllm.compat.draft_scheduler import stop_draft_polling


def test_the_worker_is_not_asked_for_drafts_it_never_has() -> None:
    executor: Any = type("Kind", (Executor,), {})
    stop_draft_polling(SimpleNamespace(parallel_config=SimpleNamespace(distributed_executor_backend=executor)))
    assert executor.take_draft_token_ids(None) is None
    assert Executor.take_draft_token_ids is not executor.take_draft_token_ids
