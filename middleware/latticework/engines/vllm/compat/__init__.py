"""All of vLLM that this server uses and that is not vLLM's public interface: one `Patch` each.

None of them is taken for granted. What the installed vLLM lacks is left out; the log says so at start, and /health
lists it. What no server can do without is public: `AsyncLLM`'s methods and configuration, its arguments,
`SamplingParams`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from prometheus_client import CollectorRegistry
from vllm.sampling_params import SamplingParams

from latticework.engines.vllm.compat.patch import Patch, written_already

_HERE = __name__
_PROCESSOR = "vllm.v1.engine.output_processor"
_LLM = "vllm.v1.engine.async_llm:AsyncLLM"
_CLIENT = "vllm.v1.engine.core_client"
_OUTPUT = "vllm.v1.engine:EngineCoreOutput"
_STATS = "vllm.v1.metrics.stats"
_LOGGERS = "vllm.v1.metrics.loggers"
_SAMPLE = "vllm.v1.sample"
_SCHEDULER = "vllm.v1.core.sched.scheduler:Scheduler"
_SCHEDULED = "vllm.v1.core.sched.output:SchedulerOutput"
_REQUEST = "vllm.v1.request:Request"
_GRAMMARS = "vllm.v1.structured_output"
_GUIDANCE = f"{_GRAMMARS}.backend_guidance"

# The CPU builds in which these parts were looked up; docs/operations.md has what was run with each.
SEEN = ("0.24.0", "0.25.1", "0.26.0", "0.27.1", "0.28.0", "0.29.0", "0.30.0", "0.31.0", "0.32.0")


def _attributes(owner: str, *names: str) -> tuple[str, ...]:
    return tuple(f"{owner}.{name}" for name in names)


class GeneratedOutputs:
    """A request's outputs by vLLM's public generator, with the methods of its queue."""

    def __init__(self, outputs: Any, first: Any) -> None:
        self._outputs = outputs
        self._first = first

    def get_nowait(self) -> Any:
        first, self._first = self._first, None
        return first

    async def get(self) -> Any:
        return await anext(self._outputs)


async def generate_outputs(
    llm: Any, request_id: str, prompt: Any, params: SamplingParams, priority: int = 0, adapter: Any = None
) -> tuple[GeneratedOutputs, Callable[[], Awaitable[None]]]:
    """The request's outputs, and what aborts it. Returns once there is one: until then vLLM may refuse the request."""
    outputs = llm.generate(prompt, params, request_id, priority=priority, lora_request=adapter)
    return GeneratedOutputs(outputs, await anext(outputs)), outputs.aclose


ENGINE_METRICS = Patch(
    name="engine metrics",
    purpose="Each engine of a process keeps its own metrics; vLLM's global registry has those of the newest one.",
    without="/metrics lacks vLLM's own metrics",
    versions=SEEN,
    needs=("prometheus_client:REGISTRY._collector_to_names",),
    install=f"{_HERE}.metrics:with_own_metrics",
    fallback=lambda make: (make(), CollectorRegistry()),
)

STEP_METRICS = Patch(
    name="step metrics",
    purpose="vLLM's metrics are written for many steps in one go.",
    without="each step costs more CPU on the event loop",
    versions=SEEN,
    needs=(
        f"{_LLM}.logger_manager",
        *_attributes(
            f"{_LOGGERS}:StatLoggerManager",
            "record(scheduler_stats, iteration_stats, mm_cache_stats, engine_idx)",
            "stat_loggers",
        ),
        f"{_LOGGERS}:PrometheusStatLogger",
        f"{_LOGGERS}:LoggingStatLogger",
    ),
    install=f"{_HERE}.metrics:patch_step_metrics",
    fallback=lambda llm: written_already,
)

