"""vLLM's scheduler with drafts, for each step of the running requests that have a grammar.

Asynchronous scheduling plans a step while the one before it runs: that one's tokens are not known yet. What it drafted
is likely to be accepted, and the token that the model samples behind may be forced, or guessed too: the draft begins
after that one. If it came otherwise, the draft is stale. Grammars sort out most stale ones before they are verified.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain
from typing import Any

from llguidance import LLMatcher
from vllm.v1.core.sched.output import SchedulerOutput
from vllm.v1.outputs import DraftTokenIds
from vllm.v1.request import Request
from vllm.v1.structured_output.backend_guidance import GuidanceGrammar

from latticework.engines.draft_room import DraftRoom
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
from latticework.engines.token_text import COPIED, FORCED, SAMPLED
from latticework.engines.vllm.compat import DRAFT_POLLING
from latticework.engines.vllm.compat.grammar_scheduler import GrammarScheduler, grammar_of
from latticework.engines.vllm.compat.watched import WatchedGrammar
from latticework.engines.worth import Chances, Price


@dataclass
class Drafting:
    """One answer's drafts.

    Attributes:
        text: what guesses are copied from; `read` of the request's tokens are in it. None without guesses.
        planned: what the step that is being scheduled drafts.
        running: what the steps that are scheduled and not yet processed have drafted, in order.
        ahead: of the last one of these, the drafted tokens that the grammar allows.
        forced, copied: the numbers of drafted tokens that were accepted.
        sources: a letter for each token, where the request wants them.
    """

    text: CopySource | None
    chances: Chances
    read: int
    planned: Draft = NOTHING
    running: deque[Draft] = field(default_factory=deque)
    ahead: Sequence[int] = ()
    forced: int = 0
    copied: int = 0
    sources: str | None = None

    def schedule(self, tokens: Sequence[int]) -> None:
        """The step that drafts these tokens, the first ones of the planned."""
        count = len(tokens)
        self.running.append(Draft(tuple(tokens), self.planned.kinds[:count], self.planned.lead))
        self.ahead = tokens

    def count(self, draft: Draft, written: int, place: int) -> None:
        """After a step that added `written` tokens from `place` on, the last of which the model sampled itself."""
        held = draft.kinds[: max(0, written - 1)]
        self.forced += held.count(CERTAIN)
        self.copied += len(held) - held.count(CERTAIN)
        if self.sources is not None and held:
            letters = "".join(FORCED if kind == CERTAIN else COPIED for kind in held)
            self.sources = self.sources.ljust(place, SAMPLED) + letters

    def report(self, *, ended: bool) -> dict[str, Any] | None:
        """The fields that an output carries to the server."""
        fields: dict[str, Any] = {SAVED: (self.forced, self.copied)} if ended else {}
        if self.sources is not None:
            fields[SOURCES] = self.sources
        return fields or None


class DraftScheduler(GrammarScheduler):
    """Others than requests with a grammar run as they would without drafts.

    Attributes:
        clock: by which steps are timed, in seconds.
    """

    clock: Callable[[], float] = staticmethod(time.perf_counter)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._drafter = Drafter(self.grammars.ll_tokenizer)
        self._chances = Chances()
        self._price = Price()
        self._room = self._measured_room()
        self._began = 0.0
        DRAFT_POLLING.chosen()(self.vllm_config)

    def _measured_room(self) -> DraftRoom:
        """vLLM measures its memory with a row of logits for each answer; its runner V1 with a drafted one as well."""
        answers = self.vllm_config.scheduler_config.max_num_seqs
        profiled = answers if getattr(self.vllm_config, "use_v2_model_runner", False) else 2 * answers
        vocabulary = self.vllm_config.model_config.get_vocab_size()
        return DraftRoom.of(profiled, vocabulary, self.max_num_scheduled_tokens)

    def schedule(self, *args: Any, **kwargs: Any) -> SchedulerOutput:
        least = self._price.threshold(len(self.running))
        room = self._room.left(len(self.running), self._prompt_tokens())
        waiting = [(request, grammar) for request in self.running if (grammar := _waiting_grammar(request)) is not None]
        for left, (request, grammar) in zip(range(len(waiting), 0, -1), waiting, strict=True):
            # What is forced may take all the room, and a guess no more than an answer's share of it.
            plan = partial(self._draft, request, least=least, room=room, share=room // left)
            request.spec_token_ids = list(drafted(grammar, plan)) if room > 0 else self._undrafted(request)
            room -= len(request.spec_token_ids)
        self._price.observe_guesses(self._drafter.guesses, self._drafter.looked)
        self._began = self.clock()
        output = super().schedule(*args, **kwargs)
        for request_id, tokens in output.scheduled_spec_decode_tokens.items():
            if (drafting := drafting_of(self.requests[request_id])) is not None:
                drafting.schedule(tokens)
        return output

    def _prompt_tokens(self) -> int:
        """Tokens of prompts that this step could read, counted up to what a step takes."""
        starting = self.waiting if len(self.running) < self.max_num_running_reqs else ()
        tokens = 0
        for request in chain(self.running, starting):
            if (unread := _unread(request)) > 1:
                tokens += unread
            if tokens >= self.max_num_scheduled_tokens:
                break
        return tokens

    def _undrafted(self, request: Request) -> list[int]:
        if (drafting := drafting_of(request)) is not None:
            drafting.ahead = ()
        return []

    def _draft(self, request: Request, matcher: LLMatcher, least: float, room: int, share: int) -> Sequence[int]:
        drafting = drafting_of(request)
        if drafting is None:
            drafting = request.latticework_drafting = self._begun(request)
        ahead = drafting.ahead if _is_running(request) else None
        most = min(room, self._most(request, ahead))
        if most <= 0:
            drafting.planned = NOTHING
        elif drafting.text is None:
            drafting.planned = self._drafter.certain(matcher, most, ahead)
        else:
            written = request.all_token_ids[drafting.read :]
            drafting.text.add(written)
            drafting.read += len(written)
            drafting.planned = self._drafter.likely(matcher, drafting.text, most, drafting.chances, least, ahead, share)
        drafting.ahead = ()
        return drafting.planned.token_ids

    def _begun(self, request: Request) -> Drafting:
        options = request.sampling_params.extra_args or {}
        text = self._drafter.text(request.prompt_token_ids or ()) if options.get(GUESSES) else None
        sources = "" if options.get(WANTS_SOURCES) else None
        return Drafting(text, self._chances.child(), request.num_prompt_tokens, sources=sources)

    def _most(self, request: Request, ahead: Sequence[int] | None) -> int:
        """No draft takes a place in this step that another answer needs for its next token, nor goes beyond its end."""
        share = self.max_num_scheduled_tokens // len(self.running) - 1
        tokens = request.num_tokens + (0 if ahead is None else len(ahead) + 1)
        end = min(self.max_model_len, request.num_prompt_tokens + request.max_tokens)
        return int(min(self.num_spec_tokens, share, end - tokens - 1))

    def get_grammar_bitmask(self, scheduler_output: SchedulerOutput) -> Any:
        """Once the tokens before the step's are known: what has become stale is left out."""
        if self.scheduler_config.async_scheduling and scheduler_output.scheduled_spec_decode_tokens:
            self._drop_stale(scheduler_output)
        return super().get_grammar_bitmask(scheduler_output)

    def _drop_stale(self, scheduler_output: SchedulerOutput) -> None:
        drafted = scheduler_output.scheduled_spec_decode_tokens
        draft_ids = DraftTokenIds(list(drafted), [list(tokens) for tokens in drafted.values()])
        self.update_draft_token_ids_in_output(draft_ids, scheduler_output)
        for request_id, tokens in scheduler_output.scheduled_spec_decode_tokens.items():
            request = self.requests.get(request_id)
            drafting = drafting_of(request) if request is not None else None
            if drafting is not None:
                drafting.ahead = [token for token in tokens if token >= 0]

    def update_draft_token_ids(self, draft_token_ids: Any) -> None:
        """The worker drafts nothing."""

    def update_from_output(self, scheduler_output: SchedulerOutput, model_runner_output: Any) -> Any:
        self._learn_price(scheduler_output)
        # vLLM forgets requests that end.
        answers = {request.request_id: drafting for request in self.running if (drafting := drafting_of(request))}
        drafted = [self._processed(request_id) for request_id in scheduler_output.scheduled_spec_decode_tokens]
        outputs = super().update_from_output(scheduler_output, model_runner_output)
        for request, drafting, draft, place, last in filter(None, drafted):
            written = request.num_output_tokens - place
            drafting.count(draft, written, place)
            self._learn_chances(drafting, draft, last, max(0, written - 1))
        if answers:
            _add_reports(answers, outputs)
        return outputs

    def _processed(self, request_id: str) -> tuple[Request, Drafting, Draft, int, int] | None:
        """A request of the step that has run, with its draft there, and the number and the last one of the tokens that
        it had before.
        """
        request = self.requests.get(request_id)
        drafting = drafting_of(request) if request is not None else None
        if request is None or drafting is None or not drafting.running:
            return None
        return request, drafting, drafting.running.popleft(), request.num_output_tokens, request.all_token_ids[-1]

    def _learn_price(self, scheduled: SchedulerOutput) -> None:
        if not scheduled.scheduled_new_reqs and scheduled.total_num_scheduled_tokens:
            self._price.observe(scheduled.total_num_scheduled_tokens, self.clock() - self._began)

    def _learn_chances(self, drafting: Drafting, draft: Draft, last: int, held: int) -> None:
        """Which guesses were accepted. Those behind another token than was expected say nothing of their own chance."""
        observed = [(kind, place < held) for place, kind in enumerate(draft.kinds[: held + 1])]
        if draft.lead is not None:
            token, kind = draft.lead
            observed = [(kind, token == last), *(observed if token == last else ())]
        for kind, accepted in observed:
            if kind != CERTAIN:
                drafting.chances.observe(kind, accepted)
                self._chances.observe(kind, accepted)


