"""What each field of a chat request means, in a line: for `/openapi.json`, and for the page that is made of it."""

from __future__ import annotations

from collections.abc import Mapping

OPENAI: Mapping[str, str] = {
    "model": "A model's name, as `/v1/models` lists it.",
    "messages": "The conversation so far, text only.",
    "tools": "What the model may call: functions, and custom tools that take a text, a regex or a Lark grammar.",
    "tool_choice": "`auto` where nothing is said, `none`, `required`, one tool by name, or `allowed_tools`: some of "
    "them, by the grammar alone, so that the prompt stays as it is.",
    "parallel_tool_calls": "False: one call at most, by the grammar.",
    "response_format": "What the answer must be. A schema is enforced, `strict` or not.",
    "max_tokens": "The most tokens that are generated, reasoning included; default: what the context has room for.",
    "max_completion_tokens": "The same. Where both are given, they must agree.",
    "temperature": "0 is greedy. What is left out, also of the next ones, is up to the model's own generation config.",
    "top_p": "Sample from the likeliest tokens that together have this probability.",
    "seed": "Repeats an answer, where the engine computes the same.",
    "frequency_penalty": "Against tokens, for each time that they were generated.",
    "presence_penalty": "Against tokens that were generated.",
    "logit_bias": "By token id, as text.",
    "stop": "Texts that end free text. A document or a call is never cut.",
    "n": "How many answers.",
    "logprobs": "Return the log probability of each generated token.",
    "top_logprobs": "Number of alternatives per position; needs `logprobs`.",
    "stream": "Answer in chunks, as server-sent events.",
    "stream_options": "`include_usage` adds a last chunk with the usage; needs `stream`.",
    "reasoning_effort": "Goes to the chat template, as `enable_thinking` does; the rendered prompt decides.",
    "modalities": "Text only.",
}

VLLM: Mapping[str, str] = {
    "top_k": "Sample from so many likeliest tokens; 0 and -1 are all.",
    "min_p": "Sample from tokens that have this part of the likeliest one's probability.",
    "repetition_penalty": "Against tokens of the prompt and the answer; 1 is none.",
    "min_tokens": "The least tokens that are generated. Not for a constrained answer.",
    "ignore_eos": "Generate on to `max_tokens`. Not for a constrained answer.",
    "stop_token_ids": "Tokens that end the answer. Not for a constrained answer.",
    "chat_template_kwargs": "Variables for the chat template, such as `enable_thinking`.",
    "structured_outputs": "What the answer must be, in place of `response_format`: exactly one of `json` (a schema), "
    "`json_object`, `regex`, `choice`, and `grammar` (Lark).",
}

OURS: Mapping[str, str] = {
    "tool_format": "Another wire format for calls than the one chosen for the model's chat template.",
    "max_reasoning_tokens": "After so many tokens the reasoning is ended, and the answer gets the rest of "
    "`max_tokens`; with 0 it never begins.",
    "truncation": "`close`: a document that `max_tokens` cuts is closed, so that it fits its schema all the same.",
    "token_sources": "Return the source of each token: forced, copied or sampled.",
}

_NOTHING = "Accepted, and without effect here."
WITHOUT_EFFECT: Mapping[str, str] = dict.fromkeys(
    (
        "user",
        "metadata",
        "store",
        "service_tier",
        "prompt_cache_key",
        "prompt_cache_retention",
        "prompt_cache_options",
        "safety_identifier",
        "prediction",
        "verbosity",
    ),
    _NOTHING,
)

CHAT: Mapping[str, str] = {**OPENAI, **VLLM, **OURS, **WITHOUT_EFFECT}
