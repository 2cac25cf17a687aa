"""The fields of `/v1/messages` that are refused by name or without effect, and the lists that may not be too long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from latticework.doors.common.counts import Body, Crowd, Lists, in_each, listed
from latticework.doors.common.fields import ABSENT, Harmless, Refused

ANTHROPIC = "Anthropic"
ACCOUNT = "Anthropic's accounting, caching and routing."
ELSEWHERE = "is for /v1/chat/completions; send {} instead."

REFUSED: Mapping[str, Refused] = {
    "mcp_servers": Refused(
        ANTHROPIC, "is not supported: this server calls no tools itself; send their tools instead.", (*ABSENT, [])
    ),
    "citations": Refused(ANTHROPIC, "is not supported: answers have no citations."),
    "n": Refused("OpenAI", "is for /v1/chat/completions: a message is one answer.", (*ABSENT, 1)),
    "stop": Refused("OpenAI", ELSEWHERE.format("'stop_sequences'"), (*ABSENT, [])),
    "kv_transfer_params": Refused("vLLM", "is for /v1/chat/completions and /v1/completions.", (*ABSENT, {})),
    "response_format": Refused("OpenAI", ELSEWHERE.format("'output_config.format'")),
    "max_completion_tokens": Refused("OpenAI", ELSEWHERE.format("'max_tokens'")),
    "reasoning_effort": Refused("OpenAI", ELSEWHERE.format("'output_config.effort'")),
    "parallel_tool_calls": Refused(
        "OpenAI", ELSEWHERE.format("'tool_choice.disable_parallel_tool_use'"), (*ABSENT, True)
    ),
}

HARMLESS: Mapping[str, Harmless] = {
    **dict.fromkeys(
        ("metadata", "service_tier", "cache_control", "speed", "inference_geo", "user_profile_id", "workspace_id"),
        Harmless(ANTHROPIC, ACCOUNT),
    ),
    "betas": Harmless(ANTHROPIC, "What is implemented is on."),
    "diagnostics": Harmless(ANTHROPIC, "Further information in the response."),
    "context_management": Harmless(ANTHROPIC, "No part of a conversation is left out."),
}

# Beginnings of the names of features in the header `anthropic-beta` that are on, or without a meaning here.
BETAS = (
    *("structured-outputs-", "fine-grained-tool-streaming-", "interleaved-thinking-", "token-counting-"),
    *("tool-search-tool-", "advanced-tool-use-", "mid-conversation-system-", "effort-", "prompt-caching-"),
    *("extended-cache-ttl-", "computer-use-", "claude-code-", "oauth-", "output-128k-", "adaptive-thinking-"),
    *("context-management-", "max-tokens-", "redact-thinking-"),
)


def unknown_betas(header: str) -> list[str]:
    """The names in the header `anthropic-beta` that this server does not know, as fields of the request."""
    names = filter(None, map(str.strip, header.split(",")))
    return [f"anthropic-beta[{name}]" for name in names if not name.startswith(BETAS)]


def _in_results(body: Body) -> Lists:
    """The contents of tools' results."""
    for path, blocks in in_each("messages", "content", body):
        yield from _contents(path, blocks)


def _contents(path: str, blocks: Sequence[object]) -> Iterator[tuple[str, list[object]]]:
    for index, block in enumerate(blocks):
        content = block.get("content") if isinstance(block, dict) else None
        if isinstance(content, list):
            yield f"{path}[{index}].content", content


CROWDS: Sequence[Crowd] = (
    Crowd("max_messages", "messages", partial(listed, "messages")),
    Crowd("max_content_parts", "content blocks", partial(in_each, "messages", "content")),
    Crowd("max_content_parts", "content blocks of results", _in_results),
    Crowd("max_content_parts", "blocks of the system prompt", partial(listed, "system")),
    Crowd("max_tools", "tools", partial(listed, "tools"), code=None),
    Crowd("max_stops", "stop sequences", partial(listed, "stop_sequences")),
    Crowd("max_stops", "bad words", partial(listed, "bad_words")),
)
STOPS = "stop_sequences"