def drafting_of(request: Request) -> Drafting | None:
    """Kept with vLLM's request, and gone with it."""
    drafting: Drafting | None = getattr(request, "latticework_drafting", None)
    return drafting


def _add_reports(drafted: Mapping[str, Drafting], outputs: Mapping[int, Any]) -> None:
    """Adds to each request's last output what its drafts saved, and to each output its sources where it wants them."""
    for step in outputs.values():
        for output in step.outputs:
            drafting = drafted.get(output.request_id)
            ended = output.finish_reason is not None
            if drafting is None or not (ended or drafting.sources is not None):
                continue
            if (report := drafting.report(ended=ended)) is not None:
                output.kv_transfer_params = {**(output.kv_transfer_params or {}), **report}


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
    begun = request.num_output_tokens or _is_running(request)
    waits = begun and _unread(request) == 1
    grammar = grammar_of(request) if waits else None
    return grammar if grammar is not None and not grammar.is_terminated() else None


def _unread(request: Request) -> int:
    """The tokens of prompt and answer that no step has read yet, nor is reading."""
    return int(request.num_tokens + request.num_output_placeholders - request.num_computed_tokens)


def _is_running(request: Request) -> bool:
    """Whether a step with it has been scheduled whose tokens are not known yet."""
    return bool(request.num_output_placeholders > 0)
