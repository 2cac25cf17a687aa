"""What both scripts of the anthropic package ask with: a client, requests, types, and what answers have."""

import os
from typing import Literal

from anthropic import Anthropic
from pydantic import BaseModel, Field

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
client = Anthropic(
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1").removesuffix("/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    max_retries=0,
)
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
QUESTION = [{"role": "user", "content": "When does the bakery open on Monday?"}]
# Version 2 has no arguments for a temperature and a seed.
ASK = {"model": MODEL, "max_tokens": 200, "extra_body": {"temperature": 0}}
ONCE = {"type": "any", "disable_parallel_tool_use": True}


def sampled(seed, **options):
    return {"model": MODEL, "max_tokens": 200, "extra_body": {"temperature": 1, "seed": seed, **options}}


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel, extra="forbid"):
    """When a shop opens."""

    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


TOOLS = [{"name": "opening_hours", "input_schema": OpeningHours.model_json_schema()}]


def schema(kind):
    return {"type": "json_schema", "schema": kind.model_json_schema()}


def text(answer):
    return "".join(block.text for block in answer.content if block.type == "text")


def calls(answer):
    return [block for block in answer.content if block.type == "tool_use"]


def read(answer):
    """All tokens of a prompt."""
    usage = answer.usage
    return usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)


def raised(kind, act):
    """The client's own error, with the body of the server's."""
    try:
        act()
    except kind as error:
        assert error.request_id
        assert error.body["type"] == "error"
        return error.body["error"]
    raise AssertionError("it was taken")
