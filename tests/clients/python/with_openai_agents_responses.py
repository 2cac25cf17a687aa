"""openai-agents over /v1/responses, which it speaks by default: outputs, tools, handoffs, custom tools, streams."""

import json
import os
from typing import Literal

import shared
from agents import (
    Agent,
    CustomTool,
    FunctionTool,
    ModelBehaviorError,
    ModelSettings,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI, BadRequestError, NotFoundError
from pydantic import BaseModel, Field
from shared import HELD, OPEN, ORDER, QUERY, SKIP, TASK, refused, remove

set_tracing_disabled(True)
MODEL = os.environ.get("MODEL", "HuggingFaceTB/SmolLM2-135M-Instruct")
REPORT = "The printer on floor 3 is on fire. File a ticket."


class Ticket(BaseModel, extra="forbid"):
    title: str = Field(max_length=40)
    priority: Literal["low", "medium", "high"]
    minutes: int = Field(ge=1, le=90)


def agent(name=MODEL, settings=None, role="helper", **options):
    """The model is wrapped in its class, since the package takes the part before a slash for a provider."""
    client = AsyncOpenAI(
        base_url=os.environ.get("BASE_URL", "http://127.0.0.1:8000/v1"),
        api_key=os.environ.get("API_KEY", "none"),
        max_retries=0,
    )
    settings = ModelSettings(temperature=0, max_tokens=200).resolve(settings)
    model = OpenAIResponsesModel(model=name, openai_client=client)
    return Agent(name=role, instructions="You help.", model=model, model_settings=settings, **options)


FORCED = ModelSettings(tool_choice="required", parallel_tool_calls=False)


async def structured_output():
    assert isinstance((await Runner.run(agent(output_type=Ticket), REPORT)).final_output, Ticket)


async def looped(settings=None, **options):
    """The tool is there until it has run, and the model must call it; then it must answer."""
    asked = []

    @function_tool(is_enabled=lambda context, agent: not asked)
    def caretaker(floor: Literal[1, 2, 3]) -> str:
        """Who looks after a floor."""
        asked.append(floor)
        return "Ask Ada."

    helper = agent(tools=[caretaker], output_type=Ticket, settings=FORCED.resolve(settings))
    result = await Runner.run(helper, REPORT, max_turns=3, **options)
    assert len(asked) == 1
    assert asked[0] in {1, 2, 3}
    assert isinstance(result.final_output, Ticket)
    assert len(result.raw_responses) == 2


async def tool_loop():
    await looped()


async def tool_loop_previous_response_id():
    """The second request has the results only."""
    await looped(auto_previous_response_id=True)


async def tool_loop_not_stored():
    await looped(ModelSettings(store=False, response_include=["reasoning.encrypted_content"]))


async def tool_loop_handoff():
    """The first agent can only hand over, and the second one answers."""
    mender = agent(role="mender", output_type=Ticket)
    desk = agent(role="desk", handoffs=[mender], settings=FORCED)
    result = await Runner.run(desk, REPORT, max_turns=2)
    assert result.last_agent.name == "mender"
    assert isinstance(result.final_output, Ticket)


async def streaming():
    result = Runner.run_streamed(agent(output_type=Ticket), REPORT)
    deltas = [
        event.data.delta
        async for event in result.stream_events()
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
    ]
    assert len(deltas) > 1
    assert Ticket.model_validate_json("".join(deltas)) == result.final_output


async def streaming_tool_loop():
    asked = []

    @function_tool(is_enabled=lambda context, agent: not asked)
    def caretaker(floor: Literal[1, 2, 3]) -> str:
        """Who looks after a floor."""
        asked.append(floor)
        return "Ask Ada."

    result = Runner.run_streamed(agent(tools=[caretaker], output_type=Ticket, settings=FORCED), REPORT, max_turns=3)
    names = [event.name async for event in result.stream_events() if event.type == "run_item_stream_event"]
    assert names == ["tool_called", "tool_output", "message_output_created"]
    assert len(asked) == 1
    assert isinstance(result.final_output, Ticket)


async def error():
    try:
        await Runner.run(agent("no-such-model"), REPORT)
    except NotFoundError as error:
        assert "The model 'no-such-model' does not exist" in error.message
    else:
        raise AssertionError("an unknown model was served")


def limited(tokens, **extra):
    """It must call, and ends after that."""
    settings = FORCED.resolve(ModelSettings(max_tokens=tokens, extra_body=extra))
    return agent(tools=[function_tool(remove)], settings=settings, tool_use_behavior="stop_on_first_tool")


async def tried(act):
    try:
        await act
    except BadRequestError as error:
        refused(error)
    except ModelBehaviorError as error:  # of an answer that is incomplete
        assert "max_output_tokens" in str(error) or "incomplete" in str(error), error


async def streamed(helper):
    async for _ in Runner.run_streamed(helper, TASK, max_turns=1).stream_events():
        pass


def cut_whole():
    return shared.cut(lambda tokens: tried(Runner.run(limited(tokens), TASK, max_turns=1)))


def cut_streamed():
    """No item of a cut call is done: nothing that is cut runs, whether calls are held or not."""
    return shared.cut(lambda tokens: tried(streamed(limited(tokens))))


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
        settings = ModelSettings(temperature=1, extra_body={"seed": seed})
        return [arguments for _, arguments in await called({"hours": OPEN}, settings)]

    shared.closed(drive)


async def fitting(names):
    ((name, arguments),) = await called(shared.many(names), ModelSettings(extra_body=SKIP))
    shared.fits(name, arguments, names)


async def many_tools():
    await fitting("tool_{}")


async def many_tools_dotted():
    await fitting("files.v2/tool_{}")


class Reply(BaseModel, extra="forbid"):
    """Short: the package takes an answer that is cut for an error."""

    text: str = Field(max_length=20)


def histories():
    async def ask(messages):
        return (await Runner.run(agent(output_type=Reply), list(shared.items(messages)))).final_output.text

    shared.histories(ask)


async def grammar():
    """A custom tool with a grammar, whose result goes back."""
    given = []

    async def answered(context, text):
        given.append(text)
        return "3 orders"

    query = CustomTool(name="query", description="Looks up orders.", on_invoke_tool=answered, format=QUERY)
    result = await Runner.run(agent(tools=[query], settings=FORCED), ORDER, max_turns=3)
    assert len(given) == 1
    assert shared.is_query(given[0]), given
    assert result.final_output
