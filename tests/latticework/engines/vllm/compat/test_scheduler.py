"""vLLM's scheduler with drafts. tests/e2e runs it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from vllm.v1.executor import Executor

from latticework.engines.drafts import CERTAIN, SAVED, SOURCES, Draft
from latticework.engines.vllm.compat.draft_scheduler import Drafting, _add_reports, stop_draft_polling


def test_the_worker_is_not_asked_for_drafts_it_never_has() -> None:
    executor: Any = type("Kind", (Executor,), {})
    stop_draft_polling(SimpleNamespace(parallel_config=SimpleNamespace(distributed_executor_backend=executor)))
    assert executor.take_draft_token_ids(None) is None
    assert Executor.take_draft_token_ids is not executor.take_draft_token_ids


def test_the_reports_of_drafts_go_beside_what_a_connector_says() -> None:
    text: Any = None
    counted, free = Drafting(text, text, 0, sources=""), Drafting(text, text, 0)
    counted.count(Draft((7,), (CERTAIN,)), 2, 0)
    connector = {"remote_block_ids": [1]}
    outputs = [
        SimpleNamespace(request_id=request_id, finish_reason=reason, kv_transfer_params=params)
        for request_id, reason, params in (
            ("counted", None, None),
            ("counted", "stop", connector),
            ("free", None, connector),
            ("undrafted", "stop", connector),
        )
    ]
    _add_reports({"counted": counted, "free": free}, {0: SimpleNamespace(outputs=outputs)})
    assert [output.kv_transfer_params for output in outputs] == [
        {SOURCES: "f"},
        {**connector, SAVED: (1, 0), SOURCES: "f"},
        connector,
        connector,
    ]
    assert connector == {"remote_block_ids": [1]}
