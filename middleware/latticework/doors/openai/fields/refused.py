"""The fields that are refused by name: each would change the answer."""

from __future__ import annotations

from collections.abc import Mapping

from latticework.doors.common.fields import ABSENT, CHAT, COMPLETIONS, Refused

OPENAI, VLLM, SGLANG, LLAMA, OLLAMA = "OpenAI", "vLLM", "SGLang", "llama.cpp", "Ollama"
VLLM_SGLANG = f"{VLLM}, {SGLANG}"
LLAMA_OLLAMA = f"{LLAMA}, {OLLAMA}"

GUIDED = "was removed from vLLM in 0.12; send 'structured_outputs' instead."
SAMPLER = "is not supported: the engines have no such sampler. Send 'top_p', 'top_k' or 'min_p' instead."
CONVERSATION = "needs a conversation; send it to /v1/chat/completions."
ELSEWHERE = "is not supported: an answer is computed by one engine, not by several."
TEXT_ONLY = "is not supported: this server generates text."

_OPENAI: Mapping[str, Refused] = {
    "functions": Refused(OPENAI, "is deprecated; send 'tools' instead.", doors=CHAT),
    "function_call": Refused(OPENAI, "is deprecated; send 'tool_choice' instead.", doors=CHAT),
    "audio": Refused(OPENAI, TEXT_ONLY),
    "web_search_options": Refused(OPENAI, "is not supported: this server has no web search."),
    "moderation": Refused(OPENAI, "is not supported: this server has no moderation."),
    "best_of": Refused(
        "OpenAI, vLLM, SGLang", "is not supported in a chat; send 'n' instead.", (*ABSENT, 1), doors=CHAT
    ),
    "suffix": Refused(
        OPENAI, "is not supported: this server doesn't support fill-in-the-middle.", (*ABSENT, ""), doors=CHAT
    ),
    "prompt": Refused(OPENAI, "is for /v1/completions; send 'messages' instead.", doors=CHAT),
    "max_completion_tokens": Refused(OPENAI, "is for chats; send 'max_tokens' instead.", doors=COMPLETIONS),
    "top_logprobs": Refused(OPENAI, "is for chats; send the number as 'logprobs' instead.", doors=COMPLETIONS),
    "messages": Refused(OPENAI, "needs a chat template; send it to /v1/chat/completions.", doors=COMPLETIONS),
    "tools": Refused(OPENAI, CONVERSATION, (*ABSENT, []), doors=COMPLETIONS),
    "tool_choice": Refused(OPENAI, CONVERSATION, (*ABSENT, "none", "auto"), doors=COMPLETIONS),
    "parallel_tool_calls": Refused(OPENAI, CONVERSATION, (*ABSENT, True), doors=COMPLETIONS),
    "reasoning_effort": Refused(OPENAI, CONVERSATION, doors=COMPLETIONS),
}

