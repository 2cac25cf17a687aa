"""vLLM in this process's children, driven by `AsyncLLM`: CUDA and CPU alike.

vLLM's structured-output backend is pinned to guidance (llguidance): one engine has one, and `auto` mixes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from functools import cached_property
from typing import Any

from vllm.config import StructuredOutputsConfig
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.exceptions import VLLMClientError
from vllm.inputs import tokens_input
from vllm.outputs import CompletionOutput
from vllm.platforms import current_platform
from vllm.sampling_params import RequestOutputKind, SamplingParams, StructuredOutputsParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

from middleware.engines.base import (
    EngineDead,
    EngineFailed,
    EngineFinish,
    Piece,
    PromptRefused,
    SampledToken,
    Sampling,
    TokenLogprob,
)
from middleware.engines.huggingface import HuggingFaceTokenizer

# vLLM's finish reasons that end an answer as it should end. "abort" and "error" arrive as ordinary last
# outputs without a message.
FINISH: Mapping[str, EngineFinish] = {"stop": "stop", "repetition": "stop", "length": "length"}

# JSON knows no infinity; OpenAI writes this for a token that can't come.
IMPOSSIBLE = -9999.0


def prepared(args: AsyncEngineArgs) -> AsyncEngineArgs:
    """Pins what the guarantees rest on. Changes `args` in place, as vLLM itself does."""
    args.structured_outputs_config = StructuredOutputsConfig(backend="guidance")
    if current_platform.is_cpu() and args.enable_chunked_prefill is None:
        # A seeded request whose prefill is cut in chunks kills vLLM's CPU engine: its runner rewinds the
        # request's generator, and torch's CPU generators have no offset.
        args.enable_chunked_prefill = False
    return args


class VllmEngine:
    """One vLLM engine. Nothing is loaded before `start`."""

    def __init__(self, args: AsyncEngineArgs, *, model_id: str | None = None) -> None:
        self._args = prepared(args)
        self._model_id = model_id
        self._running: AsyncLLM | None = None

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

    @property
    def max_model_len(self) -> int:
        return int(self._llm.model_config.max_model_len)

    @cached_property
    def tokenizer(self) -> HuggingFaceTokenizer:
        return HuggingFaceTokenizer(self._llm.get_tokenizer(), self._llm.model_config.get_vocab_size())

    @cached_property
    def _defaults(self) -> Mapping[str, Any]:
        """The sampling parameters of the model's own generation config."""
        return dict(self._llm.model_config.get_diff_sampling_param())

    async def start(self) -> None:
        # The constructor blocks for as long as the model takes to load.
        self._running = await asyncio.to_thread(AsyncLLM.from_engine_args, self._args)
        await asyncio.to_thread(lambda: self.tokenizer.grammar_error("start: /(.|\\n)*/"))

    async def stop(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            # On the loop, though it blocks: elsewhere vLLM's own tasks see the engine go, and call it dead.
            running.shutdown(timeout=0)

    async def check_health(self) -> None:
        try:
            await self._llm.check_health()
        except EngineDeadError as error:
            raise EngineDead(str(error)) from error

    def running(self) -> int:
        return int(self._llm.get_num_unfinished_requests())

    def refusal(self, sampling: Sampling) -> tuple[str, str] | None:
        most = self._llm.model_config.max_logprobs
        if sampling.logprobs is not None and -1 < most < sampling.logprobs:
            return "top_logprobs", f"This server gives at most {most} top_logprobs."
        if sampling.seed is not None and current_platform.is_cpu() and self._args.enable_chunked_prefill:
            return "seed", "vLLM's CPU engine can't seed requests while chunked prefill is enabled."
        return None

    async def generate(self, prompt: Sequence[int], sampling: Sampling, request_id: str) -> AsyncGenerator[Piece, None]:
        params = self._params(sampling)
        try:
            outputs = self._llm.generate(tokens_input(list(prompt)), params, request_id)
            async with aclosing(outputs):
                async for output in outputs:
                    yield self._piece(output.outputs[0], sampling.logprobs)
        except VLLMClientError as error:
            raise PromptRefused(str(error)) from error
        except EngineGenerateError as error:
            raise EngineFailed(f"The engine could not go on with this request: {error.__cause__ or error}") from error
        except EngineDeadError as error:
            raise EngineDead("The engine has died.") from error

    def _params(self, sampling: Sampling) -> SamplingParams:
        chosen = {name: value for name in SAMPLED if (value := getattr(sampling, name)) is not None}
        return SamplingParams(
            **{**self._defaults, **chosen},
            logit_bias=dict(sampling.logit_bias) or None,
            stop_token_ids=list(sampling.stop_token_ids),
            skip_special_tokens=not sampling.special_tokens,
            spaces_between_special_tokens=False,
            structured_outputs=StructuredOutputsParams(grammar=sampling.grammar) if sampling.grammar else None,
            output_kind=RequestOutputKind.DELTA,
            skip_clone=True,
        )

    def _piece(self, output: CompletionOutput, most: int | None) -> Piece:
        reason = output.finish_reason
        if reason is not None and reason not in FINISH:
            raise EngineFailed(f"The engine ended this request: {reason}.")
        logprobs = zip(output.token_ids, output.logprobs or (), strict=False)
        return Piece(
            text=output.text,
            token_ids=tuple(output.token_ids),
            logprobs=tuple(self._sampled(token_id, position, most) for token_id, position in logprobs),
            finish=FINISH[reason] if reason else None,
        )

    def _sampled(self, token_id: int, position: Mapping[int, Any], most: int | None) -> SampledToken:
        chosen = self._logprob(token_id, position[token_id])
        # vLLM adds the sampled token to the likeliest ones where it is none of them.
        ranked = sorted(position.items(), key=lambda entry: entry[1].rank)[:most]
        top = tuple(self._logprob(other, logprob) for other, logprob in ranked)
        return SampledToken(chosen.token, chosen.logprob, chosen.bytes, top)

    def _logprob(self, token_id: int, logprob: Any) -> TokenLogprob:
        spelled = self.tokenizer.token_bytes(token_id)
        return TokenLogprob(spelled.decode(errors="replace"), max(logprob.logprob, IMPOSSIBLE), tuple(spelled))


# The fields of `Sampling` that vLLM calls by the same name.
SAMPLED = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "repetition_penalty",
    "logprobs",
    "min_tokens",
    "ignore_eos",
)