STEP_OUTPUTS = Patch(
    name="step outputs",
    purpose="Outputs with nothing but tokens go straight to their requests' queues.",
    without="each token costs more CPU on the event loop",
    versions=SEEN,
    needs=(
        f"{_LLM}.output_processor",
        *_attributes(
            f"{_PROCESSOR}:OutputProcessor",
            "process_outputs(engine_core_outputs, engine_core_timestamp, iteration_stats)",
            "request_states",
            "stream_interval",
        ),
        *_attributes(f"{_PROCESSOR}:RequestState", "is_prefilling", "parent_req", "queue", "stats"),
        f"{_PROCESSOR}:RequestOutputCollector.put(output)",
        *_attributes(
            _OUTPUT, "request_id", "new_token_ids", "finish_reason", "new_logprobs", "events", "kv_transfer_params"
        ),
        *_attributes(f"{_STATS}:IterationStats", "num_generation_tokens", "inter_token_latencies_iter"),
        *_attributes(f"{_STATS}:RequestStateStats", "num_generation_tokens", "last_token_ts"),
        "vllm.outputs:RequestOutput.add(next_output, aggregate)",
    ),
    install=f"{_HERE}.outputs:patch_step_outputs",
    defect=f"{_HERE}.outputs:unknown_output_fields",
)

STEP_SOCKET = Patch(
    name="step socket",
    purpose="The engine core's steps are read with one future, where pyzmq makes three.",
    without="each step costs more CPU on the event loop",
    versions=SEEN,
    needs=(
        f"{_LLM}.engine_core",
        f"{_CLIENT}:MPClient.resources",
        *_attributes(f"{_CLIENT}:BackgroundResources", "output_socket", "output_queue_task"),
    ),
    install=f"{_HERE}.sockets:patch_step_socket",
)

OUTPUT_QUEUES = Patch(
    name="output queues",
    purpose="A request's outputs are read from vLLM's queue, without the generator around it.",
    without="each token costs more CPU on the event loop",
    versions=SEEN,
    needs=(
        *_attributes(
            _LLM, "add_request(request_id, prompt, params, priority, lora_request)", "abort(request_id, internal)"
        ),
        *_attributes(f"{_PROCESSOR}:RequestOutputCollector", "get", "get_nowait", "request_id"),
    ),
    install=f"{_HERE}.requests:queue_outputs",
    fallback=generate_outputs,
)

READY_EVENTS = Patch(
    name="ready events",
    purpose="A request waits for its queue by a future, where vLLM has an asyncio.Event.",
    without="each token costs more CPU on the event loop",
    versions=SEEN,
    needs=(
        *OUTPUT_QUEUES.needs,
        f"{_PROCESSOR}:RequestOutputCollector(output_kind, request_id)",
        f"{_PROCESSOR}:RequestOutputCollector.ready",
    ),
    install=f"{_HERE}.requests:patch_ready_event",
    defect=f"{_HERE}.requests:replaced_ready_event",
)

CHECKED_PARAMS = Patch(
    name="checked parameters",
    purpose="vLLM does not check again what this server has checked, which would compile each grammar once more.",
    without="large grammars stall all streams while vLLM compiles them, and drafts exclude min_p and logit_bias",
    versions=SEEN,
    needs=("vllm.sampling_params:SamplingParams.verify", "vllm.sampling_params:StructuredOutputsParams._backend"),
    install=f"{_HERE}.requests:checked_params",
    fallback=SamplingParams,
)

UNCOPIED_PARAMS = Patch(
    name="uncopied parameters",
    purpose="vLLM uses a request's parameters as they are, and copies none.",
    without="each request costs more CPU",
    versions=SEEN,
    needs=("vllm.sampling_params:SamplingParams.skip_clone",),
    install=f"{_HERE}.requests:uncopied",
    fallback=dict,
)

SETTINGS_CACHE = Patch(
    name="settings cache",
    purpose="vLLM remembers its settings, which it otherwise looks up in the environment for every token.",
    without="each token costs more CPU on the event loop",
    versions=SEEN,
    needs=("vllm.envs:enable_envs_cache",),
    install="vllm.envs:enable_envs_cache",
)

CHILD_PROCESSES = Patch(
    name="child processes",
    purpose="The engine's processes end with this one, however it ends, and report why they could not start.",
    without="a server that is killed leaves its engine behind for minutes, Ctrl-C cuts running answers, and an engine "
    "that fails to start prints tracebacks",
    versions=("0.32.0",),
    needs=(
        "vllm.v1.engine.utils:get_mp_context",
        "vllm.v1.engine.coordinator:get_mp_context",
        "vllm.v1.executor.multiproc_executor:get_mp_context",
    ),
    install=f"{_HERE}.children:patch_children",
)

STOPPED_ANSWERS = Patch(
    name="stopped answers",
    purpose="Where an engine is stopped, the answers that wait for it end at once.",
    without="answers that wait for an engine which is stopped may hang until their deadline",
    versions=SEEN,
    needs=(f"{_LLM}.output_processor", f"{_PROCESSOR}:OutputProcessor.propagate_error(e)"),
    install=f"{_HERE}.requests:end_answers",
)

