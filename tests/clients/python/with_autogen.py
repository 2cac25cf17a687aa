"""AutoGen: its model client, and an agent that answers in a type."""

import json
import os
from typing import Annotated, Literal

import shared
from autogen_agentchat.agents import AssistantAgent
from autogen_core import CancellationToken, FunctionCall
from autogen_core.models import (
    AssistantMessage,
    FunctionExecutionResult,
    FunctionExecutionResultMessage,
    SystemMessage,
    UserMessage,
)
from autogen_core.tools import FunctionTool
from autogen_ext.models.openai import OpenAIChatCompletionClient
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, SKIP, TASK, refused, remove

CAN = {"vision": False, "function_calling": True, "json_output": True, "structured_output": True, "family": "unknown"}


def made(kind=OpenAIChatCompletionClient, **options):
    return kind(
        **{
            "model": os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
            "base_url": os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
            "api_key": os.environ.get("API_KEY", "none"),
            "model_info": CAN,
            "temperature": 0,
            "max_tokens": 200,
            "max_retries": 0,
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


class Forced(OpenAIChatCompletionClient):
    """An agent leaves it to the model whether it calls: this client does not."""

    async def create(self, *given, **options):
        return await super().create(*given, **{**options, "tool_choice": "required"})

    async def create_stream(self, *given, **options):
        async for part in super().create_stream(*given, **{**options, "tool_choice": "required"}):
            yield part


def act(streaming, **extra):
    async def drive(tokens):
        client = made(Forced, max_tokens=tokens, parallel_tool_calls=False, extra_body=extra)
        tool = FunctionTool(remove, "Removes the files that match a pattern.")
        try:
            await AssistantAgent("helper", client, tools=[tool], model_client_stream=streaming).run(task=TASK)
        except BadRequestError as error:
            refused(error)

    return drive


def cut_whole():
    return shared.cut(act(streaming=False))


def cut_streamed():
    return shared.cut(act(streaming=True), streamed=True)


def cut_streamed_whole():
    return shared.cut(act(streaming=True, **HELD))


async def called(schemas, **options):
    tools = [{"name": name, "description": "A tool.", "parameters": given} for name, given in schemas.items()]
    client = made(parallel_tool_calls=False, **options)
    answer = await client.create([QUESTION], tools=tools, tool_choice="required")
    return [(call.name, json.loads(call.arguments)) for call in answer.content]


def closed():
    async def drive(seed):
        return [given for _, given in await called({"hours": OPEN}, temperature=1, seed=seed)]

    shared.closed(drive)


async def many_tools():
    """It takes no names with dots and slashes."""
    ((name, arguments),) = await called(shared.many(), extra_body=SKIP)
    shared.fits(name, arguments)


def turns(messages):
    names = {}
    for message in messages:
        text, calls = message["content"], [(one["id"], one["function"]) for one in message.get("tool_calls", [])]
        names.update({number: function["name"] for number, function in calls})
        if message["role"] == "tool":
            number = message["tool_call_id"]
            result = FunctionExecutionResult(content=text, call_id=number, name=names[number], is_error=False)
            yield FunctionExecutionResultMessage(content=[result])
        elif calls:
            made_calls = [FunctionCall(number, function["arguments"], function["name"]) for number, function in calls]
            yield AssistantMessage(content=made_calls, thought=text, source="helper")
        elif message["role"] == "assistant":
            yield AssistantMessage(content=text, source="helper")
        elif message["role"] == "user":
            yield UserMessage(content=text, source="user")
        else:
            yield SystemMessage(content=text)


def histories():
    async def ask(messages):
        return (await made(max_tokens=8).create(list(turns(messages)))).content

    shared.histories(ask)
