"""litellm, by both of its providers for such a server: openai/ and hosted_vllm/."""

import json
import os
from typing import Literal

import litellm
from pydantic import BaseModel, Field

MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
ASK = {
    "api_base": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    "api_key": os.environ.get("API_KEY", "none"),
    "temperature": 0,
    "max_tokens": 200,
}
REPORT = [{"role": "user", "content": "The printer on floor 3 is on fire. File a ticket."}]
QUESTION = [{"role": "user", "content": "When does the bakery open on Monday?"}]


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class OpeningHours(BaseModel):
    shop: Literal["bakery", "library"]
    day: Literal["Monday", "Sunday"]


TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "opening_hours",
            "description": "When a shop opens.",
            "parameters": OpeningHours.model_json_schema(),
        },
    }
]


def structured(provider):
    answer = litellm.completion(f"{provider}/{MODEL}", REPORT, response_format=Ticket, **ASK)
    Ticket.model_validate_json(answer.choices[0].message.content)


def structured_output_openai():
    structured("openai")


def structured_output_hosted_vllm():
    structured("hosted_vllm")


def looped(provider):
    must = {"tools": TOOLS, "tool_choice": "required", "parallel_tool_calls": False}
    message = litellm.completion(f"{provider}/{MODEL}", QUESTION, **must, **ASK).choices[0].message
    (call,) = message.tool_calls
    assert call.function.name == "opening_hours"
    OpeningHours.model_validate_json(call.function.arguments)
    turns = [*QUESTION, message.model_dump(), {"role": "tool", "tool_call_id": call.id, "content": "At 7:30."}]
    answer = litellm.completion(f"{provider}/{MODEL}", turns, response_format=Ticket, **ASK).choices[0].message
    Ticket.model_validate_json(answer.content)


def tool_loop_openai():
    looped("openai")


def tool_loop_hosted_vllm():
    looped("hosted_vllm")


def streamed(provider):
    asked = {"messages": REPORT, "response_format": Ticket, "stream": True, **ASK}
    chunks = list(litellm.completion(f"{provider}/{MODEL}", **asked))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(texts) > 1
    whole = litellm.stream_chunk_builder(chunks).choices[0].message.content
    assert "".join(texts) == whole
    assert Ticket(**json.loads(whole))


def streaming_openai():
    streamed("openai")


def streaming_hosted_vllm():
    streamed("hosted_vllm")


def refused(provider):
    try:
        litellm.completion(f"{provider}/no-such-model", QUESTION, **ASK)
    except litellm.NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


def error_openai():
    refused("openai")


def error_hosted_vllm():
    refused("hosted_vllm")
