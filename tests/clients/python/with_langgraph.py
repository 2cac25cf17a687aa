"""A LangGraph agent, of LangChain's `create_agent`: a tool first, then a typed answer."""

import os
from typing import Literal

import shared
from langchain.agents import create_agent
from langchain.agents.middleware import wrap_model_call
from langchain.agents.structured_output import ProviderStrategy, ToolStrategy
from langchain_core.messages import AIMessageChunk, ToolMessage
from langchain_core.tools import StructuredTool, tool
from langchain_openai import ChatOpenAI
from openai import BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, SKIP, TASK, refused

model = ChatOpenAI(
    model=os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct"),
    base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
    api_key=os.environ.get("API_KEY", "none"),
    temperature=0,
    max_tokens=200,
    max_retries=0,
    model_kwargs={"parallel_tool_calls": False},  # a small model goes on and on, and ToolStrategy takes one call only
)
QUESTION = {"messages": [{"role": "user", "content": "When does the bakery open on Monday?"}]}
asked = []


class Answer(BaseModel, extra="forbid"):
    """What the shop said."""

    hour: int = Field(ge=0, le=23)
    open: Literal["yes", "no"]


@tool
def opening_hours(shop: Literal["bakery", "library"], day: Literal["Monday", "Sunday"]) -> str:
    """When a shop opens."""
    asked.append((shop, day))
    return "It opens at 7:30."


@wrap_model_call
def tool_first(request, handler):
    """The model has to call a tool, and may not once it has: a small model would go on and on."""
    if any(isinstance(message, ToolMessage) for message in request.messages):
        return handler(request.override(tools=[]))
    return handler(request.override(tool_choice="any", response_format=None))


def structured_output_provider():
    agent = create_agent(model, response_format=ProviderStrategy(Answer))
    assert isinstance(agent.invoke(QUESTION)["structured_response"], Answer)


def structured_output_tool():
    agent = create_agent(model, response_format=ToolStrategy(Answer))
    assert isinstance(agent.invoke(QUESTION)["structured_response"], Answer)


def tool_loop():
    asked.clear()
    agent = create_agent(model, [opening_hours], middleware=[tool_first], response_format=ProviderStrategy(Answer))
    state = agent.invoke(QUESTION, {"recursion_limit": 10})
    assert asked
    assert any(isinstance(message, ToolMessage) and "7:30" in message.text for message in state["messages"])
    assert isinstance(state["structured_response"], Answer)


def streaming():
    agent = create_agent(model.bind(max_tokens=20))
    texts, last = [], None
    for mode, part in agent.stream(QUESTION, stream_mode=["messages", "values"]):
        if mode == "values":
            last = part["messages"][-1]
        elif isinstance(part[0], AIMessageChunk) and part[0].text:
            texts.append(part[0].text)
    assert len(texts) > 1
    assert "".join(texts) == last.text


def error():
    try:
        create_agent(model.model_copy(update={"model_name": "no-such-model"})).invoke(QUESTION)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")


def limited(tokens, **options):
    """An agent whose model must call, and which ends after that."""
    bound = model.model_copy(update={"max_tokens": tokens, **options})
    removed = tool(return_direct=True)(shared.remove)
    return create_agent(bound, [removed], middleware=[tool_first])


def limiting(act):
    def drive(tokens):
        try:
            act(tokens, {"messages": [{"role": "user", "content": TASK}]})
        except BadRequestError as error:
            refused(error)

    return drive


def cut_whole():
    return shared.cut(limiting(lambda tokens, task: limited(tokens).invoke(task)))


def cut_streamed():
    by = limiting(lambda tokens, task: list(limited(tokens).stream(task, stream_mode="messages")))
    return shared.cut(by, streamed=True)


def cut_streamed_whole():
    return shared.cut(
        limiting(lambda tokens, task: list(limited(tokens, extra_body=HELD).stream(task, stream_mode="messages")))
    )


def calls_of(state):
    return [call for message in state["messages"] for call in getattr(message, "tool_calls", [])]


def answering(name, parameters):
    """A tool of a schema that no Python function stands for; the agent ends once it has run."""
    return StructuredTool(
        name=name, description="A tool.", args_schema=parameters, func=lambda **given: "Done.", return_direct=True
    )


def closed():
    def drive(seed):
        sampled = model.model_copy(update={"temperature": 1.0, "seed": seed})
        agent = create_agent(sampled, [answering("hours", OPEN)], middleware=[tool_first])
        return [call["args"] for call in calls_of(agent.invoke(QUESTION))]

    shared.closed(drive)


def called(names):
    tools = [answering(name, parameters) for name, parameters in shared.many(names).items()]
    skipping = model.model_copy(update={"extra_body": SKIP})
    (call,) = calls_of(create_agent(skipping, tools, middleware=[tool_first]).invoke(QUESTION))
    shared.fits(call["name"], call["args"], names)


def many_tools():
    called("tool_{}")


def many_tools_dotted():
    called("files.v2/tool_{}")


def histories():
    agent = create_agent(model.bind(max_tokens=8))
    shared.histories(lambda messages: agent.invoke({"messages": messages})["messages"][-1].text)
