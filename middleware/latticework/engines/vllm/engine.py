"""vLLM in this process's children, driven by `AsyncLLM`: CUDA and CPU alike.

vLLM's structured-output backend is pinned to guidance (llguidance): one engine has one, and `auto` mixes them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import deepcopy
from functools import cached_property, partial
from multiprocessing import active_children
from typing import Any

import msgspec
import vllm
from prometheus_client import CollectorRegistry, generate_latest
from vllm import exceptions
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.engine.async_llm_engine import AsyncLLMEngine
from vllm.inputs import tokens_input
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.usage.usage_lib import UsageContext

from latticework.engines.base import Adapter, EngineDead, Heartbeat, Piece, PromptRefused, Sampling
from latticework.engines.checkpoint import wrap_tokenizer
from latticework.engines.children import end_group, reason_of, reasons
from latticework.engines.drafts import GUESSES, WANTS_SOURCES
from latticework.engines.pieces import VllmPieces
from latticework.engines.reading import ArrivingPrompt, Reading
from latticework.engines.sampling import has_penalties, unsupported, vllm_parameters
from latticework.engines.starvation import Starvation, members
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vllm import compat
from latticework.engines.vllm.adapters import OPTION, VllmAdapters
from latticework.engines.vllm.arguments import with_pinned
from latticework.engines.vllm.compat.drafting import (
    EXTENSION,
    Drafts,
    config_obstacle,
    default_drafts,
    drafting_way,
    has_speculation,
)
from latticework.engines.vllm.compat.patch import Chosen, Patch
from latticework.engines.vllm.compat.requests import specification
from latticework.engines.vllm.devices import idle_device
from latticework.logs import configure_engine_logs
from latticework.options import InvalidSetting
from turngrammar.errors import cut

Made = tuple[AsyncLLMEngine, CollectorRegistry]

# Characters of vLLM's reason for a failed start.
REASON_LENGTH = 600
DETAIL = "(VLLM_LOGGING_LEVEL=DEBUG shows the traceback)"

logger = logging.getLogger(__name__)

# What vLLM raises for a request that is at fault: up to 0.26, ValueError and what derives from it.
AT_FAULT: type[Exception] = getattr(exceptions, "VLLMClientError", ValueError)

# Seconds between two looks at whether an engine whose start was cancelled has ended.
CANCEL_INTERVAL = 0.1

# One engine is made at a time, in all apps of a process and also when it is restarted: metrics that appear meanwhile
# are its own, and engines that measure how much memory a device has left would mislead each other. The thread does not
# end before this process: Linux counts a process as orphaned when the thread that started it ends.
_MAKING = ThreadPoolExecutor(1, thread_name_prefix="engine")

# Seen in vLLM 0.32: its bitmask is as long as tekken.json's tokens, and logits beyond it are left unmasked.
UNMASKED = """vLLM's own backend enforces grammars here. With a tokenizer of Mistral's own it masks the {} tokens, but \
this model has {} logits. Remove --scheduler-cls."""

WRONG_SAMPLER = """guesses: of sampled answers only what their grammar forces is drafted. vLLM {} has a sampler with a \
wrong distribution behind drafts."""


class VllmEngine:
    """One vLLM engine. Nothing is loaded before `start`. What is known of the model stays when the engine has died."""

    recovers = False
    learns_names = False

    def __init__(
        self,
        args: AsyncEngineArgs,
        *,
        model_id: str | None = None,
        drafts: Drafts | None = None,
        adapters: Sequence[Adapter] = (),
    ) -> None:
        """`drafts`: what may be drafted of an answer that has a grammar, see drafts.py; "forced" guesses nothing, None
        is the default of the device. `adapters` are loaded at each start. Raises InvalidSetting.
        """
        chosen = drafts or default_drafts()
        self._model_id = model_id
        self.adapters = VllmAdapters(adapters, _names(args, model_id)) if args.enable_lora else None
        if adapters and self.adapters is None:
            raise InvalidSetting(f"{OPTION}: needs --enable-lora")
        self._patches = Chosen(compat.PATCHES)
        self._missing = dict(self._patches.missing)
        self._most_logprobs = args.max_logprobs
        self._undrafted = with_pinned(args)
        self._has_own_grammars = self._added(compat.GRAMMARS, self._undrafted)
        self._args = deepcopy(args)
        self._wants_drafts = chosen != "off"
        self._drafts: Drafts = chosen if self._wants_drafts and self._added(compat.DRAFTS, self._args) else "off"
        self._details: Mapping[str, str] = {}
        self._has_drafted = False
        self._sampler_is_wrong = False
        self._answers = 0
        self._reading = Reading(0)
        self._running: AsyncLLMEngine | None = None
        self._leaders: tuple[int, ...] = ()
        self._starvation = Starvation()
        self._dead: type[BaseException] = EngineDead
        self._metrics = CollectorRegistry()
        self._write_metrics: Callable[[], None] = lambda: None

    def _added(self, patch: Patch, args: AsyncEngineArgs) -> bool:
        """Whether the engine of these arguments, which this changes, has what it is for; else why not is known."""
        excluded = self._patches[patch](args)
        if excluded is not None:
            self._missing.setdefault(patch, excluded)
        return excluded is None

    @property
    def _llm(self) -> AsyncLLMEngine:
        if self._running is None:
            raise EngineDead("The engine has not been started.")
        return self._running

    @property
    def model_ids(self) -> tuple[str, ...]:
        return (*_names(self._args, self._model_id), *(self.adapters.loaded if self.adapters else ()))

    @cached_property
    def max_model_len(self) -> int:
        return int(self._llm.model_config.max_model_len)

    @cached_property
    def max_running(self) -> int:
        config = self._llm.vllm_config
        return int(config.scheduler_config.max_num_seqs * config.parallel_config.data_parallel_size)

    @cached_property
    def tokenizer(self) -> ModelTokenizer:
        """Raises EngineDead for one whose answers can't be constrained."""
        config = self._llm.model_config
        tokenizer, size = self._llm.get_tokenizer(), config.get_vocab_size()
        stock = not self._has_own_grammars  # then vLLM's own backend enforces grammars
        if stock:
            self._patches[compat.TOKENIZER_CHECK](tokenizer)
            refuse_unmasked(tokenizer, size)
        return wrap_tokenizer(
            tokenizer, size, config.try_get_generation_config().get("eos_token_id"), stock_matcher=stock
        )

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """The sampling parameters of the model's own generation config."""
        return dict(self._llm.model_config.get_diff_sampling_param())

    @property
    def degraded(self) -> tuple[str, ...]:
        version = vllm.__version__
        notices = tuple(patch.notice(version, why) for patch, why in self._missing.items() if self._is_of_use(patch))
        return (*notices, WRONG_SAMPLER.format(version)) if self._sampler_is_wrong else notices

    def _is_of_use(self, patch: Patch) -> bool:
        if patch is compat.DRAFTS:
            return self._wants_drafts and self._has_own_grammars
        if patch in compat.WITH_DRAFTS:
            return self._drafts != "off"
        if patch in compat.WITH_GRAMMARS:
            return self._has_own_grammars
        return not (self._has_own_grammars and patch is compat.TOKENIZER_CHECK)

    @property
    def details(self) -> Mapping[str, str]:
        return self._details

    async def start(self) -> None:
        # As in vLLM's own server. A fork would hold every connection that is open when an engine is started again.
        os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
        configure_engine_logs()
        if (idle := await asyncio.to_thread(idle_device)) is not None:
            logger.warning("%s", idle)
        await (self._load() if self._drafts == "off" else self._load_drafting())
        if self.adapters is not None:
            await self.adapters.start(self._llm)
        self._details = await self._described()
        logger.info("The engine runs with %s.", ", ".join(f"{name} {value}" for name, value in self._details.items()))
        for notice in self.degraded:
            logger.warning("%s", notice)
        # Large vocabularies take seconds: what is made of them is made before the first request.
        await asyncio.to_thread(lambda: self.tokenizer.token_bytes)

    async def _load(self) -> None:
        # With the limits that vLLM gives a server: others are made for one process with a few requests.
        # A copy, for vLLM writes into its arguments, and they may be needed again.
        self._patches[compat.CHILD_PROCESSES]()
        made = partial(made_engine, deepcopy(self._args), self._drafts != "off")
        try:
            self._running, self._metrics = await _made_in_thread(
                partial(self._made, partial(self._patches[compat.ENGINE_METRICS], made)),
                self._patches[compat.QUICK_SHUTDOWN],
            )
        except EngineDead:
            raise
        except Exception as error:  # the outermost boundary of vLLM, whose start fails in many ways
            logger.debug("vLLM failed to start", exc_info=True)
            raise StartFailed(error, reasons()) from error
        self._dead = type(self._running.dead_error)
        self._reading = Reading(self._running.vllm_config.scheduler_config.max_num_batched_tokens)
        self._patches[compat.STEP_OUTPUTS](self._running)
        self._patches[compat.STEP_SOCKET](self._running)
        self._write_metrics = self._patches[compat.STEP_METRICS](self._running)
        self._patches[compat.SETTINGS_CACHE]()

    def _made(self, make: Callable[[], Made]) -> Made:
        """In the thread in which engines are made."""
        others = set(active_children())
        try:
            return make()
        finally:
            self._leaders = tuple(child.pid for child in set(active_children()) - others if child.pid is not None)
            workers = set(members(self._leaders)).difference(self._leaders)
            self._starvation = Starvation(self._leaders, workers)

    async def _load_drafting(self) -> None:
        """Loads the model with drafts, or without where it does not start with them, whatever the reason. An engine
        that has drafted before fails for other reasons.
        """
        try:
            await self._load()
        except DraftsExcluded as excluded:
            await self._load_undrafted(str(excluded))
        except StartFailed as failure:
            if self._has_drafted:
                raise
            await self._load_undrafted(f"does not start with them: {failure.why}")
        else:
            await self._prepare_drafts()

    async def _prepare_drafts(self) -> None:
        """Loads the model again, without drafts, where its workers lack what drafts need."""
        reports = await self._llm.collective_rpc("prepare_drafts")
        if missing := {part for report in reports for part in report["missing"]}:
            await self._load_undrafted(f"has a model runner with no {' and no '.join(sorted(missing))}")
        else:
            self._has_drafted = True
            self._sampler_is_wrong = not all(report["sound"] for report in reports)

    async def _load_undrafted(self, why: str) -> None:
        """Where that fails too, drafts are not at fault, and stay on for the next start."""
        logger.warning("The engine starts again, without drafts. vLLM %s %s", vllm.__version__, why)
        await self.stop()
        drafting = self._drafts, self._args
        self._drafts, self._args = "off", self._undrafted
        try:
            await self._load()
        except EngineDead:
            self._drafts, self._args = drafting
            raise
        self._missing[compat.DRAFTS] = why

    async def _described(self) -> Mapping[str, str]:
        """How it runs, by vLLM's names."""
        config = self._llm.vllm_config
        described = {
            "scheduling": "asynchronous" if config.scheduler_config.async_scheduling else "synchronous",
            "drafts": self._drafts,
        }
        if self._has_own_grammars and self._args.worker_extension_cls == EXTENSION:
            described |= (await self._llm.collective_rpc("describe_runner"))[0]
        if self._drafts != "off" and (loss := drafting_way().takes_away(config)):
            described["drafts_take_away"] = loss
        return described

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            # vLLM itself may not get to it: of several engines, the others end first.
            self._patches[compat.STOPPED_ANSWERS](running)
            # On the loop, though it blocks: elsewhere vLLM's own tasks see the engine go, and call it dead.
            self._patches[compat.QUICK_SHUTDOWN](running)
        for leader in self._leaders:
            end_group(leader)
        self._leaders = ()

    async def check_health(self) -> None:
        llm = self._llm
        try:
            await llm.check_health()
        except self._dead as error:
            raise EngineDead("The engine has died.") from error

    def heartbeat(self) -> Heartbeat:
        """Answered by the engine core between two steps, after each of its workers has answered it."""
        answer = self._answer(self._llm, self._reading.left())
        return Heartbeat(answer, self._reading.allowance(), self._starvation.seconds)

    async def _answer(self, llm: AsyncLLMEngine, left: frozenset[ArrivingPrompt]) -> None:
        await llm.collective_rpc("check_health")
        self._reading.forget(left)

    def running(self) -> int:
        return self._answers

    def metrics(self) -> bytes:
        self._write_metrics()
        return bytes(generate_latest(self._metrics))

    async def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        most = self._most_logprobs
        if sampling.logprobs is not None and -1 < most < sampling.logprobs:
            return "top_logprobs", f"This server gives at most {most} top_logprobs."
        if sampling.prompt_logprobs is not None and -1 < most < sampling.prompt_logprobs:
            return "prompt_logprobs", f"This server gives at most {most} prompt_logprobs."
        if sampling.seed is not None and current_platform.is_cpu() and self._args.enable_chunked_prefill:
            return "seed", "vLLM's CPU engine can't seed requests while chunked prefill is enabled."
        if sampling.begun is not None and not self._opens:
            return "begun", "vLLM's own scheduler can't continue a text under a grammar: remove --scheduler-cls."
        if sampling.priority and self._llm.vllm_config.scheduler_config.policy != "priority":
            return "priority", BY_ARRIVAL
        if sampling.transfer is not None and self._llm.vllm_config.kv_transfer_config is None:
            return "transfer", ALONE
        if sampling.confidence and self._llm.model_config.logprobs_mode != RAW_LOGPROBS:
            return "confidence", PROCESSED
        return self._unspeculated(sampling) or unsupported(sampling, "vllm")

    def _unspeculated(self, sampling: Sampling) -> tuple[str, str] | None:
        """What vLLM leaves out beside a drafter of its own, without a word where this server checks parameters."""
        if self._drafts != "off" or not has_speculation(self._args):
            return None
        if sampling.logit_bias:
            return "logit_bias", UNSPECULATED
        return ("min_p", UNSPECULATED) if self._with_defaults(sampling).get("min_p") else None

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        chosen = self._with_defaults(sampling)
        opening = self._opening(sampling, chosen)
        params = self._params(sampling, chosen, opening)
        pieces = VllmPieces(self.tokenizer, sampling, opening)
        reading = self._reading
        with self._answering(len(prompt) + len(opening)) as asked:
            queue, abort = await self._queue(request_id, _input([*prompt, *opening], sampling), params, sampling)
            finished, first = False, True
            try:
                while not finished:
                    output = queue.get_nowait() or await queue.get()
                    finished = output.finished
                    if not asked.is_read:
                        reading.read(asked, getattr(output, "num_cached_tokens", None) or 0)
                    of_prompt = zip(prompt, output.prompt_logprobs, strict=False) if output.prompt_logprobs else ()
                    report = getattr(output, "kv_transfer_params", None)
                    for part in pieces.parts(output.outputs[0]):
                        piece = pieces.piece(part, report, of_prompt)
                        if first:
                            first = False
                            piece = msgspec.structs.replace(piece, cached=_cached(output, len(prompt)))
                        yield piece
            except self._dead as error:
                raise EngineDead("The engine has died.") from error
            finally:
                if not finished:
                    await abort()

    @contextmanager
    def _answering(self, tokens: int) -> Iterator[ArrivingPrompt]:
        """While an answer to a prompt of so many tokens is generated or waits to be."""
        self._answers += 1
        try:
            with self._reading.prompt(tokens) as asked:
                yield asked
        finally:
            self._answers -= 1

    async def _queue(
        self, request_id: str, tokens: Any, params: SamplingParams, sampling: Sampling
    ) -> tuple[Any, Callable[[], Awaitable[None]]]:
        """The request's outputs, and what aborts it. Raises PromptRefused and EngineDead."""
        llm = self._llm
        try:
            adapter = self.adapters.request(sampling.adapter) if self.adapters is not None else None
        except KeyError:
            raise PromptRefused(f"The adapter '{sampling.adapter}' has been unloaded.", "model") from None
        try:
            queue, abort = await self._patches[compat.OUTPUT_QUEUES](
                llm, request_id, tokens, params, sampling.priority or 0, adapter
            )
        except AT_FAULT as error:
            raise _refused(error) from error
        except self._dead as error:
            raise EngineDead("The engine has died.") from error
        self._patches[compat.READY_EVENTS](queue)
        return queue, abort

    def _with_defaults(self, sampling: Sampling) -> Mapping[str, Any]:
        """What the request sets, and for the rest the model's generation config."""
        return {**self._defaults, **vllm_parameters(sampling)}

    def _opening(self, sampling: Sampling, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        """The tokens that the grammar begins every answer with. They go into the prompt, and cost no forward pass.

        None where the sampling or the response depends on their being the answer's, nor where vLLM itself would check
        the grammar, and find them before it.
        """
        if sampling.grammar is None or sampling.begun is not None or not self._opens:
            return ()
        if sampling.transfer is not None:
            return ()  # another engine computes the prompt, perhaps without the opening
        if sampling.logprobs is not None or sampling.prompt_logprobs is not None or has_penalties(chosen):
            return ()
        opening = self.tokenizer.tried(sampling.grammar).opening
        return opening if len(opening) < sampling.max_tokens else ()

    @property
    def _opens(self) -> bool:
        """Whether a grammar's text may begin within the prompt."""
        return self._has_own_grammars and compat.CHECKED_PARAMS not in self._missing

    def _params(self, sampling: Sampling, chosen: Mapping[str, Any], opening: tuple[int, ...]) -> SamplingParams:
        """Raises PromptRefused."""
        try:
            params: SamplingParams = self._patches[compat.CHECKED_PARAMS](
                **{**chosen, "max_tokens": sampling.max_tokens - len(opening)},
                logit_bias=dict(sampling.logit_bias) or None,
                stop_token_ids=list(sampling.stop_token_ids),
                detokenize=False,  # done here, for a fraction of the cost
                structured_outputs=self._constraint(sampling.grammar, sampling.begun or opening),
                extra_args=self._extra_args(sampling, chosen),
                output_kind=RequestOutputKind.DELTA,
                **self._patches[compat.UNCOPIED_PARAMS](),
            )
        except AT_FAULT as error:
            raise _refused(error) from error
        return params

    def _constraint(self, grammar: str | None, opening: Sequence[int]) -> StructuredOutputsParams | None:
        if grammar is None:
            return None
        return StructuredOutputsParams(grammar=specification(opening, grammar) if self._has_own_grammars else grammar)

    def _extra_args(self, sampling: Sampling, chosen: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the scheduler reads, and what the connector does."""
        transfer = {} if sampling.transfer is None else {TRANSFER: dict(sampling.transfer)}
        return {**transfer, **(self._draft_options(sampling, chosen) if self._drafts != "off" else {})} or None

    def _draft_options(self, sampling: Sampling, chosen: Mapping[str, Any]) -> dict[str, Any]:
        options = {GUESSES: self._may_guess(sampling, chosen)}
        return {**options, WANTS_SOURCES: True} if sampling.sources else options

    def _may_guess(self, sampling: Sampling, chosen: Mapping[str, Any]) -> bool:
        """Whether a wrong guess would leave no trace in this answer.

        A bias or a minimal probability misses drafted tokens. A seeded answer must not depend on how busy the engine
        is, and that decides which guesses are made.
        """
        if self._drafts != "auto" or sampling.logit_bias or chosen.get("min_p"):
            return False
        return chosen.get("temperature") == 0 or (not self._sampler_is_wrong and sampling.seed is None)


def _names(args: AsyncEngineArgs, model_id: str | None) -> tuple[str, ...]:
    """Of the model itself."""
    served = args.served_model_name
    names = [served] if isinstance(served, str) else list(served or ())
    return tuple(names) or (model_id or args.model,)


def _refused(error: Exception) -> PromptRefused:
    """vLLM's own text has the whole value behind its message."""
    return PromptRefused(str(error.args[0] if error.args else error), getattr(error, "parameter", None))


BY_ARRIVAL = "The engine schedules requests in order of arrival: start it with '--scheduling-policy priority'."


UNSPECULATED = "vLLM does not support it beside --speculative-config: omit it, or have the server started without."
# The mode in which log probabilities are those before temperature, penalties and biases, under the grammar's mask.
RAW_LOGPROBS = "raw_logprobs"
PROCESSED = f"""'confidence' needs the engine's log probabilities as the model gives them: start it without \
'--logprobs-mode', or with {RAW_LOGPROBS}."""
ALONE = "The engine computes its answers alone: start it with '--kv-transfer-config'."
# The key of `extra_args` under which vLLM's own server passes it on.
TRANSFER = "kv_transfer_params"


def _cached(output: Any, most: int) -> int:
    """The tokens of the prompt that were cached, of which a grammar's opening is no part."""
    return min(getattr(output, "num_cached_tokens", None) or 0, most)


def _input(token_ids: list[int], sampling: Sampling) -> Any:
    return tokens_input(token_ids, **({"cache_salt": sampling.cache_salt} if sampling.cache_salt is not None else {}))


def refuse_unmasked(tokenizer: Any, size: int) -> None:
    """Raises EngineDead for a tokenizer with which vLLM's own backend would not mask all logits."""
    if not hasattr(tokenizer, "backend_tokenizer") and len(tokenizer) < size:
        raise EngineDead(UNMASKED.format(len(tokenizer), size))


class DraftsExcluded(EngineDead):
    """vLLM has a configuration with drafts in which they would do harm. Completes a sentence about vLLM."""


class StartFailed(EngineDead):
    """`why`: one line. `told`: what vLLM's processes say of it, which vLLM itself does not know."""

    def __init__(self, error: Exception, told: Sequence[str]) -> None:
        self.why = cut(told[0] if told else reason_of(error), REASON_LENGTH)
        super().__init__(f"vLLM failed to start: {self.why} {DETAIL}")


def made_engine(args: AsyncEngineArgs, drafts: bool) -> AsyncLLMEngine:
    """Loads the model. Raises DraftsExcluded before that, and whatever vLLM raises."""
    config = args.create_engine_config(UsageContext.OPENAI_API_SERVER)
    if drafts and (obstacle := config_obstacle(config)) is not None:
        raise DraftsExcluded(obstacle)
    return AsyncLLMEngine.from_vllm_config(
        config,
        usage_context=UsageContext.OPENAI_API_SERVER,
        enable_log_requests=args.enable_log_requests,
        disable_log_stats=args.disable_log_stats,
    )


async def _made_in_thread(make: Callable[[], Made], shut_down: Callable[[AsyncLLMEngine], object]) -> Made:
    """An engine and its metrics: loading a model blocks. Cancelled, it leaves no engine behind."""
    others = set(active_children())
    making = asyncio.get_running_loop().run_in_executor(_MAKING, make)
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        # A thread can't be stopped, but vLLM raises once its processes have ended.
        while not making.done():
            for child in set(active_children()) - others:
                child.kill()
            await asyncio.wait([making], timeout=CANCEL_INTERVAL)
        if making.exception() is None:
            shut_down(making.result()[0])
        raise
