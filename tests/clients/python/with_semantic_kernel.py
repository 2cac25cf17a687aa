"""Semantic Kernel: a response format, a plugin's function that it runs itself, streams."""

import json
import os
from typing import Annotated, Literal

import shared
from openai import AsyncOpenAI
from pydantic import BaseModel, Field
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import (
    ChatHistory,
    ChatMessageContent,
    FunctionCallContent,
    FunctionResultContent,
    TextContent,
)
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import KernelFunctionFromMethod, KernelParameterMetadata, kernel_function
from shared import HELD, OPEN, SKIP, TASK, refused


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


class Shops:
    def __init__(self):
        self.asked = []

    @kernel_function(description="When a shop opens.")
    def opening_hours(self, weekend: Annotated[bool, "whether it is the weekend"]) -> str:
        self.asked.append(weekend)
        return "It opens at 7:30."


def service(model=None):
    client = AsyncOpenAI(
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        api_key=os.environ.get("API_KEY", "none"),
        max_retries=0,
    )
    model = model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
    return OpenAIChatCompletion(ai_model_id=model, async_client=client)


def settings(**options):
    return OpenAIChatPromptExecutionSettings(**{"temperature": 0.0, "max_tokens": 200, **options})


def said(text):
    history = ChatHistory()
    history.add_user_message(text)
    return history


REPORT = "The printer on floor 3 is on fire. File a ticket."
QUESTION = "When does the bakery open on Monday?"


async def structured_output():
    answer = await service().get_chat_message_content(said(REPORT), settings(response_format=Ticket))
    Ticket.model_validate_json(str(answer))


async def tool_loop():
    """The kernel has the model call the function, runs it, and asks again without it."""
    shops, kernel = Shops(), Kernel()
    kernel.add_plugin(shops, "shops")
    required = settings(function_choice_behavior=FunctionChoiceBehavior.Required(), parallel_tool_calls=False)
    answer = await service().get_chat_message_content(said(QUESTION), required, kernel=kernel)
    assert len(shops.asked) == 1
    assert isinstance(shops.asked[0], bool)
    assert answer.finish_reason in {"stop", "length"}


async def streaming():
    asked = settings(max_tokens=20)
    parts = service().get_streaming_chat_message_content(said(QUESTION), asked)
    texts = [str(part) async for part in parts if str(part)]
    assert len(texts) > 1
    assert "".join(texts) == str(await service().get_chat_message_content(said(QUESTION), asked))


async def error():
    try:
        await service("no-such-model").get_chat_message_content(said(QUESTION), settings())
    except ServiceResponseException as error:
        assert "The model 'no-such-model' does not exist" in str(error)
    else:
        raise AssertionError("an unknown model was served")


FORCED = {"parallel_tool_calls": False}


class Files:
    remove = staticmethod(kernel_function(shared.remove, description="Removes the files that match a pattern."))


async def act(tokens, stream=False, **extra):
    """The kernel runs what the model calls, and then asks again, which may be cut as well."""
    kernel = Kernel()
    kernel.add_plugin(Files(), "files")
    required = FunctionChoiceBehavior.Required()
    asked = settings(max_tokens=tokens, function_choice_behavior=required, extra_body=extra or None, **FORCED)
    try:
        if stream:
            async for _ in service().get_streaming_chat_message_content(said(TASK), asked, kernel=kernel):
                pass
        else:
            await service().get_chat_message_content(said(TASK), asked, kernel=kernel)
    except ServiceResponseException as error:
        refused(error)


def cut_whole():
    return shared.cut(act)


def cut_streamed():
    return shared.cut(lambda tokens: act(tokens, stream=True), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: act(tokens, stream=True, **HELD))


def answering(name, parameters):
    """A function whose parameters have the schemas given: of the object that they are in, it makes its own."""

    @kernel_function(name=name, description="A tool.")
    def answer(**given):
        return "Done."

    described = [
        KernelParameterMetadata(name=one, type_="str", is_required=one in parameters["required"], schema_data=given)
        for one, given in parameters["properties"].items()
    ]
    return KernelFunctionFromMethod(answer, plugin_name="tools", parameters=described)


async def called(schemas, **options):
    kernel = Kernel()
    kernel.add_functions("tools", [answering(name, parameters) for name, parameters in schemas.items()])
    required = FunctionChoiceBehavior.Required(auto_invoke=False)
    asked = settings(function_choice_behavior=required, **FORCED, **options)
    answer = await service().get_chat_message_content(said(QUESTION), asked, kernel=kernel)
    calls = [item for item in answer.items if isinstance(item, FunctionCallContent)]
    return [(call.function_name, json.loads(call.arguments)) for call in calls]


def closed():
    async def drive(seed):
        return [given for _, given in await called({"hours": OPEN}, temperature=1.0, seed=seed)]

    shared.closed(drive)


async def many_tools():
    """It takes no names with dots and slashes."""
    ((name, arguments),) = await called(shared.many(), extra_body=SKIP)
    shared.fits(name, arguments)


def items(message, names):
    """What a message of OpenAI's consists of, for this package; `names` of the calls so far, by their ids."""
    if message["role"] == "tool":
        number = message["tool_call_id"]
        yield FunctionResultContent(id=number, name=names[number], result=message["content"])
    elif message["content"] is not None:
        yield TextContent(text=message["content"])
    for call in message.get("tool_calls", []):
        names[call["id"]] = call["function"]["name"]
        yield FunctionCallContent(id=call["id"], **call["function"])


def histories():
    async def ask(messages):
        names = {}
        turns = [ChatMessageContent(role=one["role"], items=list(items(one, names))) for one in messages]
        return str(await service().get_chat_message_content(ChatHistory(messages=turns), settings(max_tokens=8)))

    shared.histories(ask)