QUICK_SHUTDOWN = Patch(
    name="quick shutdown",
    purpose="An engine is stopped without a grace period: nothing waits for it any more.",
    without="stopping or restarting an engine may take seconds longer",
    versions=SEEN,
    needs=(f"{_LLM}.shutdown(timeout)",),
    install=f"{_HERE}.requests:shut_down_now",
    fallback=lambda llm: llm.shutdown(),
)

TOKENIZER_CHECK = Patch(
    name="tokenizer check",
    purpose="Where drafts are off, a tokenizer that vLLM's grammar backend does not support ends the start.",
    without="a tokenizer that vLLM's grammar backend does not support fails at the first request, not at the start",
    versions=("0.32.0",),
    needs=(f"{_GUIDANCE}:GuidanceBackend.is_tokenizer_supported(tokenizer)",),
    install=f"{_HERE}.grammars:refuse_unsupported",
)

GRAMMARS = Patch(
    name="grammars",
    purpose="Each grammar is compiled once, for tokenizers of all kinds, and an answer may begin in its prompt.",
    without="vLLM's own backend enforces them: each request compiles its grammar again, drafts are off, and no text is "
    "continued under a grammar",
    versions=SEEN,
    needs=(
        *_attributes("vllm.engine.arg_utils:AsyncEngineArgs", "scheduler_cls", "worker_extension_cls"),
        *_attributes(
            _SCHEDULER,
            "update_from_output(scheduler_output, model_runner_output)",
            "running",
            "vllm_config",
            "structured_output_manager",
        ),
        *_attributes(_REQUEST, "request_id", "structured_output_request"),
        "vllm.v1.core.sched.async_scheduler:AsyncScheduler",
        *_attributes(f"{_GRAMMARS}:StructuredOutputManager", "backend", "tokenizer"),
        f"{_GRAMMARS}.request:StructuredOutputRequest.grammar",
        f"{_GRAMMARS}.backend_types:StructuredOutputOptions",
        f"{_GUIDANCE}:GuidanceBackend.compile_grammar(request_type, grammar_spec)",
        *_attributes(f"{_GUIDANCE}:GuidanceGrammar", "ll_matcher", "ll_tokenizer", "vocab_size", "is_terminated"),
        "vllm.v1.engine:EngineCoreOutputs.outputs",
        *_attributes(_OUTPUT, "request_id", "finish_reason", "kv_transfer_params"),
        "vllm.outputs:RequestOutput.kv_transfer_params",
    ),
    install=f"{_HERE}.drafting:add_grammars",
    fallback=lambda args: "lacks what they need",
)

DRAFTS = Patch(
    name="drafts",
    purpose="Tokens that a grammar forces, or that are copied from the prompt, are checked in one forward pass.",
    without="they are off: what a grammar forces takes forward passes",
    versions=tuple(version for version in SEEN if version not in ("0.24.0", "0.30.0")),  # on a CPU
    needs=(
        *GRAMMARS.needs,
        "vllm.engine.arg_utils:AsyncEngineArgs.speculative_config",
        *_attributes(
            _SCHEDULER,
            "schedule",
            "update_draft_token_ids(draft_token_ids)",
            "requests",
            "waiting",
            "max_num_scheduled_tokens",
            "max_num_running_reqs",
            "max_model_len",
            "num_spec_tokens",
        ),
        *_attributes(_SCHEDULED, "scheduled_new_reqs", "total_num_scheduled_tokens", "scheduled_spec_decode_tokens"),
        *_attributes(
            _REQUEST,
            "sampling_params",
            "prompt_token_ids",
            "num_prompt_tokens",
            "all_token_ids",
            "max_tokens",
            "num_tokens",
            "num_computed_tokens",
            "num_output_tokens",
            "num_output_placeholders",
            "spec_token_ids",
        ),
        f"{_SAMPLE}.sampler:Sampler.forward(logits, sampling_metadata)",
        f"{_SAMPLE}.rejection_sampler:RejectionSampler.forward(metadata, draft_probs, logits, sampling_metadata)",
        f"{_SAMPLE}.rejection_sampler:apply_sampling_constraints(logits, cu_num_draft_tokens, sampling_metadata)",
        f"{_SAMPLE}.rejection_sampler:rejection_sample(draft_token_ids, num_draft_tokens, max_spec_len, "
        "cu_num_draft_tokens, draft_probs, target_logits, bonus_token_ids, sampling_metadata)",
        f"{_SAMPLE}.logits_processor:LogitsProcessors(logitsprocs)",
        f"{_SAMPLE}.logits_processor:BUILTIN_LOGITS_PROCESSORS",
    ),
    install=f"{_HERE}.drafting:add_drafts",
    fallback=lambda args: "lacks what they need",
    defect=f"{_HERE}.drafting:drafting_defect",
)

