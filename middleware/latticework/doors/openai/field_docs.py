"""The meaning of each field of a chat request, in one line, for `/openapi.json` and docs/api.md."""

from __future__ import annotations

from collections.abc import Mapping

OPENAI: Mapping[str, str] = {
    "model": "The name of a model listed in `/v1/models`.",
    "messages": "The conversation, text only.",
    "tools": "The tools that the model may call: functions, and custom tools with text, a regex or a Lark grammar.",
    "tool_choice": "`auto` (the default), `none`, `required`, one tool by name, or `allowed_tools`: some of the tools, "
    "enforced by the grammar, with an unchanged prompt.",
    "parallel_tool_calls": "False: at most one call, enforced by the grammar.",
    "response_format": "The format of the answer. A schema is enforced with or without `strict`, and also where it "
    "is the `schema` of `json_object`.",
    "max_tokens": "Maximum number of generated tokens, reasoning included; default: the rest of the context.",
    "max_completion_tokens": "The same. If both are set, they must be equal.",
    "temperature": "0 is greedy. The defaults of all sampling parameters are those of the model's generation config.",
    "top_p": "Sample from the most likely tokens up to this cumulative probability.",
    "seed": "Makes sampling repeatable, if the engine's computation is.",
    "frequency_penalty": "Penalty per previous occurrence of a token in the answer.",
    "presence_penalty": "Penalty for tokens that occur in the answer.",
    "logit_bias": "Added to logits, by token id as text.",
    "stop": "Strings that end free text. They never cut a document or a call.",
    "n": "Number of answers.",
    "logprobs": "Return the log probability of each generated token.",
    "top_logprobs": "Number of alternatives per position; requires `logprobs`.",
    "stream": "Return the answer in chunks, as server-sent events.",
    "stream_options": "`include_usage` adds a last chunk with the usage; requires `stream`.",
    "reasoning_effort": "Passed to the chat template, as `enable_thinking` is; the rendered prompt decides.",
    "modalities": "Text only.",
}

VLLM: Mapping[str, str] = {
    "top_k": "Sample from this many of the most likely tokens; 0 and -1: from all.",
    "min_p": "Sample from tokens with at least this fraction of the highest probability.",
    "repetition_penalty": "Penalty for tokens of the prompt and the answer; 1: no penalty.",
    "min_tokens": "Minimum number of generated tokens. Not for constrained answers.",
    "ignore_eos": "Generate up to `max_tokens`. Not for constrained answers.",
    "stop_token_ids": "Tokens that end the answer. Not for constrained answers.",
    "include_stop_str_in_output": "The stop string that ends free text is a part of it. Not for `stop_token_ids`.",
    "allowed_token_ids": "The only tokens that may be generated. Not for constrained answers.",
    "bad_words": "Texts that are never generated. Not for constrained answers.",
    "return_token_ids": "Return `prompt_token_ids`, and the `token_ids` of each choice.",
    "return_tokens_as_token_ids": "Tokens in `logprobs` are `token_id:` and the id.",
    "prompt_logprobs": "Return the prompt's tokens with this many alternatives each; not in a stream.",
    "truncate_prompt_tokens": "Keep this many of the prompt's last tokens; -1: as many as fit beside `max_tokens`.",
    "priority": "Requests with a lower priority are scheduled first; needs vLLM's `--scheduling-policy priority`.",
    "cache_salt": "The prompt shares the engine's prefix cache only with prompts of the same salt.",
    "kv_transfer_params": "For disaggregated prefill: passed to vLLM's connector, whose own are returned at the end of "
    "the answer; needs vLLM's `--kv-transfer-config`, and one prompt.",
    "documents": "Documents for a chat template that shows them; refused with any other.",
    "chat_template": "Jinja that renders the conversation instead of the model's chat template; refused without "
    "`--trust-request-chat-template`.",
    "chat_template_kwargs": "Variables for the chat template, such as `enable_thinking`.",
    "continue_final_message": "True: the answer continues the text of the last message, which must be the assistant's.",
    "add_generation_prompt": "False: the same.",
    "echo": "True: the content begins with the text that the answer continues; requires `continue_final_message`.",
    "structured_outputs": "The format of the answer, instead of `response_format`: exactly one of `json` (a schema), "
    "`json_object`, `regex`, `choice`, and `grammar` (Lark, or llama.cpp's GBNF).",
}

# Other servers' names of the same.
ALIASES: Mapping[str, str] = {
    "thinking_token_budget": "vLLM's `max_reasoning_tokens`; -1: no limit.",
    "reasoning_budget_tokens": "llama.cpp's `max_reasoning_tokens`; -1: no limit.",
    "thinking_budget_tokens": "llama.cpp's `max_reasoning_tokens`; -1: no limit.",
    "json_schema": "SGLang's and llama.cpp's `structured_outputs.json`.",
    "regex": "SGLang's `structured_outputs.regex`.",
    "grammar": "llama.cpp's `structured_outputs.grammar`.",
    "ebnf": "SGLang's `structured_outputs.grammar`.",
    "format": "Ollama's: `json`, any object, or a JSON Schema.",
}

OURS: Mapping[str, str] = {
    "tool_format": "A wire format of tool calls, instead of the one selected for the model's chat template.",
    "on_bad_tool": "`skip`: a tool that can't be compiled is left out of the grammar and the prompt, and named in "
    "`warnings` and `x-latticework-skipped-tools`. `error`, by default: the request is refused.",
    "open_objects": "True: an object that lists `properties`, without a keyword for others, may have others. By "
    "default, only the listed ones are generated.",
    "max_reasoning_tokens": "Ends the reasoning after this many tokens, and the answer gets the rest of "
    "`max_tokens`; 0: no reasoning.",
    "draft_tokens": "The model first writes up to this many tokens of free text, returned as reasoning, and then the "
    "document or the calls. Less than `max_tokens`. For a model with reasoning of its own, the limit of that.",
    "refusal": "`allow`: the model may write a refusal, a text of its own, instead of the JSON document. `never`, by "
    "default (`--refusal`): it must write the document.",
    "truncation": "`close`: a document or a call cut by `max_tokens` is completed, so that it fits its schema. "
    "`complete`: the same, with `finish_reason` `stop` or `tool_calls`, for strict clients.",
    "tool_call_streaming": "How a stream sends a call: `incremental`, from the first character of the first argument's "
    "value on, or `whole`, in one piece when it is complete. Default: `--tool-call-streaming`, `incremental`.",
    "confidence": "True: return the `confidence` of each value of the document or of the calls' arguments, by JSON "
    "pointer. Default: `--confidence`, off.",
    "grounding": "True: every string of the answer's JSON without enum, const, pattern or format is copied from the "
    "user's text, word for word, and `grounding` has its place. Default: `--grounding`.",
    "retries": "What follows an answer that violates a checked keyword: `feedback`, an attempt that sees that answer "
    "and its violations, or `resample`, one from the same prompt. Default: `--retries`, `feedback`.",
    "repeated_calls": "`end`: an answer ends before a call that repeats another one of it, with the same tool and "
    "arguments of the same value. `allow`: it may have such calls. Default: `--repeated-calls`, `end`.",
    "token_sources": "Return the source of each token: forced, copied or sampled.",
}

CHAT: Mapping[str, str] = {**OPENAI, **VLLM, **ALIASES, **OURS}
