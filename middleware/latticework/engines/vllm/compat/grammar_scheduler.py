"""vLLM's scheduler with this server's grammars, each compiled once. It runs in the engine core."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request
from vllm.v1.structured_output.backend_guidance import GuidanceGrammar

from latticework.engines.following import GAVE_UP
from latticework.engines.vllm.compat import PARALLEL_MASKS
from latticework.engines.vllm.compat.grammars import CachedGrammars
from latticework.engines.vllm.compat.watched import WatchedGrammar


class GrammarScheduler(Scheduler):
    """Schedules as vLLM does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        manager = self.structured_output_manager
        vocabulary = self.vllm_config.model_config.get_vocab_size()
        # Set before vLLM makes its own for the first grammar.
        self.grammars = CachedGrammars(self.vllm_config, tokenizer=manager.tokenizer, vocab_size=vocabulary)
        manager.backend = self.grammars
        PARALLEL_MASKS.chosen()(manager)

    def update_from_output(self, scheduler_output: SchedulerOutput, model_runner_output: Any) -> Any:
        running = tuple(self.running)
        outputs = super().update_from_output(scheduler_output, model_runner_output)
        add_causes(running, outputs)
        return outputs


def add_causes(running: Iterable[Request], outputs: Mapping[int, Any]) -> None:
    """Adds why its grammar was given up to the last output of each such request: it ends as if by itself."""
    causes = {request.request_id: cause for request in running if (cause := _cause(request))}
    for output in (output for step in outputs.values() for output in step.outputs if causes):
        if output.finish_reason is not None and output.request_id in causes:
            reports = output.kv_transfer_params or {}
            output.kv_transfer_params = {**reports, GAVE_UP: causes[output.request_id]}


def _cause(request: Request) -> str:
    grammar = grammar_of(request)
    return grammar.following.gave_up if isinstance(grammar, WatchedGrammar) else ""


def grammar_of(request: Request) -> GuidanceGrammar | None:
    """What a request's answer has to follow, once it is compiled."""
    asked = request.structured_output_request
    grammar = asked.grammar if asked is not None else None
    return grammar if isinstance(grammar, GuidanceGrammar) else None
