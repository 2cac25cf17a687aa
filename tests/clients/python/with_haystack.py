"""Haystack: a chat generator with a response format, a tool and its invoker, streams."""

import os
from typing import Literal

import shared
from haystack.components.agents import Agent
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage
from haystack.tools import Tool
from haystack.utils import Secret
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, REMOVE, SKIP, TASK, refused, remove


def made(model=None, **options):
    return OpenAIChatGenerator(
        api_key=Secret.from_token(os.environ.get("API_KEY", "none")),
        model=model or os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
        api_base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        max_retries=0,
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


FORCED = {"tool_choice": "required", "parallel_tool_calls": False}


def act(tokens, callback=None, **extra):
    """An agent, which ends when the tool has run, or no call has come."""
    function = REMOVE["function"]
    tool = Tool(function["name"], function["description"], function["parameters"], remove)
    generator = made(max_tokens=tokens, extra_body=extra, **FORCED)
    agent = Agent(chat_generator=generator, tools=[tool], max_agent_steps=1, exit_conditions=["remove", "text"])
    try:
        agent.run([ChatMessage.from_user(TASK)], streaming_callback=callback)
    except BadRequestError as error:
        refused(error)


def cut_whole():
    return shared.cut(act)


def cut_streamed():
    return shared.cut(lambda tokens: act(tokens, lambda chunk: None), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: act(tokens, lambda chunk: None, **HELD))


def called(schemas, **options):
    tools = [
        Tool(name, "A tool.", parameters, lambda **given: "Done.", outputs_to_string={"raw_result": True})
        for name, parameters in schemas.items()
    ]
    (reply,) = made(**FORCED, **options).run([QUESTION], tools=tools)["replies"]
    return [(call.tool_name, call.arguments) for call in reply.tool_calls]


def closed():
    shared.closed(lambda seed: [given for _, given in called({"hours": OPEN}, temperature=1, seed=seed)])


def fitting(names):
    ((name, arguments),) = called(shared.many(names), extra_body=SKIP)
    shared.fits(name, arguments, names)


def many_tools():
    fitting("tool_{}")


def many_tools_dotted():
    fitting("files.v2/tool_{}")


def turns(messages):
    """Haystack's own reader of such messages takes no empty results; it has no role of developers."""
    calls = {}
    for message in messages:
        if message["role"] == "tool":
            yield ChatMessage.from_tool(message["content"], origin=calls[message["tool_call_id"]])
            continue
        turn = ChatMessage.from_openai_dict_format(message)
        calls.update({call.id: call for call in turn.tool_calls})
        yield turn


def histories():
    def ask(messages):
        return made(max_tokens=8).run(list(turns(messages)))["replies"][0].text

    shared.histories(ask)