_VLLM: Mapping[str, Refused] = {
    "guided_json": Refused(
        VLLM, "was removed from vLLM in 0.12; send 'response_format' or 'structured_outputs' instead."
    ),
    "guided_regex": Refused(VLLM, GUIDED),
    "guided_choice": Refused(VLLM, GUIDED),
    "guided_grammar": Refused(VLLM, GUIDED),
    "guided_whitespace_pattern": Refused(VLLM, "is not supported: the whitespace of documents is fixed."),
    "use_beam_search": Refused(VLLM, "is not supported; send 'n' instead."),
    "length_penalty": Refused(VLLM, "is not supported: there is no beam search.", (*ABSENT, 1)),
    "early_stopping": Refused(VLLM, "is not supported: there is no beam search."),
    "watermarking": Refused(VLLM, "is not supported."),
    "logits_processors": Refused(
        VLLM, "is not supported: requests can't bring code. Send 'logit_bias' instead.", (*ABSENT, [])
    ),
    "logprob_token_ids": Refused(VLLM, "is not supported; send 'logprobs' instead.", (*ABSENT, [])),
    "repetition_detection": Refused(VLLM, "is not supported; send 'frequency_penalty' instead."),
    "vllm_xargs": Refused(VLLM, "is not supported.", (*ABSENT, {})),
    "ec_transfer_params": Refused(VLLM, ELSEWHERE, (*ABSENT, {})),
    "routed_experts_prompt_start": Refused(VLLM, "is not supported: routed experts are not returned.", (*ABSENT, 0)),
    "return_token_offsets": Refused(VLLM, "is not supported."),
    "return_prompt_text": Refused(VLLM, "is not supported.", doors=CHAT),
    "truncation_side": Refused(
        VLLM, "must be 'left': the end of a prompt is what the answer continues.", (*ABSENT, "left")
    ),
    "continue_final_message": Refused(VLLM_SGLANG, CONVERSATION, doors=COMPLETIONS),
    "add_generation_prompt": Refused(VLLM, CONVERSATION, (None, True), doors=COMPLETIONS),
    "add_special_tokens": Refused(
        VLLM, "is not supported in a chat: the chat template adds special tokens.", doors=CHAT
    ),
    "skip_special_tokens": Refused(
        VLLM_SGLANG,
        "must be true in a chat: special tokens are the markup of answers. Send the prompt to /v1/completions instead.",
        (None, True),
        doors=CHAT,
    ),
    "include_reasoning": Refused(
        VLLM, "must be true: reasoning is returned in a field of its own, 'reasoning_content'.", (None, True)
    ),
    "prompt_embeds": Refused(
        VLLM, "is not supported; send 'prompt' as text or token ids.", (*ABSENT, []), doors=COMPLETIONS
    ),
    "documents": Refused(VLLM, CONVERSATION, (*ABSENT, []), doors=COMPLETIONS),
    "chat_template_kwargs": Refused(VLLM, CONVERSATION, (*ABSENT, {}), doors=COMPLETIONS),
    "thinking_token_budget": Refused(VLLM, CONVERSATION, (*ABSENT, -1), doors=COMPLETIONS),
    "refusal": Refused("extension", CONVERSATION, (*ABSENT, "never"), doors=COMPLETIONS),
    "max_reasoning_tokens": Refused("extension", CONVERSATION, doors=COMPLETIONS),
    "draft_tokens": Refused("extension", CONVERSATION, doors=COMPLETIONS),
    "retries": Refused("extension", CONVERSATION, (*ABSENT, "resample"), doors=COMPLETIONS),
    "repeated_calls": Refused("extension", CONVERSATION, doors=COMPLETIONS),
    "tool_format": Refused("extension", CONVERSATION, doors=COMPLETIONS),
    "tool_call_streaming": Refused("extension", CONVERSATION, doors=COMPLETIONS),
    "truncation": Refused(
        "extension", "is for chats; send it to /v1/chat/completions.", (*ABSENT, "cut"), doors=COMPLETIONS
    ),
    "prompt_logprobs": Refused(VLLM, "is for chats; send 'echo' with 'logprobs' instead.", doors=COMPLETIONS),
    "chat_template": Refused(VLLM, CONVERSATION, doors=COMPLETIONS),
}

_SGLANG: Mapping[str, Refused] = {
    "stop_regex": Refused(SGLANG, "is not supported; send 'stop' instead.", (*ABSENT, [])),
    "no_stop_trim": Refused(SGLANG, "is not supported; send 'include_stop_str_in_output' instead."),
    "separate_reasoning": Refused(
        SGLANG, "must be true: reasoning is returned in a field of its own, 'reasoning_content'.", (None, True)
    ),
    "stream_reasoning": Refused(SGLANG, "must be true: reasoning is streamed.", (None, True)),
    "lora_path": Refused(SGLANG, "is not supported; send the adapter's name as 'model' instead.", (*ABSENT, [])),
    "session_params": Refused(SGLANG, "is not supported: this server keeps no sessions.", (*ABSENT, {})),
    "custom_params": Refused(SGLANG, "is not supported: requests can't bring code.", (*ABSENT, {})),
    "custom_logit_processor": Refused(SGLANG, "is not supported: requests can't bring code."),
    "input_ids": Refused(SGLANG, "is not supported; send 'prompt' with token ids to /v1/completions instead."),
    "task": Refused(SGLANG, "is not supported."),
    "reasoning": Refused(
        f"{SGLANG}, {OLLAMA}", "is not supported; send 'reasoning_effort' or 'max_reasoning_tokens'.", (*ABSENT, {})
    ),
    "extra_key": Refused(SGLANG, "is not supported; send 'cache_salt' instead."),
    "bootstrap_host": Refused(SGLANG, ELSEWHERE),
    "bootstrap_port": Refused(SGLANG, ELSEWHERE),
    "bootstrap_room": Refused(SGLANG, ELSEWHERE),
    "return_hidden_states": Refused(SGLANG, "is not supported: hidden states are not returned."),
    "return_routed_experts": Refused(SGLANG, "is not supported: routed experts are not returned."),
    "routed_experts_start_len": Refused(SGLANG, "is not supported: routed experts are not returned.", (*ABSENT, 0)),
    "return_cached_tokens_details": Refused(SGLANG, "is not supported."),
    "return_prompt_token_ids": Refused(SGLANG, "is not supported; send 'return_token_ids' instead."),
    "return_meta_info": Refused(SGLANG, "is not supported."),
}

