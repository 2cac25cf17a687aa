"""What becomes of the arguments of `vllm serve` here: those of its API server, and of its engine those that are not
simply passed on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Taken:
    """An argument that is used. `note`: what differs from `vllm serve`; "" for nothing."""

    note: str = ""


@dataclass(frozen=True, slots=True)
class Untaken:
    """An argument that is refused at start. `why`: what to do, then the reason, for the error and the documentation."""

    why: str


Argument = Taken | Untaken


def _all(names: str, argument: Argument) -> Mapping[str, Argument]:
    return dict.fromkeys(names.split(), argument)


_PARSED = "remove it: the model's wire format is found from its chat template, and --tool-format sets another"
_REASONING = (
    "remove it: grammars hold the reasoning themselves, from the first token on. With it, vLLM applies no "
    "grammar until the reasoning ends"
)
_COHERE = "remove it: this server has no /cohere/v2/chat"
_FINGERPRINT = "remove it: responses have no system_fingerprint"
_HTTP_ONLY = "remove it: this server has no gRPC"
_TOKENS_ONLY = "start vllm serve for that: this server has no endpoints of token ids besides /v1/completions"
_NO_SUPERVISOR = "remove it: this server starts no supervisor of several servers"
_LOGS = "remove it: the log has a line for each request, and with --log-content its texts"
_ACCESS = "remove it: the log has a line for each answer, and no others"
_TLS = "remove it, and put a proxy with TLS in front"
_HEADERS = "remove it: the limits of headers are fixed; --max-body-bytes and others limit bodies"
_PAGES = "remove it: this server has /openapi.json, and pages only with --playground"

# By the names that vLLM's parser gives them.
SERVER: Mapping[str, Argument] = {
    "model_tag": Taken("--model sets it too"),
    "lora_modules": Taken("[adapters](#adapters)"),
    **_all("host port root_path allow_credentials trust_request_chat_template", Taken()),
    "chat_template": Taken("a file, not the template itself"),
    **_all("allowed_origins allowed_methods allowed_headers", Taken("separated by commas, or a JSON list")),
    "config": Taken("a TOML file with settings of its own, see [settings](#settings)"),
    "api_key": Untaken("set --api-key-file, or the variable LATTICEWORK_API_KEYS"),
    "headless": Untaken("start vllm serve --headless on the other nodes, and this server on the first"),
    "api_server_count": Untaken("set --api-servers"),
    **_all("grpc grpc_port", Untaken(_HTTP_ONLY)),
    "uds": Untaken("set --host and --port: this server listens on no Unix socket"),
    **_all("tool_call_parser tool_parser_plugin", Untaken(_PARSED)),
    "enable_auto_tool_choice": Untaken("remove it: tool calls are always on"),
    "tool_strict_level": Untaken("remove it: the arguments of all tools are always constrained by their schemas"),
    "tool_server": Untaken("remove it: this server calls no tools itself; send them in requests"),
    "exclude_tools_when_tool_choice_none": Untaken("remove it, and send no tools where none may be called"),
    "chat_template_content_format": Untaken("remove it: the chat template shows which form it takes"),
    "default_chat_template_kwargs": Untaken("send chat_template_kwargs in requests"),
    "response_role": Untaken("remove it: the role of an answer is always assistant"),
    "trust_request_mm_kwargs": Untaken("remove it: this server takes text only"),
    "return_tokens_as_token_ids": Untaken("send return_tokens_as_token_ids in requests"),
    "enable_force_include_usage": Untaken("send stream_options.include_usage in requests"),
    "enable_prompt_tokens_details": Untaken("remove it: usage always has prompt_tokens_details where any are cached"),
    "enable_per_request_metrics": Untaken("remove it: the log and traces have the times of each request"),
    "enable_server_load_tracking": Untaken("remove it: /health has the running answers"),
    "enable_request_id_headers": Untaken("remove it: each response has an x-request-id"),
    "enable_tokenizer_info_endpoint": Untaken("remove it, and read the tokenizer's files"),
    "sse_keep_alive_interval": Untaken("remove it: streams have no comments. Set a longer read timeout in the proxy"),
    **_all("enable_log_outputs enable_log_deltas max_log_len", Untaken(_LOGS)),
    "log_error_stack": Untaken("remove it: the log has the traceback of each error of the server's own"),
    **_all("cohere_is_reasoning_model cohere_format", Untaken(_COHERE)),
    "anthropic_disabled_thinking_effort": Untaken("remove it: without thinking, templates get enable_thinking false"),
    **_all("tokens_only enable_scale_out", Untaken(_TOKENS_ONLY)),
    **_all("fingerprint_mode fingerprint_value", Untaken(_FINGERPRINT)),
    **_all(
        "data_parallel_supervisor_port dp_supervisor_probe_interval_s dp_supervisor_probe_timeout_s "
        "dp_supervisor_probe_failure_threshold",
        Untaken(_NO_SUPERVISOR),
    ),
    **_all(
        "uvicorn_log_level disable_uvicorn_access_log disable_access_log_for_endpoints",
        Untaken(_ACCESS),
    ),
    **_all("ssl_keyfile ssl_certfile ssl_ca_certs enable_ssl_refresh ssl_cert_reqs ssl_ciphers", Untaken(_TLS)),
    "middleware": Untaken("remove it, and wrap the app that create_app makes"),
    **_all("disable_fastapi_docs enable_offline_docs", Untaken(_PAGES)),
    **_all("h11_max_incomplete_event_size h11_max_header_count", Untaken(_HEADERS)),
    "enable_flash_late_interaction": Untaken("remove it: this server has no pooling models"),
}

# All other arguments of vLLM's engine are passed on.
ENGINE: Mapping[str, Argument] = {
    **_all("reasoning_parser reasoning_parser_plugin", Untaken(_REASONING)),
    "reasoning_config": Untaken("remove it: a request limits its reasoning by max_reasoning_tokens"),
    "structured_outputs_config": Taken('`{"backend": "guidance"}`, which is set in any case; other values are refused'),
    **_all(
        "speculative_config spec_method spec_model spec_tokens", Taken("instead of this server's [drafts](drafts.md)")
    ),
    "scheduler_cls": Taken("without drafts and without this server's grammars: vLLM's own backend enforces them"),
    "worker_extension_cls": Taken("without drafts"),
    "kv_transfer_config": Taken("see [scaling](scaling.md#prefill-and-decode-in-different-engines)"),
}


def flag(name: str) -> str:
    return "MODEL" if name == "model_tag" else f"--{name.replace('_', '-')}"


def refusal(name: str, argument: Untaken) -> str:
    """One line for an argument that is refused."""
    return f"{flag(name)}: {argument.why}."


def config_refusal(name: str) -> str:
    """The same for a field of `--structured-outputs-config`."""
    why = _REASONING if "reasoning" in name else "remove it: grammars are this server's own, and llguidance's"
    return f"--structured-outputs-config.{name}: {why}."
