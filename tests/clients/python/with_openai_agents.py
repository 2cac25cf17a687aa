"""openai-agents: an agent with an output type, a tool, streams."""

import json
import os
from typing import Literal

import shared
from agents import (
    Agent,
    FunctionTool,
    ModelBehaviorError,
    ModelSettings,
    OpenAIChatCompletionsModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, SKIP, TASK, refused, remove

set_tracing_disabled(True)
MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
REPORT = "The printer on floor 3 is on fire. File a ticket."


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def agent(name=MODEL, settings=None, **options):
    client = AsyncOpenAI(
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        api_key=os.environ.get("API_KEY", "none"),
        max_retries=0,
    )
    settings = ModelSettings(temperature=0, max_tokens=200).resolve(settings)
    model = OpenAIChatCompletionsModel(model=name, openai_client=client)
    return Agent(name="helper", instructions="You help.", model=model, model_settings=settings, **options)


async def structured_output():
    assert isinstance((await Runner.run(agent(output_type=Ticket), REPORT)).final_output, Ticket)


async def tool_loop():
    """The tool is there until it has run, and the model must call it; then it must answer."""
    asked = []

    @function_tool(is_enabled=lambda context, agent: not asked)
    def caretaker(floor: Literal[1, 2, 3]) -> str:
        """Who looks after a floor."""
        asked.append(floor)
        return "Ask Ada."

    required = ModelSettings(tool_choice="required", parallel_tool_calls=False)
    helper = agent(tools=[caretaker], output_type=Ticket, settings=required)
    result = await Runner.run(helper, REPORT, max_turns=3)
    assert len(asked) == 1
    assert isinstance(result.final_output, Ticket)
    assert len(result.raw_responses) == 2


async def streaming():
    result = Runner.run_streamed(agent(output_type=Ticket), REPORT)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert len(deltas) > 1
    assert Ticket.model_validate_json("".join(deltas)) == result.final_output


async def error():
    try:
        await Runner.run(agent("no-such-model"), REPORT)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")


FORCED = ModelSettings(tool_choice="required", parallel_tool_calls=False)


def limited(tokens, **extra):
    """It must call, and ends after that."""
    settings = FORCED.resolve(ModelSettings(max_tokens=tokens, extra_body=extra))
    return agent(tools=[function_tool(remove)], settings=settings, tool_use_behavior="stop_on_first_tool")


async def tried(act):
    try:
        await act
    except BadRequestError as error:
        refused(error)
    except ModelBehaviorError as error:  # of an answer that has nothing, or arguments that are no JSON
        assert "finish_reason='length'" in str(error) or "Invalid JSON" in str(error), error


async def streamed(helper):
    async for _ in Runner.run_streamed(helper, TASK, max_turns=1).stream_events():
        pass


def cut_whole():
    return shared.cut(lambda tokens: tried(Runner.run(limited(tokens), TASK, max_turns=1)))


def cut_streamed():
    return shared.cut(lambda tokens: tried(streamed(limited(tokens))), streamed=True)


def cut_streamed_whole():
    return shared.cut(lambda tokens: tried(streamed(limited(tokens, **HELD))))


async def called(schemas, settings):
    """What a model calls of tools of these schemas, as they are: names and arguments."""
    given = []

    def answering(name, parameters):
        async def answered(context, arguments):
            given.append((name, json.loads(arguments)))
            return "Done."

        return FunctionTool(name, "A tool.", parameters, answered, strict_json_schema=False)

    tools = [answering(name, parameters) for name, parameters in schemas.items()]
    helper = agent(tools=tools, settings=FORCED.resolve(settings), tool_use_behavior="stop_on_first_tool")
    await Runner.run(helper, REPORT, max_turns=1)
    return given


def closed():
    async def drive(seed):
        settings = ModelSettings(temperature=1, extra_args={"seed": seed})
        return [arguments for _, arguments in await called({"hours": OPEN}, settings)]

    shared.closed(drive)


async def fitting(names):
    ((name, arguments),) = await called(shared.many(names), ModelSettings(extra_body=SKIP))
    shared.fits(name, arguments, names)


async def many_tools():
    await fitting("tool_{}")


async def many_tools_dotted():
    await fitting("files.v2/tool_{}")


def items(messages):
    """OpenAI's messages as the items of a run, which this package sends as messages again."""
    for message in messages:
        if message["role"] == "tool":
            yield {"type": "function_call_output", "call_id": message["tool_call_id"], "output": message["content"]}
            continue
        if message["content"] is not None:
            yield {"role": message["role"], "content": message["content"]}
        for call in message.get("tool_calls", []):
            yield {"type": "function_call", "call_id": call["id"], **call["function"]}


def histories():
    async def ask(messages):
        return (await Runner.run(agent(settings=ModelSettings(max_tokens=8)), list(items(messages)))).final_output

    shared.histories(ask)
