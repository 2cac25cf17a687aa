"""vLLM's scheduler with drafts: it runs in the engine core, where the grammars' matchers are."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

from llguidance import LLMatcher
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.core.sched.scheduler import Scheduler
from vllm.v1.request import Request
from vllm.v1.structured_output.backend_guidance import GuidanceGrammar

from latticework.engines.drafts import (
    CERTAIN,
    GUESSES,
    NOTHING,
    SAVED,
    SOURCES,
    WANTS_SOURCES,
    CopySource,
    Draft,
    Drafter,
)
from latticework.engines.following import GAVE_UP
from latticework.engines.token_text import COPIED, FORCED, SAMPLED
from latticework.engines.vllm.compat import DRAFT_POLLING
from latticework.engines.vllm.compat.grammars import CachedGrammars
from latticework.engines.vllm.compat.watched import WatchedGrammar
from latticework.engines.worth import Chances, Price


@dataclass
class Drafting:
    """One answer's drafts: the text that guesses are copied from, and how many of the answer's tokens are in it.

    `forced` and `copied` count the drafted tokens that were accepted; `sources` has a letter for each token, where the
    request wants them.
    """

    text: CopySource
    chances: Chances
    read: int
    draft: Draft = NOTHING
    forced: int = 0
    copied: int = 0
    sources: str | None = None

    def count(self, written: int, place: int) -> None:
        """After a step that added `written` tokens from `place` on, the last of which the model sampled itself."""
        held = self.draft.kinds[: max(0, written - 1)]
        self.forced += held.count(CERTAIN)
        self.copied += len(held) - held.count(CERTAIN)
        if self.sources is not None and held:
            letters = "".join(FORCED if kind == CERTAIN else COPIED for kind in held)
            self.sources = self.sources.ljust(place, SAMPLED) + letters
        self.draft = NOTHING

    def report(self, *, ended: bool) -> dict[str, Any] | None:
        """The fields that an output carries to the server."""
        fields: dict[str, Any] = {SAVED: (self.forced, self.copied)} if ended else {}
        if self.sources is not None:
            fields[SOURCES] = self.sources
        return fields or None


class DraftScheduler(Scheduler):
    """Drafts the next step of each running request that has a grammar. Others run as they would without drafts."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        manager = self.structured_output_manager
        vocabulary = self.vllm_config.model_config.get_vocab_size()
        # Set before vLLM makes its own for the first grammar.
        manager.backend = CachedGrammars(self.vllm_config, tokenizer=manager.tokenizer, vocab_size=vocabulary)
        self._drafter = Drafter(manager.backend.ll_tokenizer, manager.backend.vocabulary.special_tokens)
        self._drafting: WeakKeyDictionary[Request, Drafting] = WeakKeyDictionary()
        self._chances = Chances()
        self._price = Price()
        self._begun = 0.0
        DRAFT_POLLING.chosen()(self.vllm_config)

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        self._begun = time.perf_counter()
        least = self._price.threshold(len(self.running))
        for request in self.running:
            if (grammar := _waiting_grammar(request)) is not None:
                request.spec_token_ids = list(drafted(grammar, partial(self._draft, request, least=least)))
        return super().schedule(*args, **kwargs)

    def update_draft_token_ids(self, draft_token_ids: Any) -> None:
        """The worker drafts nothing."""

    def update_from_output(self, scheduler_output: SchedulerOutput, model_runner_output: Any) -> Any:
        self._learn(scheduler_output, model_runner_output)
        # vLLM forgets requests that end.
        drafted = [
            (request, drafting, request.num_output_tokens)
            for request in self.running
            if (drafting := self._drafting.get(request)) is not None
        ]
        running = tuple(self.running)
        outputs = super().update_from_output(scheduler_output, model_runner_output)
        for request, drafting, written in drafted:
            drafting.count(request.num_output_tokens - written, written)
        if drafted:
            _add_reports({request.request_id: drafting for request, drafting, _ in drafted}, outputs)
        add_causes(running, outputs)
        return outputs

    def _draft(self, request: Request, matcher: LLMatcher, least: float) -> Sequence[int]:
        drafting = self._drafting.get(request)
        options = request.sampling_params.extra_args or {}
        if drafting is None:
            text = self._drafter.text(request.prompt_token_ids or ())
            sources = "" if options.get(WANTS_SOURCES) else None
            drafting = Drafting(text, self._chances.child(), request.num_prompt_tokens, sources=sources)
            self._drafting[request] = drafting
        written = request.all_token_ids[drafting.read :]
        drafting.text.add(written)
        drafting.read += len(written)
        # No draft takes a place in this step that another answer needs for its next token.
        share = self.max_num_scheduled_tokens // len(self.running) - 1
        most = max(0, min(self.num_spec_tokens, share, self.max_model_len - request.num_tokens - 1))
        if options.get(GUESSES):
            drafting.draft = self._drafter.likely(matcher, drafting.text, most, drafting.chances, least)
        else:
            drafting.draft = self._drafter.certain(matcher, drafting.text, most)
        return drafting.draft.token_ids

    def _learn(self, scheduled: SchedulerOutput, output: Any) -> None:
        """From how long the step took, and which guesses were accepted."""
        if not scheduled.scheduled_new_reqs and scheduled.total_num_scheduled_tokens:
            self._price.observe(scheduled.total_num_scheduled_tokens, time.perf_counter() - self._begun)
        for request_id, drafted in scheduled.scheduled_spec_decode_tokens.items():
            request = self.requests.get(request_id)
            drafting = self._drafting.get(request) if request is not None else None
            if drafting is None:
                continue
            held = len(output.sampled_token_ids[output.req_id_to_index[request_id]]) - 1
            for place, kind in enumerate(drafting.draft.kinds[: min(held + 1, len(drafted))]):
                if kind != CERTAIN:
                    drafting.chances.observe(kind, place < held)
                    self._chances.observe(kind, place < held)


