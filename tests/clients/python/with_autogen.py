"""AutoGen: its model client, and an agent that answers in a type."""

import json
import os
from typing import Annotated, Literal

from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken
from autogen_core.models import AssistantMessage, FunctionExecutionResult, FunctionExecutionResultMessage, UserMessage
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from openai import NotFoundError
from pydantic import BaseModel, Field

CAN = {"vision": False, "function_calling": True, "json_output": True, "structured_output": True, "family": "unknown"}


def made(**options):
    return OpenAIChatCompletionClient(
        **{
            "model": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "base_url": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "model_info": CAN,
            "temperature": 0,
            "max_tokens": 200,
            **options,
        }
    )


REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = UserMessage(content="When does the bakery open on Monday?", source="user")


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


async def structured_output_client():
    answer = await made().create([UserMessage(content=REPORT, source="user")], json_output=Ticket)
    Ticket.model_validate_json(answer.content)


async def structured_output_agent():
    agent = AssistantAgent("helper", made(), output_content_type=Ticket)
    assert isinstance((await agent.run(task=REPORT)).messages[-1].content, Ticket)


async def looped(strict):
    asked = []

    async def opening_hours(shop: Annotated[Literal["bakery", "library"], "which shop"]) -> str:
        asked.append(shop)
        return "It opens at 7:30."

    client = made(parallel_tool_calls=False)
    tool = FunctionTool(opening_hours, "When a shop opens.", strict=strict)
    first = await client.create([QUESTION], tools=[tool], tool_choice="required")
    (call,) = first.content
    said = await tool.run_json(json.loads(call.arguments), CancellationToken())
    result = FunctionExecutionResult(content=said, call_id=call.id, name=call.name, is_error=False)
    turns = [QUESTION, AssistantMessage(content=first.content, source="helper")]
    second = await client.create([*turns, FunctionExecutionResultMessage(content=[result])], json_output=Ticket)
    assert len(asked) == 1
    Ticket.model_validate_json(second.content)


async def tool_loop():
    await looped(strict=False)


async def tool_loop_strict():
    await looped(strict=True)


async def streaming():
    client = made(max_tokens=20)
    *deltas, last = [part async for part in client.create_stream([QUESTION])]
    assert len(deltas) > 1
    assert "".join(deltas) == last.content == (await client.create([QUESTION])).content


async def error():
    try:
        await made(model="no-such-model").create([QUESTION])
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")
