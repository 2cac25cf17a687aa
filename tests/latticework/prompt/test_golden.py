"""Renderings that huggingface.js expects of 53 real templates: as they are, and through every adaptation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

import pytest

from latticework.prompt import ChatTemplate, PromptError
from latticework.prompt.jinja_template import JinjaTemplate
from tests import shared
from turngrammar.formats import HERMES

# The day on which huggingface.js rendered SmolLM3's, which tells the date.
DAY = datetime(2025, 7, 10)

COUNT = 53

# What a chat request can't hold, or we do on purpose otherwise.
NOT_THROUGH_CHAT = {
    "CohereForAI/c4ai-command-r-v01": "tools are Cohere's own, and in an order that OpenAI's form does not have",
    "LiquidAI/LFM2.5-VL-450M": "an image",
    "MadeAgents/Hammer2.1": "JavaScript prints a list as JSON: see below",
    "Qwen/Qwen2.5-VL-7B-Instruct": "an image",
    "ai21labs/AI21-Jamba-Large-1.6": "add_generation_prompt left out; the template then takes it as true",
    "fireworks-ai/firefunction-v1": "a role `functions`, without which the template refuses everything",
    "meta-llama/Llama-3.2-11B-Vision-Instruct": "an image",
    "meta-llama/Llama-Guard-3-11B-Vision": "an image",
    "mistralai/Mistral-7B-Instruct-v0.3 (JSON Schema)": "the template drops system messages; ours don't",
    "zai-org/GLM-5.1": "a part of a type that OpenAI does not have",
}


@cache
def rows() -> list[dict[str, Any]]:
    return shared.rows("chat_template_golden")


def tokens(data: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in data.items() if key.endswith("_token")}


@pytest.mark.parametrize("index", range(COUNT))
def test_a_template_as_it_is(index: int) -> None:
    row = rows()[index]
    text = JinjaTemplate(row["chat_template"], now=lambda: DAY).render(row["data"])
    if row["name"] == "MadeAgents/Hammer2.1":
        # `{{ tools }}` prints a list as its language does. The model saw Python's, so we keep to that.
        tools = row["data"]["tools"]
        text = text.replace(str(tools), json.dumps(tools))
    assert text == row["target"]


def chat(row: Mapping[str, Any]) -> str | None:
    """The row as a chat request's prompt; None where it is none."""
    data = row["data"]
    ours = {"messages", "tools", "add_generation_prompt", *tokens(data)}
    try:
        return ChatTemplate(row["chat_template"], tokens(data), lambda: DAY).render(
            data["messages"],
            tools=data.get("tools") or (),
            format=HERMES,
            add_generation_prompt=data.get("add_generation_prompt", False),
            template_kwargs={key: value for key, value in data.items() if key not in ours},
        )
    except (PromptError, KeyError):  # an image; a tool that is no function
        return None


def test_chats() -> None:
    assert {row["name"] for row in rows() if chat(row) != row["target"]} == set(NOT_THROUGH_CHAT)


def test_all_rows_are_tested() -> None:
    assert len(rows()) == COUNT
