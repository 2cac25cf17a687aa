"""Haystack: a chat generator with a response format, a tool and its invoker, streams."""

import os
from typing import Literal

from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret
from openai import NotFoundError
from pydantic import BaseModel, Field


def made(model=None, **options):
    return OpenAIChatGenerator(
        api_key=Secret.from_token(os.environ.get("API_KEY", "none")),
        model=model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        api_base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        generation_kwargs={"temperature": 0, "max_tokens": 200, **options},
    )


REPORT = [ChatMessage.from_user("The printer on floor 3 is on fire. File a ticket.")]
QUESTION = ChatMessage.from_user("When does the bakery open on Monday?")
asked = []


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def tell(shop):
    asked.append(shop)
    return "It opens at 7:30."


opening_hours = Tool(
    name="opening_hours",
    description="When a shop opens.",
    parameters={
        "type": "object",
        "properties": {"shop": {"enum": ["bakery", "library"]}},
        "required": ["shop"],
        "additionalProperties": False,
    },
    function=tell,
)


def structured_output():
    (reply,) = made(response_format=Ticket).run(REPORT)["replies"]
    Ticket.model_validate_json(reply.text)


def looped(**options):
    asked.clear()
    caller = made(tool_choice="required", parallel_tool_calls=False)
    (first,) = caller.run([QUESTION], tools=[opening_hours], **options)["replies"]
    (call,) = first.tool_calls
    result = ChatMessage.from_tool(opening_hours.invoke(**call.arguments), origin=call)
    (second,) = made(response_format=Ticket).run([QUESTION, first, result])["replies"]
    assert len(asked) == 1
    Ticket.model_validate_json(second.text)


def tool_loop():
    looped()


def tool_loop_strict():
    looped(tools_strict=True)


def streaming():
    deltas, short = [], made(max_tokens=20)
    (reply,) = short.run([QUESTION], streaming_callback=lambda chunk: deltas.append(chunk.content))["replies"]
    assert len(deltas) > 1
    assert "".join(deltas) == reply.text == short.run([QUESTION])["replies"][0].text


def error():
    try:
        made("no-such-model").run(REPORT)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")