def _add_reports(drafted: Mapping[str, Drafting], outputs: Mapping[int, Any]) -> None:
    """Adds to each request's last output what its drafts saved, and to each output its sources where it wants them."""
    for step in outputs.values():
        for output in step.outputs:
            drafting = drafted.get(output.request_id)
            report = drafting.report(ended=output.finish_reason is not None) if drafting is not None else None
            if report is not None:
                # A connector may have its own for another engine.
                output.kv_transfer_params = {**(output.kv_transfer_params or {}), **report}


def add_causes(running: Iterable[Request], outputs: Mapping[int, Any]) -> None:
    """Adds why its grammar was given up to the last output of each such request: it ends as if by itself."""
    causes = {request.request_id: cause for request in running if (cause := _cause(request))}
    for output in (output for step in outputs.values() for output in step.outputs if causes):
        if output.finish_reason is not None and output.request_id in causes:
            reports = output.kv_transfer_params or {}
            output.kv_transfer_params = {**reports, GAVE_UP: causes[output.request_id]}


def _cause(request: Request) -> str:
    grammar = _grammar(request)
    return grammar.following.gave_up if isinstance(grammar, WatchedGrammar) else ""


def stop_draft_polling(vllm_config: Any) -> None:
    """vLLM asks the worker for drafts after each step, a round trip to another process; this worker has none."""
    from vllm.v1.executor import Executor

    executor = Executor.get_class(vllm_config)
    executor.take_draft_token_ids = lambda self: None


def drafted(grammar: GuidanceGrammar, work: Callable[[LLMatcher], Sequence[int]]) -> Sequence[int]:
    """What `work` drafts with a grammar's matcher."""
    return grammar.draft(work) if isinstance(grammar, WatchedGrammar) else work(grammar.ll_matcher)


def _waiting_grammar(request: Request) -> GuidanceGrammar | None:
    """The grammar of a request that has one and waits for its next token; None for any other request."""
    waits = request.num_output_tokens and request.num_tokens - request.num_computed_tokens == 1
    grammar = _grammar(request) if waits else None
    return grammar if grammar is not None and not grammar.is_terminated() else None


def _grammar(request: Request) -> GuidanceGrammar | None:
    """What a request's answer has to follow, once it is compiled."""
    asked = request.structured_output_request
    grammar = asked.grammar if asked is not None else None
    return grammar if isinstance(grammar, GuidanceGrammar) else None
