"""The schedulers that vLLM makes by name. With asynchronous scheduling they schedule a step while the last one runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vllm.v1.core.sched.async_scheduler import AsyncScheduler
from vllm.v1.core.sched.scheduler import Scheduler

from latticework.engines.vllm.compat.draft_scheduler import DraftScheduler
from latticework.engines.vllm.compat.grammar_scheduler import GrammarScheduler


class AsyncGrammarScheduler(GrammarScheduler, AsyncScheduler):
    """With this server's grammars."""


class AsyncDraftScheduler(DraftScheduler, AsyncScheduler):
    """With drafts too."""


# By whether scheduling is asynchronous: the configuration decides that only once it is whole.
WITH_GRAMMARS: Mapping[bool, type[Scheduler]] = {False: GrammarScheduler, True: AsyncGrammarScheduler}
WITH_DRAFTS: Mapping[bool, type[Scheduler]] = {False: DraftScheduler, True: AsyncDraftScheduler}


def grammar_scheduler(*args: Any, vllm_config: Any, **kwargs: Any) -> Scheduler:
    """In the place of a scheduler class, whose arguments it takes."""
    return _made(WITH_GRAMMARS, *args, vllm_config=vllm_config, **kwargs)


def draft_scheduler(*args: Any, vllm_config: Any, **kwargs: Any) -> Scheduler:
    """Likewise."""
    return _made(WITH_DRAFTS, *args, vllm_config=vllm_config, **kwargs)


def _made(kinds: Mapping[bool, type[Scheduler]], *args: Any, vllm_config: Any, **kwargs: Any) -> Scheduler:
    kind = kinds[bool(vllm_config.scheduler_config.async_scheduling)]
    return kind(*args, vllm_config=vllm_config, **kwargs)