GRAMMAR_WATCH = Patch(
    name="grammar watch",
    purpose="A grammar that exceeds a limit ends its request with an error that names the limit. Slow masks have one.",
    without="a grammar that exceeds a limit is noticed in the finished text only, and may slow down all answers",
    versions=("0.32.0",),
    needs=(
        *_attributes(
            f"{_GUIDANCE}:GuidanceGrammar",
            "ll_matcher",
            "ll_tokenizer",
            "vocab_size",
            "accept_tokens(request_id, tokens)",
            "validate_tokens(tokens)",
            "rollback(num_tokens)",
            "fill_bitmask(bitmask, idx)",
            "check_error",
            "rollback_lag",
        ),
    ),
    install=f"{_HERE}.watched:WatchedGrammar",
)

PARALLEL_MASKS = Patch(
    name="parallel masks",
    purpose="A step's grammar masks are filled in one call, on threads, those of drafted tokens included.",
    without="masks cost more CPU, and those of drafted tokens are filled on one thread",
    versions=("0.32.0",),
    needs=(
        *GRAMMAR_WATCH.needs,
        f"{_GRAMMARS}:StructuredOutputManager.grammar_bitmask("
        "requests, structured_output_request_ids, scheduled_spec_decode_tokens)",
        *_attributes(
            f"{_GRAMMARS}:StructuredOutputManager", "_grammar_bitmask", "reasoner_cls", "vllm_config", "_fill_bitmasks"
        ),
        f"{_GRAMMARS}.utils:strip_speculative_padding",
        f"{_GRAMMARS}.request:StructuredOutputRequest.grammar",
        "llguidance:LLExecutor.unsafe_compute_mask_ptr",
        "llguidance:LLExecutor.unsafe_compute_mask_ptr_with_draft_token",
    ),
    install=f"{_HERE}.masks:fill_in_parallel",
)

DRAFT_POLLING = Patch(
    name="draft polling",
    purpose="The engine core does not ask its workers for drafts, which they never have.",
    without="each step takes another round trip to the workers",
    versions=SEEN,
    needs=_attributes("vllm.v1.executor:Executor", "get_class(vllm_config)", "take_draft_token_ids"),
    install=f"{_HERE}.draft_scheduler:stop_draft_polling",
)

TOKEN_EXPANSION = Patch(
    name="token expansion",
    purpose="On a CPU, drafted tokens get their request's temperature, top_k and top_p, which vLLM's kernel loses.",
    without="on a CPU, of sampled answers only what their grammar forces is drafted",
    versions=SEEN,
    needs=(
        f"{_SAMPLE}.rejection_sampler:expand_batch_to_tokens(x, cu_num_tokens, num_tokens, replace_from, replace_to)",
    ),
    install=f"{_HERE}.worker:patch_token_expansion",
)

PATCHES: tuple[Patch, ...] = (
    ENGINE_METRICS,
    STEP_METRICS,
    STEP_OUTPUTS,
    STEP_SOCKET,
    OUTPUT_QUEUES,
    READY_EVENTS,
    CHECKED_PARAMS,
    UNCOPIED_PARAMS,
    SETTINGS_CACHE,
    CHILD_PROCESSES,
    STOPPED_ANSWERS,
    QUICK_SHUTDOWN,
    TOKENIZER_CHECK,
    GRAMMARS,
    DRAFTS,
    GRAMMAR_WATCH,
    PARALLEL_MASKS,
    DRAFT_POLLING,
    TOKEN_EXPANSION,
)
# Those that have no use where drafts are off, and where vLLM's own scheduler runs.
WITH_DRAFTS = frozenset({DRAFT_POLLING, TOKEN_EXPANSION})
WITH_GRAMMARS = frozenset({GRAMMAR_WATCH, PARALLEL_MASKS})
