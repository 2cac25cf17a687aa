"""vLLM in this process's children, driven by `AsyncLLM`: CUDA and CPU alike.

vLLM's structured-output backend is pinned to guidance (llguidance): one engine has one, and `auto` mixes them.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from copy import deepcopy
from functools import cached_property, partial
from multiprocessing import active_children
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from vllm import envs, exceptions
from vllm.config import StructuredOutputsConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.inputs import tokens_input
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
from vllm.usage.usage_lib import UsageContext
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from latticework.engines.base import EngineDead, Piece, PromptRefused, Sampling
from latticework.engines.pieces import Pieces
from latticework.engines.sampling import has_penalties, unsupported, vllm_parameters
from latticework.engines.sources import TELLS
from latticework.engines.tokenizer import ModelTokenizer
from latticework.engines.vllm.counts import counting
from latticework.engines.vllm.drafting import Drafts, add_drafts
from latticework.engines.vllm.grammars import refuse_unsupported, specification
from latticework.engines.vllm.outputs import Bell, pass_on_tokens
from latticework.engines.vllm.params import VettedParams
from latticework.engines.vllm.scheduler import GUESSES
from latticework.engines.vllm.sockets import read_quickly
from latticework.engines.vllm.steps import count_together
from latticework.engines.wrapping import wrapped

# What vLLM raises where a request is at fault: up to 0.26, ValueError and what derives from it.
AT_FAULT: type[Exception] = getattr(exceptions, "VLLMClientError", ValueError)

# Seconds between two looks at whether an engine that nobody wants any more has given up starting.
GIVES_UP = 0.1


def prepared(args: AsyncEngineArgs) -> AsyncEngineArgs:
    """Pins what the guarantees rest on. Changes `args` in place, as vLLM itself does."""
    args.structured_outputs_config = StructuredOutputsConfig(backend="guidance")
    if current_platform.is_cpu() and args.enable_chunked_prefill is None:
        # A seeded request whose prefill is cut in chunks kills vLLM's CPU engine: its runner rewinds the
        # request's generator, and torch's CPU generators have no offset.
        args.enable_chunked_prefill = False
    return args


class VllmEngine:
    """One vLLM engine. Nothing is loaded before `start`. What is told of the model stays when the engine has died."""

    recovers = False

    def __init__(self, args: AsyncEngineArgs, *, model_id: str | None = None, drafts: Drafts = "auto") -> None:
        """`drafts`: what may be drafted of an answer that a grammar rules, see drafts.py; "forced" guesses nothing."""
        self._args = prepared(args)
        self._model_id = model_id
        self._drafts: Drafts = drafts if drafts == "off" or add_drafts(self._args) else "off"
        self._samples_guesses = False
        self._running: AsyncLLM | None = None
        self._counts = CollectorRegistry()
        self._write_counts: Callable[[], None] = lambda: None

    @property
    def _llm(self) -> AsyncLLM:
        if self._running is None:
            raise EngineDead("The engine has not been started.")
        return self._running

    @property
    def model_ids(self) -> tuple[str, ...]:
        served = self._args.served_model_name
        names = [served] if isinstance(served, str) else list(served or ())
        return tuple(names) or (self._model_id or self._args.model,)

    @cached_property
    def max_model_len(self) -> int:
        return int(self._llm.model_config.max_model_len)

    @cached_property
    def max_running(self) -> int:
        config = self._llm.vllm_config
        return int(config.scheduler_config.max_num_seqs * config.parallel_config.data_parallel_size)

    @cached_property
    def tokenizer(self) -> ModelTokenizer:
        """Raises EngineDead for one that vLLM or this can't constrain."""
        config = self._llm.model_config
        tokenizer, size = self._llm.get_tokenizer(), config.get_vocab_size()
        stock = self._drafts == "off"  # then vLLM's own backend holds answers to their grammars
        if stock:
            refuse_unsupported(tokenizer, size)
        return wrapped(tokenizer, size, config.try_get_generation_config().get("eos_token_id"), stock_matcher=stock)

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """The sampling parameters of the model's own generation config."""
        return dict(self._llm.model_config.get_diff_sampling_param())

    async def start(self) -> None:
        # The constructor blocks for as long as the model takes to load.
        # As in vLLM's own server. A fork would hold every connection that is open when an engine is started again.
        os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
        # With the limits that vLLM gives a server: others are made for one process that asks for a few answers.
        # A copy, for vLLM writes into its arguments, and they may be needed again.
        served = partial(AsyncLLM.from_engine_args, deepcopy(self._args), usage_context=UsageContext.OPENAI_API_SERVER)
        self._running, self._counts = await _made(partial(counting, served))
        pass_on_tokens(self._llm.output_processor)
        read_quickly(self._llm)
        self._write_counts = count_together(self._llm)
        # vLLM looks a setting up in the environment for every token that it counts, unless it is told to remember.
        getattr(envs, "enable_envs_cache", lambda: None)()
        # Vocabularies are large: what is made of one is made before the first request.
        await asyncio.to_thread(lambda: self.tokenizer.token_bytes)
        if self._drafts != "off":
            self._samples_guesses = all(await self._llm.collective_rpc("allow_all_sampling"))

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            # vLLM may have no more time to tell them: of several engines, the others end before it does.
            running.output_processor.propagate_error(EngineDeadError())
            # On the loop, though it blocks: elsewhere vLLM's own tasks see the engine go, and call it dead.
            running.shutdown(timeout=0)

    async def check_health(self) -> None:
        try:
            await self._llm.check_health()
        except EngineDeadError as error:
            raise EngineDead("The engine has died.") from error

    def running(self) -> int:
        # AsyncLLM itself tells it only from 0.29 on.
        return int(self._llm.output_processor.get_num_unfinished_requests())

    def metrics(self) -> bytes:
        self._write_counts()
        return bytes(generate_latest(self._counts))

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        most = self._llm.model_config.max_logprobs
        if sampling.logprobs is not None and -1 < most < sampling.logprobs:
            return "top_logprobs", f"This server gives at most {most} top_logprobs."
        if sampling.prompt_logprobs is not None and -1 < most < sampling.prompt_logprobs:
            return "prompt_logprobs", f"This server gives at most {most} prompt_logprobs."
        if sampling.seed is not None and current_platform.is_cpu() and self._args.enable_chunked_prefill:
            return "seed", "vLLM's CPU engine can't seed requests while chunked prefill is enabled."
        return unsupported(sampling, "vllm")

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        llm = self._llm  # another runs, perhaps, when this answer is ended
        chosen = self._chosen(sampling)
        opening = self._opening(sampling, chosen)
        params = self._params(sampling, chosen, opening)
        pieces = Pieces(self.tokenizer, sampling, opening)
        try:
            outputs = await llm.add_request(request_id, tokens_input([*prompt, *opening]), params)
        except AT_FAULT as error:
            raise PromptRefused(str(error)) from error
        except EngineDeadError as error:
            raise EngineDead("The engine has died.") from error
        outputs.ready = Bell()
        finished = False
        try:
            while not finished:
                output = outputs.get_nowait() or await outputs.get()
                finished = output.finished
                prompt_logprobs = zip(prompt, output.prompt_logprobs or (), strict=False)
                yield pieces.piece(output.outputs[0], output.kv_transfer_params, prompt_logprobs)
        except EngineDeadError as error:
            raise EngineDead("The engine has died.") from error
        finally:
            if not finished:
                await llm.abort(outputs.request_id, internal=True)

    def _chosen(self, sampling: Sampling) -> Mapping[str, Any]:
        """What the request asks for, and for the rest what the model's own generation config says."""
        return {**self._defaults, **vllm_parameters(sampling)}

    def _opening(self, sampling: Sampling, chosen: Mapping[str, Any]) -> tuple[int, ...]:
        """The tokens that the grammar begins every answer with. They go into the prompt, and cost no forward pass.

        None, where it matters to the sampling or to the client that they are the answer's.
        """
        counted = sampling.logprobs is not None or sampling.prompt_logprobs is not None
        if self._drafts == "off" or sampling.grammar is None or counted or has_penalties(chosen):
            return ()
        opening = self.tokenizer.tried(sampling.grammar).opening
        return opening if len(opening) < sampling.max_tokens else ()

    def _params(self, sampling: Sampling, chosen: Mapping[str, Any], opening: tuple[int, ...]) -> VettedParams:
        return VettedParams(
            **{**chosen, "max_tokens": sampling.max_tokens - len(opening)},
            logit_bias=dict(sampling.logit_bias) or None,
            stop_token_ids=list(sampling.stop_token_ids),
            detokenize=False,  # done here, for a fraction of the cost
            structured_outputs=self._constraint(sampling.grammar, opening),
            extra_args=self._of_drafts(sampling, chosen) if self._drafts != "off" else None,
            output_kind=RequestOutputKind.DELTA,
            skip_clone=True,
        )

    def _constraint(self, grammar: str | None, opening: tuple[int, ...]) -> StructuredOutputsParams | None:
        if grammar is None:
            return None
        told = StructuredOutputsParams(grammar=grammar if self._drafts == "off" else specification(opening, grammar))
        told._backend = "guidance"
        return told

    def _of_drafts(self, sampling: Sampling, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """What the scheduler is told of this answer."""
        told = {GUESSES: self._guesses(sampling, chosen)}
        return {**told, TELLS: True} if sampling.sources else told

    def _guesses(self, sampling: Sampling, chosen: Mapping[str, Any]) -> bool:
        """Whether a guess that does not hold would leave no trace in this answer.

        A bias or a minimal probability misses drafted tokens. A seeded answer must not depend on how busy the engine
        is, and that decides which guesses are made.
        """
        if self._drafts != "auto" or sampling.logit_bias or chosen.get("min_p"):
            return False
        return chosen.get("temperature") == 0 or (self._samples_guesses and sampling.seed is None)


async def _made(make: Callable[[], tuple[AsyncLLM, CollectorRegistry]]) -> tuple[AsyncLLM, CollectorRegistry]:
    """Makes an engine in a thread. Cancelled, it leaves none behind."""
    others = set(active_children())
    making = asyncio.ensure_future(asyncio.to_thread(make))
    try:
        return await asyncio.shield(making)
    except asyncio.CancelledError:
        # The thread can't be told to stop, but it gives up once its processes have ended.
        while not making.done():
            for child in set(active_children()) - others:
                child.kill()
            await asyncio.wait([making], timeout=GIVES_UP)
        if making.exception() is None:
            making.result()[0].shutdown(timeout=0)
        raise
