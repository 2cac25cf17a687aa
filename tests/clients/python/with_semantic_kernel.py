"""Semantic Kernel: a response format, a plugin's function that it runs itself, streams."""

import os
from typing import Annotated, Literal

from openai import AsyncOpenAI
from pydantic import BaseModel, Field
from semantic_kernel import Kernel
from semantic_kernel.connectors.ai import FunctionChoiceBehavior
from semantic_kernel.connectors.ai.open_ai import OpenAIChatCompletion, OpenAIChatPromptExecutionSettings
from semantic_kernel.contents import ChatHistory
from semantic_kernel.exceptions import ServiceResponseException
from semantic_kernel.functions import kernel_function


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
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"), api_key=os.environ.get("API_KEY", "none")
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
    """The kernel has the model call the function, runs it, and asks again without it.

    The schema that it makes of a function leaves room for other arguments, which it turns down.
    """
    shops, kernel = Shops(), Kernel()
    kernel.add_plugin(shops, "shops")
    required = settings(function_choice_behavior=FunctionChoiceBehavior.Required(), parallel_tool_calls=False)
    answer = await service().get_chat_message_content(said(QUESTION), required, kernel=kernel)
    assert len(shops.asked) == 1, "the call was turned down for arguments beside the function's own"
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