_LLAMA: Mapping[str, Refused] = {
    "grammar_lazy": Refused(LLAMA, "is not supported; send 'tools' instead."),
    "grammar_triggers": Refused(LLAMA, "is not supported; send 'tools' instead.", (*ABSENT, [])),
    "n_predict": Refused(LLAMA, "is not supported; send 'max_tokens' instead.", (*ABSENT, -1)),
    "n_cmpl": Refused(LLAMA, "is not supported; send 'n' instead.", (*ABSENT, 1)),
    "n_probs": Refused(LLAMA, "is not supported; send 'logprobs' instead.", (*ABSENT, 0)),
    "post_sampling_probs": Refused(LLAMA, "is not supported: log probabilities are those of the model."),
    "min_keep": Refused(LLAMA, "is not supported.", (*ABSENT, 0)),
    "n_indent": Refused(LLAMA, "is not supported.", (*ABSENT, 0)),
    "t_max_predict_ms": Refused(
        LLAMA, "is not supported; send 'max_tokens', or the header 'x-request-timeout', instead.", (*ABSENT, -1, 0)
    ),
    "samplers": Refused(LLAMA, "is not supported: the order of samplers is fixed.", (*ABSENT, [])),
    "top_n_sigma": Refused(LLAMA, SAMPLER, (*ABSENT, -1, 0)),
    "xtc_probability": Refused(LLAMA, SAMPLER, (*ABSENT, 0)),
    "typical_p": Refused(LLAMA_OLLAMA, SAMPLER, (*ABSENT, 1)),
    "tfs_z": Refused(LLAMA_OLLAMA, SAMPLER, (*ABSENT, 1)),
    "dynatemp_range": Refused(LLAMA, SAMPLER, (*ABSENT, 0)),
    "mirostat": Refused(LLAMA_OLLAMA, SAMPLER, (*ABSENT, 0)),
    "adaptive_target": Refused(LLAMA, SAMPLER, (*ABSENT, -1)),
    "dry_multiplier": Refused(
        LLAMA, "is not supported; send 'frequency_penalty' or 'repetition_penalty' instead.", (*ABSENT, 0)
    ),
    "repeat_penalty": Refused(LLAMA_OLLAMA, "is not supported; send 'repetition_penalty' instead.", (*ABSENT, 1)),
    "repeat_last_n": Refused(LLAMA_OLLAMA, "is not supported: penalties consider the whole answer.", (*ABSENT, -1, 64)),
    "penalize_nl": Refused(LLAMA_OLLAMA, "is not supported; send 'repetition_penalty' instead."),
    "lora": Refused(LLAMA, "is not supported; send the adapter's name as 'model' instead.", (*ABSENT, [])),
    "return_tokens": Refused(LLAMA, "is not supported; send 'return_token_ids' instead."),
    "reasoning_format": Refused(
        LLAMA, "must be 'auto' or 'deepseek': reasoning is returned in 'reasoning_content'.", (None, "auto", "deepseek")
    ),
    "reasoning_in_content": Refused(LLAMA, "is not supported: reasoning is returned in 'reasoning_content'."),
    "parse_tool_calls": Refused(LLAMA, "must be true: the markup of calls is never returned.", (None, True)),
    "generation_prompt": Refused(LLAMA, "is not supported: the chat template has it.", (*ABSENT, "")),
    "reasoning_budget_message": Refused(LLAMA, "is not supported; send 'max_reasoning_tokens'.", (*ABSENT, "")),
    "reasoning_budget_tokens": Refused(LLAMA, CONVERSATION, (*ABSENT, -1), doors=COMPLETIONS),
    "thinking_budget_tokens": Refused(LLAMA, CONVERSATION, (*ABSENT, -1), doors=COMPLETIONS),
}

_OLLAMA: Mapping[str, Refused] = {
    "options": Refused(OLLAMA, "is not supported; send its values as fields of the request.", (*ABSENT, {})),
    "think": Refused(OLLAMA, "is not supported; send 'reasoning_effort' instead, with \"none\" for false.", (None,)),
    "num_predict": Refused(OLLAMA, "is not supported; send 'max_tokens' instead.", (*ABSENT, -1)),
    "_debug_render_only": Refused(OLLAMA, "is not supported."),
}

# Of other APIs.
_OTHERS: Mapping[str, Refused] = {
    "enable_thinking": Refused("DashScope", "is not supported; send it in 'chat_template_kwargs' instead.", (None,)),
    "thinking_budget": Refused("DashScope", "is not supported; send 'max_reasoning_tokens' instead."),
    "thinking": Refused("Anthropic", "is not supported; send 'reasoning_effort' or 'max_reasoning_tokens'.", (None,)),
}

REFUSED: Mapping[str, Refused] = {
    **_OPENAI,
    **_VLLM,
    **_SGLANG,
    **_LLAMA,
    **_OLLAMA,
    **_OTHERS,
}
