"""The clients, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

# A scenario is a function of a script. Its name begins with one of these, and what follows tells it from others.
SCENARIOS = ("structured_output", "tool_loop", "streaming", "error", "cut", "closed", "many_tools", "histories")
# Legacy completions, custom tools with grammars, thinking and counted tokens, for clients that use them: the others'
# scripts need none.
OPTIONAL = ("completion", "grammar", "thinking", "counting")


@dataclass(frozen=True)
class Client:
    """`name` is the package's, and `packages` are all those whose versions matter.

    `environment`: a file of requirements/ without its suffix; none for the environment that runs the tests.
    `lacks`: scenarios that the client has no means for, with the reason.
    """

    name: str
    language: Literal["python", "node"]
    script: str
    environment: str | None
    packages: tuple[str, ...]
    core: bool = False
    lacks: Mapping[str, str] = field(default_factory=dict)


def _own(script: str, *packages: str, core: bool = False, **lacks: str) -> Client:
    """In an environment of its own that is called like the script."""
    environment = script.removeprefix("with_")
    return Client(packages[0], "python", script, environment, packages, core, lacks)


def _core(script: str, *packages: str, **lacks: str) -> Client:
    """In the environment whose pins suit several: one to install in each run of the suite."""
    return Client(packages[0], "python", script, "core", packages, core=True, lacks=lacks)


def _responses(script: str, environment: str | None, *packages: str, core: bool = False) -> Client:
    """Over /v1/responses, in the environment of the same client over chat completions."""
    return Client(f"{packages[0]} (Responses)", "python", script, environment, packages, core)


def _messages(
    name: str, language: Literal["python", "node"], script: str, environment: str, *others: str, core: bool = False
) -> Client:
    """Over /v1/messages. The others are packages whose versions matter too."""
    package, way = name.partition(" ")[0], "Node, Messages" if language == "node" else "Messages"
    return Client(f"{name} ({way})", language, script, environment, (package, *others), core)


_NO_TOOLS = "it makes a single request and runs no tools"
_SENDS_NONE = "it sends no tools"

CLIENTS = (
    Client("openai", "python", "with_openai", None, ("openai",), core=True),
    _core(
        "with_instructor",
        "instructor",
        "openai",
        many_tools="an answer is of one type",
        histories="it sends what the openai package sends",
    ),
    _core("with_langchain", "langchain-openai", "openai"),
    _core("with_langgraph", "langgraph", "langchain", "langchain-openai"),
    _own("with_pydantic_ai", "pydantic-ai-slim", "openai", core=True),
    _own("with_openai_agents", "openai-agents", "openai"),
    _own("with_litellm", "litellm", "openai"),
    _own("with_llama_index", "llama-index-llms-openai-like", "llama-index-core", "openai"),
    _own("with_smolagents", "smolagents", "openai"),
    _own("with_haystack", "haystack-ai", "openai"),
    _own("with_autogen", "autogen-agentchat", "autogen-ext", "openai"),
    _own("with_semantic_kernel", "semantic-kernel", "openai"),
    _own("with_crewai", "crewai", "openai"),
    _own(
        "with_langextract",
        "langextract",
        "openai",
        tool_loop=_SENDS_NONE,
        streaming="it requests whole answers only",
        cut=_SENDS_NONE,
        closed="its schemas are closed",
        many_tools=_SENDS_NONE,
        histories="it sends a single message",
    ),
    _own(
        "with_outlines",
        "outlines",
        "openai",
        tool_loop=_NO_TOOLS,
        cut=_NO_TOOLS,
        many_tools=_NO_TOOLS,
        histories="its conversations have no calls and no results",
    ),
    _own(
        "with_lm_eval",
        "lm_eval",
        structured_output="it takes no schema",
        tool_loop=_SENDS_NONE,
        streaming="it requests whole answers only",
        cut=_SENDS_NONE,
        closed="it takes no schema",
        many_tools=_SENDS_NONE,
        histories="it sends prompts",
    ),
    Client("openai (Node)", "node", "with_openai", "node-openai", ("openai",), core=True),
    Client("ai (Node)", "node", "with_ai", "node-ai", ("ai", "@ai-sdk/openai-compatible", "@ai-sdk/openai")),
    Client("@langchain/openai (Node)", "node", "with_langchain", "node-langchain", ("@langchain/openai", "openai")),
    _responses("with_openai_responses", None, "openai", core=True),
    _responses("with_openai_agents_responses", "openai_agents", "openai-agents", "openai"),
    _responses("with_langchain_responses", "core", "langchain-openai", "openai"),
    _responses("with_pydantic_ai_responses", "pydantic_ai", "pydantic-ai-slim", "openai"),
    _responses("with_litellm_responses", "litellm", "litellm", "openai"),
    Client("openai (Node, Responses)", "node", "with_openai_responses", "node-openai", ("openai",)),
    Client("ai (Node, Responses)", "node", "with_ai_responses", "node-ai", ("ai", "@ai-sdk/openai")),
    Client(
        "codex (Responses)",
        "node",
        "with_codex",
        "node-codex",
        ("@openai/codex",),
        lacks={"streaming": "it requests streams only", "closed": "its tools are its own"},
    ),
    _messages("anthropic", "python", "with_anthropic", "anthropic", core=True),
    _messages("anthropic 0.x", "python", "with_anthropic", "anthropic_0"),
    replace(
        _messages("instructor", "python", "with_instructor_messages", "messages", "anthropic"),
        lacks={
            "many_tools": "an answer is of one type",
            "histories": "it sends what the anthropic package sends",
        },
    ),
    _messages("langchain-anthropic", "python", "with_langchain_messages", "messages", "anthropic"),
    _messages("pydantic-ai-slim", "python", "with_pydantic_ai_messages", "messages", "anthropic"),
    _messages("litellm", "python", "with_litellm_messages", "litellm"),
    _messages("@anthropic-ai/sdk", "node", "with_anthropic", "node-anthropic"),
    _messages("@langchain/anthropic", "node", "with_langchain_messages", "node-langchain-anthropic"),
    _messages("ai", "node", "with_ai_messages", "node-ai", "@ai-sdk/anthropic"),
)
